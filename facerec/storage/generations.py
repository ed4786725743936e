"""Faces in a store without transactions: each creation of a collection has its own namespaces.

The record of a collection and its vectors are in two services, so a writer of vectors cannot be
sure that the collection still exists. It may have been deleted, and perhaps created again, while a
photo was processed. So the namespaces of a collection are named after its generation, which its
record contains, and a writer keeps the generation that it began with. If it writes too late, its
vectors get into a namespace that nobody reads.

Collections that the first release created have no generation. Their namespaces are named after
their ids.

A collection that is migrated to another model version has several sets of namespaces, its sides.
They have numbers, and no number is used twice (``facerec.storage.dynamodb.migrations``). The record
names the side that is served, the standby side, on which faces are described, and during a switch
the next side, which the switch fills with the faces that both sides have
(``facerec.storage.standby_sides``). Without transactions, these rules keep the sides equal:

- Vectors are deleted first on the side that the writer knows, and then on all sides that may have
  some, until the record names no further side. A process that writes a face on another side reads
  the served side again afterwards. So a face that was deleted is on no side that is served later.
- A writer reads the record again after it has written. If the collection serves another side by
  then, or is about to, the write may be lost, and the writer gets a conflict: it must repeat the
  write.
- A reader reads the record again too, even if the collection was never migrated: the side may have
  been erased since. It gets a conflict if the collection serves another side by then.
- A switch compares the sides after the record has named the next one. So it also compares what was
  written before, and a write that comes later does not succeed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.migrations import MAX_SIDES
from facerec.core.override import override
from facerec.core.protocols.vectors import Result, VectorStore
from facerec.errors import CollectionNotFoundError, ConflictError
from facerec.storage.faces import FaceStore, people_namespace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.protocols.collections import CollectionRecords
    from facerec.core.records import Collection
    from facerec.core.vectors import Metadata, SharedField, Vector, VectorMatch, VectorRecord

_RECENT = 8
"""Number of the latest sides from which deleted vectors are erased, besides the sides in use. They
cover two migrations; a killed process may have left the vectors of one."""

_READS = 3
"""Maximum attempts to read from a collection that is switched during each of them; then a conflict
is raised."""


class FacesByGeneration(FaceStore):
    """The faces of collections whose records are in another store.

    Each call reads the record of the collection first, except on a store returned by ``of``.

    Attributes:
        stored: The store of the vectors, whose namespaces have the names that ``namespace_of``
            returns.
    """

    def __init__(
        self,
        vectors: VectorStore,
        records: CollectionRecords,
        *,
        on_removed: Callable[[str, Sequence[str]], None] | None = None,
    ) -> None:
        """Create the store.

        Args:
            vectors: The store of the vectors.
            records: The store of the collections.
            on_removed: See ``FaceStore``.
        """
        self.stored, self._records = vectors, records
        super().__init__(_Served(vectors, self.current), on_removed=on_removed)

    @override
    def of(self, collection: Collection) -> FaceStore:
        return _FacesOf(self, collection, self._on_removed)

    @override
    def of_served(self, collection_id: str) -> FaceStore:
        return self.of(self._records.get_collection(collection_id))

    def on_side(self, collection: Collection, side: int) -> FaceStore:
        """Return the faces on one side of a collection, whichever it serves.

        Writes are not compared with the record, and change no other side.
        """
        return FaceStore(_Named(self.stored, lambda _: replace(collection, side=side)))

    def stored_sides(self, collection: Collection) -> set[int]:
        """Return the sides of a collection that have vectors; recent ones may be missing."""
        sides = _namespaces_of_sides(collection)
        return {sides[name] for name in self.stored.stored_namespaces(sides)}

    def delete_sides(self, collection: Collection, sides: Iterable[int]) -> None:
        """Erase all vectors on the given sides of a collection."""
        for side in sides:
            for name in _names(collection.collection_id):
                self.stored.delete_namespace(namespace_of(name, collection.generation, side))

    @override
    def left_of(self, deleted: Sequence[Collection]) -> list[Collection]:
        owners = {
            name: (each, side)
            for each in deleted
            for name, side in _namespaces_of_sides(each).items()
        }
        sides: dict[Collection, int] = {}
        for name in sorted(self.stored.stored_namespaces(owners)):
            collection, side = owners[name]
            sides[collection] = max(side + 1, sides.get(collection, 1))
        return [replace(each, sides=count) for each, count in sides.items()]

    def current(self, collection_id: str) -> Collection | None:
        """Return the record of a collection, or None if there is none."""
        try:
            return self._records.get_collection(collection_id)
        except CollectionNotFoundError:
            return None


def namespaces_of(collection: Collection) -> list[str]:
    """Return the names of the namespaces of a collection's faces and people.

    They are on each side that the record of the collection names.
    """
    return [
        namespace_of(name, collection.generation, side)
        for side in sorted(collection.named_sides)
        for name in _names(collection.collection_id)
    ]


def _names(collection_id: str) -> tuple[str, str]:
    return collection_id, people_namespace(collection_id)


def _namespaces_of_sides(collection: Collection) -> dict[str, int]:
    """Return the sides that a collection may have had, by the names of their namespaces."""
    return {
        namespace_of(name, collection.generation, side): side
        for side in range(MAX_SIDES)
        for name in _names(collection.collection_id)
    }


class _FacesOf(FaceStore):
    """The faces of one collection, as its record was read."""

    def __init__(
        self,
        all_faces: FacesByGeneration,
        collection: Collection,
        on_removed: Callable[[str, Sequence[str]], None] | None,
    ) -> None:
        served = _Served(all_faces.stored, all_faces.current, collection)
        super().__init__(served, on_removed=on_removed)
        self._all, self._collection = all_faces, collection

    @override
    def of_served(self, collection_id: str) -> FaceStore:
        current = self._all.current(collection_id)
        if current is None or current.created_at != self._collection.created_at:
            return self
        return self._all.of(current)


class _Named(VectorStore):
    """A store whose namespaces are named after the generation and the side of their collection."""

    def __init__(
        self, vectors: VectorStore, collection: Callable[[str], Collection | None]
    ) -> None:
        """Create the store.

        Args:
            vectors: The store with the renamed namespaces.
            collection: Returns a collection with the side to use, or None if there is none.
        """
        self._vectors, self._collection_named = vectors, collection

    @override
    def put_groups(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> list[str]:
        return self._vectors.put_groups(self._name(namespace), groups)

    @override
    def add_vectors(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> None:
        self._vectors.add_vectors(self._name(namespace), groups)

    @override
    def change_metadata(self, namespace: str, changes: Mapping[str, Metadata]) -> None:
        self._vectors.change_metadata(self._name(namespace), changes)

    @override
    def get_groups(
        self, namespace: str, groups: Sequence[str], *, shared: SharedField | None = None
    ) -> dict[str, list[VectorRecord]]:
        return self._vectors.get_groups(self._name(namespace), groups, shared=shared)

    @override
    def search(
        self,
        namespace: str,
        probes: NDArray[np.float32],
        *,
        limit: int,
        max_distance: float,
    ) -> list[list[VectorMatch]]:
        return self._vectors.search(
            self._name(namespace), probes, limit=limit, max_distance=max_distance
        )

    @override
    def get_vectors(self, namespace: str, ids: Sequence[str]) -> list[Vector]:
        return self._vectors.get_vectors(self._name(namespace), ids)

    @override
    def list_vectors(
        self, namespace: str, *, after: str | None = None, limit: int = 1000
    ) -> list[VectorRecord]:
        return self._vectors.list_vectors(self._name(namespace), after=after, limit=limit)

    @override
    def map_vectors(
        self, namespace: str, convert: Callable[[Sequence[Vector]], Result]
    ) -> list[Result]:
        return self._vectors.map_vectors(self._name(namespace), convert)

    @override
    def stored_ids(self, namespace: str, ids: Sequence[str]) -> set[str]:
        return self._vectors.stored_ids(self._name(namespace), ids)

    @override
    def delete_vectors(self, namespace: str, ids: Sequence[str]) -> list[str]:
        return self._vectors.delete_vectors(self._name(namespace), ids)

    @override
    def delete_namespace(self, namespace: str) -> None:
        self._vectors.delete_namespace(self._name(namespace))

    @override
    def count_vectors(self, namespace: str) -> int:
        return self._vectors.count_vectors(self._name(namespace))

    @override
    def stored_namespaces(self, names: Iterable[str]) -> set[str]:
        own = {self._name(name): name for name in names}
        return {own[name] for name in self._vectors.stored_namespaces(own)}

    @override
    def version(self, namespace: str) -> str | None:
        return self._vectors.version(self._name(namespace))

    @override
    def expect_empty(self, namespace: str) -> None:
        self._vectors.expect_empty(self._name(namespace))

    @override
    def close(self) -> None:
        self._vectors.close()

    def _collection(self, namespace: str) -> Collection | None:
        # The name of a namespace begins with the id of its collection.
        return self._collection_named(namespace.partition("/")[0])

    def _name(self, namespace: str) -> str:
        return _name(namespace, self._collection(namespace))


class _Served(_Named):
    """The served vectors; what is deleted from them is erased on the other sides too."""

    def __init__(
        self,
        vectors: VectorStore,
        current: Callable[[str], Collection | None],
        pinned: Collection | None = None,
    ) -> None:
        """Create the store.

        Args:
            vectors: The store with the renamed namespaces.
            current: Returns the record of a collection, or None if there is none.
            pinned: The only collection of the store, as it was read earlier.
        """
        super().__init__(vectors, current if pinned is None else lambda _: pinned)
        self._current, self._is_pinned = current, pinned is not None

    @override
    def put_groups(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> list[str]:
        own = self._to_write(namespace, groups)
        removed = self._vectors.put_groups(_name(namespace, own), groups)
        self._check_written(namespace, own, groups, removed)
        return removed

    @override
    def add_vectors(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> None:
        own = self._to_write(namespace, groups)
        self._vectors.add_vectors(_name(namespace, own), groups)
        self._check_written(namespace, own, groups, ())

    @override
    def search(
        self,
        namespace: str,
        probes: NDArray[np.float32],
        *,
        limit: int,
        max_distance: float,
    ) -> list[list[VectorMatch]]:
        """Return the nearest vectors; see ``VectorStore``.

        Raises:
            ConflictError: The collection has been switched since its record was read. The side that
                was searched may no longer exist.
        """
        return self._read(
            namespace,
            lambda name: self._vectors.search(name, probes, limit=limit, max_distance=max_distance),
        )

    @override
    def get_vectors(self, namespace: str, ids: Sequence[str]) -> list[Vector]:
        """Return stored vectors; see ``VectorStore``.

        Raises:
            ConflictError: The collection has been switched since its record was read.
        """
        return self._read(namespace, lambda name: self._vectors.get_vectors(name, ids))

    @override
    def get_groups(
        self, namespace: str, groups: Sequence[str], *, shared: SharedField | None = None
    ) -> dict[str, list[VectorRecord]]:
        """Return the vectors of groups; see ``VectorStore``.

        Raises:
            ConflictError: The collection has been switched since its record was read.
        """
        return self._read(
            namespace, lambda name: self._vectors.get_groups(name, groups, shared=shared)
        )

    @override
    def list_vectors(
        self, namespace: str, *, after: str | None = None, limit: int = 1000
    ) -> list[VectorRecord]:
        """Return vectors in the order of their ids; see ``VectorStore``.

        Raises:
            ConflictError: The collection has been switched since its record was read.
        """
        return self._read(
            namespace, lambda name: self._vectors.list_vectors(name, after=after, limit=limit)
        )

    @override
    def count_vectors(self, namespace: str) -> int:
        """Return the number of vectors; see ``VectorStore``.

        Raises:
            ConflictError: The collection has been switched since its record was read.
        """
        return self._read(namespace, self._vectors.count_vectors)

    @override
    def map_vectors(
        self, namespace: str, convert: Callable[[Sequence[Vector]], Result]
    ) -> list[Result]:
        """Convert all stored vectors; see ``VectorStore``.

        Raises:
            ConflictError: The collection has been switched since its record was read.
        """
        return self._read(namespace, lambda name: self._vectors.map_vectors(name, convert))

    @override
    def stored_ids(self, namespace: str, ids: Sequence[str]) -> set[str]:
        """Return which ids are stored; see ``VectorStore``.

        Raises:
            ConflictError: The collection has been switched since its record was read.
        """
        return self._read(namespace, lambda name: self._vectors.stored_ids(name, ids))

    @override
    def delete_vectors(self, namespace: str, ids: Sequence[str]) -> list[str]:
        """Erase vectors on all sides that may have some; return the ids that a side had."""
        own = self._collection(namespace)
        deleted = self._vectors.delete_vectors(_name(namespace, own), ids)
        if own is not None:
            for name in self._other_names(namespace, own, _recent_sides):
                deleted += self._vectors.delete_vectors(name, ids)
        return list(dict.fromkeys(deleted))

    @override
    def delete_namespace(self, namespace: str) -> None:
        """Erase a namespace on all sides.

        Vectors that a collection of the first release left are erased too.
        """
        own = self._collection(namespace)
        names = {namespace}
        if own is not None:
            current = self._record(namespace, own) or own
            # Sides that are added from now on are found by ``left_of``.
            for side in range(max(own.sides, current.sides)):
                names.add(namespace_of(namespace, own.generation, side))
        for name in sorted(names):
            self._vectors.delete_namespace(name)

    def _read(self, namespace: str, read: Callable[[str], Result]) -> Result:
        """Return what a function reads from the served side of a namespace.

        Raises:
            ConflictError: The collection has been switched since its record was read, and the store
                is pinned to that record; or it was switched during each of ``_READS`` attempts.
        """
        for attempt in range(_READS):
            own = self._collection(namespace)
            found = read(_name(namespace, own))
            if own is None:
                break
            current = self._record(namespace, own)
            if current is None or _serves(current, own):
                break
            if self._is_pinned or attempt == _READS - 1:
                raise _switched(own, current)
        return found

    def _to_write(
        self, namespace: str, groups: Mapping[str, Sequence[Vector]]
    ) -> Collection | None:
        """Return the collection to write to.

        Raises:
            ConflictError: The collection is about to serve another side.
        """
        own = self._collection(namespace)
        if own is not None and own.is_switching and any(groups.values()):
            raise _switched(own, own)
        return own

    def _check_written(
        self,
        namespace: str,
        own: Collection | None,
        groups: Mapping[str, Sequence[Vector]],
        removed: Sequence[str],
    ) -> None:
        """Erase from the other sides, too, the vectors that a write has removed.

        Vectors that were changed stay there: a switch detects that they differ.

        Raises:
            ConflictError: The collection serves another side or is about to, so that vectors that
                were put may be lost.
        """
        if own is None:
            return
        current = self._record(namespace, own)
        if (
            any(groups.values())
            and current is not None
            and (current.is_switching or not _serves(current, own))
        ):
            raise _switched(own, current)
        emptied: dict[str, Sequence[Vector]] = {
            group: () for group, vectors in groups.items() if not vectors
        }
        if not emptied and not removed:
            return
        # Sides that the record does not name are erased soon. Photos often lose all faces, so only
        # the named sides are changed here.
        for name in self._other_names(namespace, own, _named_sides):
            if emptied:
                self._vectors.put_groups(name, emptied)
            self._vectors.delete_vectors(name, removed)

    def _other_names(
        self,
        namespace: str,
        own: Collection,
        sides_of: Callable[[Collection], frozenset[int]],
    ) -> Iterator[str]:
        """Yield the names of a namespace on other sides, the served one first.

        The record is read again until it names no further side: a switch may have copied what was
        still on the served side.

        Args:
            namespace: The namespace.
            own: Its collection, as it was read; vectors were deleted from its side.
            sides_of: Returns the sides of a record.
        """
        done = {own.side}
        while True:
            current = self._record(namespace, own) or own
            left = sides_of(current) - done
            if not left:
                return
            for side in sorted(left, key=lambda each: (each != current.side, each)):
                yield namespace_of(namespace, own.generation, side)
            done |= left

    def _record(self, namespace: str, own: Collection) -> Collection | None:
        """Return the record of a collection as it is now; None if the collection was deleted."""
        current = self._current(namespace.partition("/")[0])
        return None if current is None or current.created_at != own.created_at else current


def faces_namespace(collection: Collection) -> str:
    """Return the name of the namespace of the faces that a collection serves."""
    return _name(collection.collection_id, collection)


def namespace_of(namespace: str, generation: str, side: int = 0) -> str:
    """Return the name of a namespace of a generation and a side."""
    collection_id, slash, kind = namespace.partition("/")
    # No id contains any of these characters.
    owner = f"{generation}~{side}" if side else generation
    return f"{collection_id}@{owner}{slash}{kind}" if owner else namespace


def _name(namespace: str, collection: Collection | None) -> str:
    if collection is None:
        return namespace
    return namespace_of(namespace, collection.generation, collection.side)


def all_sides(collection: Collection) -> frozenset[int]:
    """Return the sides that a collection has had."""
    return frozenset(range(collection.sides))


def _recent_sides(collection: Collection) -> frozenset[int]:
    """Return the sides that may have vectors: earlier ones were erased."""
    latest = range(max(0, collection.sides - _RECENT), collection.sides)
    return collection.named_sides.union(latest)


def _named_sides(collection: Collection) -> frozenset[int]:
    return collection.named_sides


def _serves(current: Collection, own: Collection) -> bool:
    """Return whether a collection still serves the side and the version with which it was read."""
    return (current.side, current.model_version) == (own.side, own.model_version)


def _switched(own: Collection, current: Collection) -> ConflictError:
    name = own.collection_id
    if _serves(current, own):
        return ConflictError(
            f"collection {name!r} is being switched to another version", "try again"
        )
    return ConflictError(
        f"collection {name!r} serves model version {current.model_version!r} now, not "
        f"{own.model_version!r}",
        "try again",
    )
