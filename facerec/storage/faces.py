"""Faces as vectors of a ``VectorStore``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from facerec.core.limits import MAX_PAGE
from facerec.core.records import Collection, FaceRecord, StoredFace
from facerec.core.vectors import SharedField, Vector, VectorMatch, VectorRecord
from facerec.storage.face_metadata import (
    from_metadata,
    stats_from_metadata,
    stats_metadata,
    to_metadata,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core.arrays import np
    from facerec.core.faces import CohortStats
    from facerec.core.protocols.vectors import VectorStore


def people_namespace(collection_id: str) -> str:
    """Return the namespace of people's vectors; the faces' namespace is the id itself."""
    # A collection id never contains a slash.
    return f"{collection_id}/users"


@dataclass(frozen=True)
class Neighbour:
    """A stored face found near a probe.

    A search scores many faces and returns few of them. Decoding the record takes longer than
    everything else that a search does with a face, so the record is decoded when it is first read.
    """

    match: VectorMatch

    @property
    def face_id(self) -> str:
        """Id of the face."""
        return self.match.id

    @property
    def distance(self) -> float:
        """Euclidean distance of the two embeddings."""
        return self.match.distance

    @property
    def stats(self) -> CohortStats | None:
        """Cohort stats of the face, or None if they are not stored; decoded at each read."""
        return stats_from_metadata(self.match.metadata)

    @cached_property
    def record(self) -> FaceRecord:
        """The stored face."""
        return _record(self.match)


class FaceStore:
    """The faces of collections: a namespace per collection, a group per photo.

    Attributes:
        vectors: The store of the vectors.
    """

    def __init__(
        self,
        vectors: VectorStore,
        *,
        on_removed: Callable[[str, Sequence[str]], None] | None = None,
    ) -> None:
        """Create the store.

        Args:
            vectors: The store of the vectors.
            on_removed: Called with a collection's id and the ids of faces that it no longer has, to
                delete data about them in another store; None if no other store has such data.
        """
        self.vectors, self._on_removed = vectors, on_removed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the vector store."""
        self.vectors.close()

    def of(self, collection: Collection) -> FaceStore:
        """Return this store, restricted to this collection and its model version.

        Faces written through it never get into a later collection with the same id, whenever the
        collection is deleted. A store that also contains the records rejects writes for a deleted
        collection; other stores write to a namespace that nothing reads
        (``facerec.storage.generations``).
        """
        del collection
        return self

    def of_served(self, collection_id: str) -> FaceStore:
        """Return this store, restricted to a collection and the model version that it serves now.

        A store that also contains the records needs no restriction.

        Raises:
            CollectionNotFoundError: The collection does not exist.
        """
        del collection_id
        return self

    def put_images(
        self, collection_id: str, images: Mapping[str, Sequence[StoredFace]]
    ) -> list[str]:
        """Replace the faces of each photo, durably; return the ids of the removed faces.

        The faces may belong to people; ``facerec.gallery.indexing.storing`` handles those.

        Args:
            collection_id: The collection.
            images: Faces by image key (see ``facerec.core.ids.image_key``).

        Raises:
            ValueError: A key, an id or an embedding is malformed; nothing was stored.
            CollectionNotFoundError: The collection was deleted (only after ``of``).
            ConflictError: The collection serves another model version now, or is being switched; or
                there are too many concurrent changes of another store's data about removed faces.
            StoreUnavailableError: No photos, or only some of them, were stored.
        """
        removed = self.vectors.put_groups(
            collection_id,
            {key: [to_vector(face) for face in faces] for key, faces in images.items()},
        )
        if self._on_removed is not None:
            self._on_removed(collection_id, removed)
        return removed

    def add_to_images(self, collection_id: str, images: Mapping[str, Sequence[StoredFace]]) -> None:
        """Add faces of photos; other faces of the photos may be stored or deleted concurrently.

        Args:
            collection_id: The collection.
            images: Faces by image key.

        Raises:
            ValueError: A key, an id or an embedding is malformed; nothing was stored.
            CollectionNotFoundError: The collection was deleted (only after ``of``).
            ConflictError: The collection serves another model version now, or is being switched; or
                other writers kept adding faces to the same photos.
            StoreUnavailableError: No faces, or only some of them, were stored.
        """
        self.vectors.add_vectors(
            collection_id,
            {key: [to_vector(face) for face in faces] for key, faces in images.items()},
        )

    def put_stats(self, collection_id: str, stats: Mapping[str, CohortStats]) -> None:
        """Store cohort stats by face id; ignore unknown and concurrently deleted faces.

        Raises:
            StoreUnavailableError: None, or only some, of the stats were stored.
        """
        self.vectors.change_metadata(
            collection_id, {face_id: stats_metadata(own) for face_id, own in stats.items()}
        )

    def get_images(
        self,
        collection_id: str,
        image_keys: Sequence[str],
        *,
        image_ids: Mapping[str, str] | None = None,
    ) -> dict[str, list[FaceRecord]]:
        """Return the stored faces of photos by image key; photos without faces are omitted.

        Args:
            collection_id: The collection.
            image_keys: Keys of photos (see ``facerec.core.ids.image_key``).
            image_ids: The image id of each key, if known: some stores then find the faces of many
                photos with one request.

        Raises:
            ConflictError: The collection serves another model version now.
        """
        shared = None if image_ids is None else SharedField("image_id", image_ids)
        found = self.vectors.get_groups(collection_id, image_keys, shared=shared)
        return {key: [_record(each) for each in records] for key, records in found.items()}

    def search(
        self,
        collection_id: str,
        probes: NDArray[np.float32],
        *,
        limit: int,
        max_distance: float,
    ) -> list[list[Neighbour]]:
        """Return the nearest faces of each probe, nearest first.

        Args:
            collection_id: The collection.
            probes: float32, shape (n, 128).
            limit: Maximum number of faces per probe, 1 to 8192.
            max_distance: Maximum Euclidean distance, inclusive.

        Raises:
            InvalidInputError: The store cannot return that many faces.
            CollectionNotFoundError: The collection was deleted (only after ``of``).
            ConflictError: The collection serves another model version now.
            ValueError: The probes are malformed, or ``limit`` is out of range.
        """
        found = self.vectors.search(collection_id, probes, limit=limit, max_distance=max_distance)
        return [list(map(Neighbour, matches)) for matches in found]

    def get_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[StoredFace]:
        """Return the stored faces in the order of ``face_ids``; unknown ids are omitted.

        Raises:
            CollectionNotFoundError: The collection was deleted (only after ``of``).
            ConflictError: The collection serves another model version now.
        """
        vectors = self.vectors.get_vectors(collection_id, face_ids)
        return list(map(to_face, vectors))

    def list_faces(
        self, collection_id: str, *, after: str | None = None, limit: int = 1000
    ) -> list[FaceRecord]:
        """Return faces ordered by id, starting after the id ``after``.

        Raises:
            ConflictError: The collection serves another model version now.
        """
        records = self.vectors.list_vectors(collection_id, after=after, limit=limit)
        return [_record(record) for record in records]

    def all_faces(self, collection_id: str) -> Iterator[FaceRecord]:
        """Yield all faces of a collection, ordered by id, with one page in memory at a time.

        Raises:
            ConflictError: The collection serves another model version now.
        """
        after = None
        while page := self.list_faces(collection_id, after=after, limit=MAX_PAGE):
            yield from page
            after = page[-1].face_id

    def delete_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[str]:
        """Erase faces, including their embeddings, and return the ids that were stored.

        A store with eventually consistent reads may omit ids that were stored recently.

        Raises:
            StoreUnavailableError: None, or only some, of the faces were erased, or their bytes are
                still in a log; call this again.
            ConflictError: There are too many concurrent changes of another store's data about the
                faces; call this again.
        """
        stored = self.vectors.delete_vectors(collection_id, face_ids)
        if self._on_removed is not None:
            # Called for all ids: an earlier attempt may have been interrupted here.
            self._on_removed(collection_id, face_ids)
        return stored

    def delete_namespace(self, collection_id: str) -> None:
        """Erase all faces of a collection. An unknown collection is not an error.

        Raises:
            StoreUnavailableError: None, or only some, of the faces were erased, or their bytes are
                still in a log; call this again.
        """
        self.vectors.delete_namespace(collection_id)

    def left_of(self, deleted: Sequence[Collection]) -> list[Collection]:
        """Return the deleted collections that have vectors again.

        A writer that was killed cannot remove what it wrote after the deletion.

        Args:
            deleted: Collections that were deleted. A store that also has the records finds them
                itself, and returns them with the model version "" and the creation time 0.
        """
        del deleted
        return []

    def erase_copies(self, names: Sequence[str]) -> None:
        """Erase copies of names that a store may have left in unused parts of its file.

        Args:
            names: External image ids, sources of photos and user ids that were erased.

        Raises:
            StoreUnavailableError: The file cannot be rewritten: its disk has too little space, or
                other processes are reading its log.
        """

    def count_faces(self, collection_id: str) -> int:
        """Return the number of faces of a collection.

        Raises:
            ConflictError: The collection serves another model version now.
        """
        return self.vectors.count_vectors(collection_id)

    def version(self, collection_id: str) -> str | None:
        """Return a text that changes when faces are stored or deleted; see ``VectorStore.version``.

        Returns None if the store does not support versions, or the collection has had no face.
        """
        return self.vectors.version(collection_id)

    def expect_empty(self, collection_id: str) -> None:
        """Assume that a collection had no faces when the store was opened; see ``VectorStore``."""
        self.vectors.expect_empty(collection_id)


def to_vector(face: StoredFace) -> Vector:
    """Return a face as the vector that stores keep."""
    return Vector(face.record.face_id, to_metadata(face.record), face.embedding)


def to_face(vector: Vector) -> StoredFace:
    """Return the face that ``to_vector`` has converted to a vector."""
    return StoredFace(_record(vector), vector.values)


def _record(record: VectorRecord) -> FaceRecord:
    return from_metadata(record.id, record.metadata)
