"""Faces in a store without transactions: each creation of a collection has its own namespaces.

The record of a collection and its vectors are in two services, so a writer of vectors cannot be
sure that the collection still exists. It may have been deleted, and perhaps created again, while a
photo was processed. So the namespaces of a collection are named after its generation, which its
record contains, and a writer keeps the generation that it began with. If it writes too late, its
vectors get into a namespace that nobody reads.

Collections that the first release created have no generation. Their namespaces are named after
their ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from facerec.core.override import override
from facerec.core.protocols.vectors import VectorStore
from facerec.errors import CollectionNotFoundError
from facerec.storage.faces import FaceStore, people_namespace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.protocols.collections import CollectionRecords
    from facerec.core.records import Collection
    from facerec.core.vectors import Metadata, SharedField, Vector, VectorMatch, VectorRecord


class FacesByGeneration(FaceStore):
    """The faces of collections whose records are in another store.

    Each call reads the record of the collection first, except on a store returned by ``of``.
    """

    def __init__(self, vectors: VectorStore, records: CollectionRecords) -> None:
        self._stored, self._records = vectors, records
        super().__init__(_Renamed(vectors, self._current))

    @override
    def of(self, collection: Collection) -> FaceStore:
        return FaceStore(_Renamed(self._stored, lambda _: collection.generation))

    @override
    def left_of(self, deleted: Sequence[Collection]) -> list[Collection]:
        owners = {namespace: each for each in deleted for namespace in namespaces_of(each)}
        found = self._stored.stored_namespaces(owners)
        return list(dict.fromkeys(owners[name] for name in sorted(found)))

    def _current(self, collection_id: str) -> str:
        try:
            return self._records.get_collection(collection_id).generation
        except CollectionNotFoundError:
            return ""


def namespaces_of(collection: Collection) -> list[str]:
    """Return the names of the namespaces of a collection: those of its faces and of its people."""
    names = (collection.collection_id, people_namespace(collection.collection_id))
    return [_name_of(name, collection.generation) for name in names]


class _Renamed(VectorStore):
    """A store whose namespaces are named after the generation of their collection."""

    def __init__(self, vectors: VectorStore, generation: Callable[[str], str]) -> None:
        """Create the store.

        Args:
            vectors: the store with the renamed namespaces.
            generation: returns the generation of a collection by its id; "" for none.
        """
        self._vectors, self._generation = vectors, generation

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
    def delete_vectors(self, namespace: str, ids: Sequence[str]) -> list[str]:
        return self._vectors.delete_vectors(self._name(namespace), ids)

    @override
    def delete_namespace(self, namespace: str) -> None:
        """Erase a namespace, including vectors left by a collection of the first release."""
        for name in {self._name(namespace), namespace}:
            self._vectors.delete_namespace(name)

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

    def _name(self, namespace: str) -> str:
        """Return the name of a namespace, which begins with the id of its collection."""
        return _name_of(namespace, self._generation(namespace.partition("/")[0]))


def faces_namespace(collection: Collection) -> str:
    """Return the name of the namespace of a collection's faces."""
    return _name_of(collection.collection_id, collection.generation)


def _name_of(namespace: str, generation: str) -> str:
    """Return the name of a namespace of a generation."""
    collection_id, slash, kind = namespace.partition("/")
    # No id contains either of these characters.
    return f"{collection_id}@{generation}{slash}{kind}" if generation else namespace
