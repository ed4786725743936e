"""Cohort stats computed again for stored faces, from their embeddings and without photos."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from facerec.core.ids import group_of
from facerec.core.protocols import Cohort
from facerec.core.records import FaceRecord, StoredFace
from facerec.storage.faces import FaceStore

FACES_OF_PAGE = 1000


def refresh_stats(collection_id: str, *, faces: FaceStore, cohort: Cohort) -> int:
    """Store stats with the faces that have none or another cohort's; see ``Gallery``.

    A store replaces the faces of a photo together, so all faces of such a photo are read.
    """
    refreshed, after = 0, None
    while page := faces.list_faces(collection_id, after=after, limit=FACES_OF_PAGE):
        after = page[-1].face_id
        keys = sorted({group_of(face.face_id) for face in page if _is_stale(face, cohort)})
        records = faces.find_images(collection_id, keys) if keys else {}
        stored = {
            face.record.face_id: face
            for face in faces.get_faces(
                collection_id, [record.face_id for own in records.values() for record in own]
            )
        }
        stale = [face for face in stored.values() if _is_stale(face.record, cohort)]
        if not stale:
            continue
        computed = cohort.cohort_stats(np.stack([face.embedding for face in stale]))
        for face, stats in zip(stale, computed, strict=True):
            record = replace(face.record, stats=stats)
            stored[record.face_id] = StoredFace(record, face.embedding)
        images: dict[str, list[StoredFace]] = {}
        for face in stored.values():
            images.setdefault(group_of(face.record.face_id), []).append(face)
        faces.put_images(collection_id, images)
        refreshed += len(stale)
    return refreshed


def _is_stale(record: FaceRecord, cohort: Cohort) -> bool:
    return record.stats is None or record.stats.version != cohort.cohort_version
