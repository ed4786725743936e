"""Reads the faces of a collection into memory for a clustering."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.core.clusters import FaceArrays
from facerec.core.faces import EMBEDDING_SIZE
from facerec.core.ids import photo_number
from facerec.storage.dynamodb.cluster_membership import face_id_array
from facerec.storage.face_metadata import quality_from_metadata, stats_from_metadata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core.faces import Quality
    from facerec.core.records import Collection
    from facerec.core.vectors import Vector
    from facerec.storage.dynamodb.cluster_membership import Membership
    from facerec.storage.faces import FaceStore

_FIELDS = [("mean", "<f4"), ("deviation", "<f4"), ("photo", "<u8"), ("clear", "?")]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """The faces of a collection in the order of their ids, except detections marked as not a face.

    Attributes:
        collection: The collection.
        ids: Ids of the faces, as ASCII bytes. The index of a face is its slot.
        embeddings: float32, shape (n, 128).
        arrays: The other data about the faces that clustering needs.
        known: The clusters of the faces when they were read.
    """

    collection: Collection
    ids: NDArray[np.bytes_]
    embeddings: NDArray[np.float32]
    arrays: FaceArrays
    known: Membership

    @property
    def changed_ids(self) -> list[str]:
        """The ids of the faces that have not been clustered yet; this clustering adds them."""
        return [each.decode() for each in self.ids[self.arrays.changed].tolist()]

    def ids_at(self, slots: Sequence[int]) -> dict[int, str]:
        """Return the ids of faces by slot; slots without a face are omitted."""
        return {slot: self.ids[slot].decode() for slot in slots if 0 <= slot < len(self.ids)}

    def slots_of(self, face_ids: Sequence[str]) -> dict[str, int]:
        """Return the slots of faces by id; unknown faces are omitted."""
        if not len(self.ids):
            return {}
        sought = face_id_array(face_ids)
        places = np.minimum(np.searchsorted(self.ids, sought), len(self.ids) - 1)
        known = np.flatnonzero(self.ids[places] == sought)
        return {face_ids[each]: int(places[each]) for each in known.tolist()}


def read_faces(
    collection: Collection,
    faces: FaceStore,
    known: Membership,
    not_faces: Sequence[str],
    *,
    cohort_version: str,
    is_clear: Callable[[Quality], bool],
    state: tuple[int, int, int],
) -> Reading:
    """Read all faces of a collection, with one listing of the store of vectors.

    Args:
        collection: The collection.
        faces: The store of its faces.
        known: The clusters of its faces.
        not_faces: Ids of detections marked as not a face, which are omitted.
        cohort_version: Version of the cohort stats to return; those of other versions become NaN.
        is_clear: Returns whether a face of this quality is clear enough to connect others.
        state: The ``FaceArrays.state`` of the current state of the collection.

    Raises:
        ConflictError: The collection serves another model version now.
    """

    def convert(
        vectors: Sequence[Vector],
    ) -> tuple[NDArray[np.bytes_], NDArray[np.float32], NDArray[np.void]]:
        others = np.empty(len(vectors), _FIELDS)
        for row, each in enumerate(vectors):
            mean = deviation = math.nan
            stats = stats_from_metadata(each.metadata)
            if stats is not None and stats.version == cohort_version:
                mean, deviation = stats.mean, stats.deviation
            clear = is_clear(quality_from_metadata(each.metadata))
            others[row] = (mean, deviation, photo_number(each.id), clear)
        embeddings = np.stack([each.values for each in vectors])
        return face_id_array(each.id for each in vectors), embeddings, others

    pages = faces.of(collection).vectors.map_vectors(collection.collection_id, convert)
    ids = np.concatenate([face_id_array(()), *(page[0] for page in pages)])
    # The faces are sorted; one that was written concurrently may be in two pages.
    ids, first = np.unique(ids, return_index=True)
    kept = ~np.isin(ids, face_id_array(not_faces))
    ids, first = ids[kept], first[kept]
    embeddings = np.empty((len(ids), EMBEDDING_SIZE), np.float32)
    others = np.empty(len(ids), _FIELDS)
    start = 0
    order = np.argsort(first)
    for place in range(len(pages)):
        _, own, own_others = pages[place]
        low, high = np.searchsorted(first, (start, start + len(own)), sorter=order)
        rows = order[low:high]
        embeddings[rows], others[rows] = own[first[rows] - start], own_others[first[rows] - start]
        start += len(own)
        pages[place] = (ids[:0], own[:0].copy(), own_others[:0])  # frees the memory of the page
    arrays = FaceArrays(
        np.arange(len(ids), dtype=np.int64),
        others["mean"].astype(np.float32),
        others["deviation"].astype(np.float32),
        others["photo"].astype(np.uint64),
        others["clear"].astype(np.bool_),
        ~np.isin(ids, known.ids),
        state if len(ids) else None,
    )
    return Reading(collection, ids, embeddings, arrays, known)
