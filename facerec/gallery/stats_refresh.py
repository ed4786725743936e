"""Cohort stats computed again for stored faces, from their embeddings and without photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.arrays import np

if TYPE_CHECKING:
    from facerec.core.protocols.engine import Cohort
    from facerec.core.records import FaceRecord
    from facerec.storage.faces import FaceStore

FACES_OF_PAGE = 1000


def store_current_stats(collection_id: str, *, faces: FaceStore, cohort: Cohort) -> int:
    """Store stats with the faces that have none or another cohort's; see ``Gallery``."""
    refreshed, after = 0, None
    while page := faces.list_faces(collection_id, after=after, limit=FACES_OF_PAGE):
        after = page[-1].face_id
        stale = [record.face_id for record in page if _is_stale(record, cohort)]
        stored = faces.get_faces(collection_id, stale) if stale else []
        if not stored:
            continue
        computed = cohort.cohort_stats(np.stack([face.embedding for face in stored]))
        face_ids = [face.record.face_id for face in stored]
        faces.put_stats(collection_id, dict(zip(face_ids, computed, strict=True)))
        refreshed += len(stored)
    return refreshed


def _is_stale(record: FaceRecord, cohort: Cohort) -> bool:
    return record.stats is None or record.stats.version != cohort.cohort_version
