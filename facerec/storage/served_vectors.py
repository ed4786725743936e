"""The vectors of the side that a collection serves (see ``facerec.storage.generations``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from facerec.core.override import override
from facerec.core.protocols.vectors import Result, VectorStore
from facerec.errors import ConflictError
from facerec.storage.namespaces import namespace_of, served_namespace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.records import Collection
    from facerec.core.vectors import Metadata, SharedField, Vector, VectorMatch, VectorRecord

_RECENT = 8
"""Number of the latest sides from which deleted vectors are erased, besides the sides in use. They
cover two migrations; a killed process may have left the vectors of one."""

_READS = 3
"""Maximum number of attempts to read from a collection that is switched during each of them; then a
conflict is raised."""


class NamedVectors(VectorStore):
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
        return served_namespace(namespace, self._collection(namespace))


class ServedVectors(NamedVectors):
    """The served vectors; vectors deleted from them are erased on the other sides too."""

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
        removed = self._vectors.put_groups(served_namespace(namespace, own), groups)
        self._check_written(namespace, own, groups, removed)
        return removed

    @override
    def add_vectors(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> None:
        own = self._to_write(namespace, groups)
        self._vectors.add_vectors(served_namespace(namespace, own), groups)
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
        deleted = self._vectors.delete_vectors(served_namespace(namespace, own), ids)
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
            # ``left_of`` finds sides that are added from now on.
            for side in range(max(own.sides, current.sides)):
                names.add(namespace_of(namespace, own.generation, side))
        for name in sorted(names):
            self._vectors.delete_namespace(name)

    def _read(self, namespace: str, read: Callable[[str], Result]) -> Result:
        """Return the result of a function that reads from the served side of a namespace.

        Raises:
            ConflictError: The collection has been switched since its record was read, and the store
                is pinned to that record; or it was switched during each of ``_READS`` attempts.
        """
        for attempt in range(_READS):
            own = self._collection(namespace)
            found = read(served_namespace(namespace, own))
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
        """After a write, check the served side, and erase removed vectors from the other sides.

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

        The record is read again until it names no further side: a switch may have copied vectors
        that were still on the served side.

        Args:
            namespace: The namespace.
            own: The collection as it was read earlier; the vectors were deleted from its served
                side.
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
        """Return the current record of a collection; None if the collection was deleted."""
        current = self._current(namespace.partition("/")[0])
        return None if current is None or current.created_at != own.created_at else current


def _recent_sides(collection: Collection) -> frozenset[int]:
    """Return the sides that may have vectors; earlier sides were erased."""
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
