"""Finds photos that several children have, so that their faces are written into one file only.

A copy of a photo has the ids of the photo's faces. How Pinecone counts an id that is in two files
is not documented, so no id is in two files. The first child that has found a photo writes its
faces.
"""

from __future__ import annotations

from array import array
from contextlib import closing
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.core.ids import PREFIX_BYTES, photo_number
from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.jobs.ledger.face_index import id_prefixes, read_face_index
from facerec.jobs.ledger.segments import read_segments
from facerec.jobs.prefetch import read_ahead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from facerec.core.vectors import Vector
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore

READERS = 16
"""Number of children whose face indexes are read concurrently."""


class CopiedPhotos:
    """The photos that several children have found, and which ones have been written.

    Reads the face indexes of all children. Needs 8 bytes of memory per photo while doing so.

    Args:
        plan: Plan of a job whose children are complete.
        objects: Contains the job folder.
        next_child: First child whose faces are not written yet.
    """

    def __init__(self, plan: Plan, objects: ObjectStore, next_child: int) -> None:
        found = array("Q")
        for photos in _photos_of_children(plan, objects, plan.children):
            found.frombytes(photos.tobytes())
        every = np.frombuffer(found, np.uint64) if found else np.empty(0, np.uint64)
        every.sort()
        self._copied = np.unique(every[1:][every[1:] == every[:-1]])
        self._written = np.zeros(self._copied.size, np.bool_)
        if self._copied.size:
            for photos in _photos_of_children(plan, objects, next_child):
                self._written[self._positions(photos)] = True

    def take(self, vectors: list[Vector]) -> list[Vector]:
        """Return the vectors of a child that no earlier child has written, to write them now.

        Call it once for each child, in order: later calls omit what this one returns.
        """
        if not self._copied.size or not vectors:
            return vectors
        photos = np.array([photo_number(vector.id) for vector in vectors], np.uint64)
        positions = self._positions(photos)
        written = self._copied[positions[self._written[positions]]]
        self._written[positions] = True
        kept = ~np.isin(photos, written)
        return [vector for vector, keep in zip(vectors, kept, strict=True) if keep]

    def _positions(self, photos: NDArray[np.uint64]) -> NDArray[np.intp]:
        """Return the positions, among all copied photos, of those that ``photos`` contains."""
        positions = np.searchsorted(self._copied, photos)
        positions = positions[positions < self._copied.size]
        return positions[np.isin(self._copied[positions], photos)]


def _photos_of_children(plan: Plan, objects: ObjectStore, end: int) -> Iterator[NDArray[np.uint64]]:
    """Yield the photos in which each child before ``end`` found faces, each once per child.

    A photo is the number of its faces' ids (``photo_number``).
    """
    found = read_ahead(
        range(end),
        lambda child: np.unique(_numbers(_ids_of_child(plan, objects, child))),
        len,
        threads=READERS,
        max_items=4 * READERS,
        max_weight=1_000_000,
    )
    with closing(found):
        yield from found


def _numbers(ids: bytes) -> NDArray[np.uint64]:
    return np.frombuffer(ids, f">u{PREFIX_BYTES}").astype(np.uint64)


def _ids_of_child(plan: Plan, objects: ObjectStore, child: int) -> bytes:
    """Return the first ``PREFIX_BYTES`` of the ids of a child's faces."""
    index = read_face_index(objects, plan.job_folder, child)
    if index is not None:
        return b"".join(segment.ids for segment in index)
    ids: list[str] = []
    for segment in read_segments(objects, plan.job_folder, child):
        if segment.embeddings is None:
            continue
        try:
            faces = read_embeddings(objects, plan.job_folder + segment.embeddings)
        except (ObjectNotFoundError, InvalidInputError):
            continue
        ids += [face.record.face_id for face in faces]
    return b"".join(id_prefixes(ids))
