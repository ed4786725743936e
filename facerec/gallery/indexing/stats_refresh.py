"""Computes the cohort stats of stored faces again, from their embeddings and without photos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.arrays import np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facerec.core.protocols.engine import Cohort
    from facerec.core.records import FaceRecord
    from facerec.storage.faces import FaceStore


@dataclass(frozen=True, slots=True)
class StatsRefresh:
    """The outcome of refreshing one page of faces.

    Attributes:
        collection_id: Id of the collection.
        refreshed: Number of faces whose stats were stored.
        next_token: Token of the next page; None on the last one.
    """

    collection_id: str
    refreshed: int
    next_token: str | None


def store_current_stats(
    collection_id: str, page: Sequence[FaceRecord], *, faces: FaceStore, cohort: Cohort
) -> int:
    """Store stats for the faces that have none of the current cohort, and return their number.

    Raises:
        ConflictError: The collection was switched to another model version concurrently.
    """
    stale = [record.face_id for record in page if _is_stale(record, cohort)]
    stored = faces.get_faces(collection_id, stale) if stale else []
    if stored:
        computed = cohort.cohort_stats(np.stack([face.embedding for face in stored]))
        face_ids = [face.record.face_id for face in stored]
        faces.put_stats(collection_id, dict(zip(face_ids, computed, strict=True)))
    return len(stored)


def _is_stale(record: FaceRecord, cohort: Cohort) -> bool:
    return record.stats is None or record.stats.version != cohort.cohort_version
