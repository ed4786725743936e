"""Faces in a store without transactions: each creation of a collection has its own namespaces.

The record of a collection and its vectors are in two services, so a writer of vectors cannot be
sure that the collection still exists. It may have been deleted, and perhaps created again, while a
photo was processed. So the namespaces of a collection are named after its generation, which its
record contains, and a writer keeps the generation that it began with. If it writes too late, its
vectors get into a namespace that nothing reads.

Collections that the first release created have no generation. Their namespaces are named after
their ids.

A collection that is migrated to another model version has several sets of namespaces, its sides.
They have numbers, and no number is used twice (``facerec.storage.dynamodb.migrations``). The record
names the side that is served and the standby side, on which faces are described. During a switch,
it also names the next side, which the switch fills with the faces that both sides have
(``facerec.storage.standby_sides``). Without transactions, these rules keep the sides equal:

- Vectors are deleted first on the side that the writer knows, and then on all sides that may have
  some, until the record names no further side. A process that writes a face on another side reads
  the served side again afterwards. So a face that was deleted is on no side that is served later.
- A writer reads the record again after it has written. If the collection then serves another side,
  or is about to, the write may be lost. The writer gets a conflict, and must repeat the write.
- A reader reads the record again too, even if the collection was never migrated: the side may have
  been erased since. It gets a conflict if the collection then serves another side.
- A switch compares the sides after the record has named the next one. So it also compares earlier
  writes, and later writes do not succeed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.existing import collection_or_none
from facerec.core.override import override
from facerec.storage.faces import FaceStore
from facerec.storage.namespaces import names_of, namespace_of, sides_by_namespace
from facerec.storage.served_vectors import NamedVectors, ServedVectors

if TYPE_CHECKING:
    from facerec.core.protocols.collections import CollectionRecords
    from facerec.core.protocols.vectors import VectorStore
    from facerec.core.records import Collection


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
        super().__init__(ServedVectors(vectors, self.current), on_removed=on_removed)

    @override
    def of(self, collection: Collection) -> FaceStore:
        return _FacesOf(self, collection, self._on_removed)

    @override
    def of_served(self, collection_id: str) -> FaceStore:
        return self.of(self._records.get_collection(collection_id))

    def on_side(self, collection: Collection, side: int) -> FaceStore:
        """Return the faces on one side of a collection, whichever side it serves.

        Writes are not compared with the record, and change no other side.
        """
        return FaceStore(NamedVectors(self.stored, lambda _: replace(collection, side=side)))

    def stored_sides(self, collection: Collection) -> set[int]:
        """Return the sides of a collection that have vectors; recent ones may be missing."""
        sides = sides_by_namespace(collection)
        return {sides[name] for name in self.stored.stored_namespaces(sides)}

    def delete_sides(self, collection: Collection, sides: Iterable[int]) -> None:
        """Erase all vectors on the given sides of a collection."""
        for side in sides:
            for name in names_of(collection.collection_id):
                self.stored.delete_namespace(namespace_of(name, collection.generation, side))

    @override
    def left_of(self, deleted: Sequence[Collection]) -> list[Collection]:
        owners = {
            name: (each, side)
            for each in deleted
            for name, side in sides_by_namespace(each).items()
        }
        sides: dict[Collection, int] = {}
        for name in sorted(self.stored.stored_namespaces(owners)):
            collection, side = owners[name]
            sides[collection] = max(side + 1, sides.get(collection, 1))
        return [replace(each, sides=count) for each, count in sides.items()]

    def current(self, collection_id: str) -> Collection | None:
        """Return the record of a collection, or None if there is none."""
        return collection_or_none(collection_id, self._records)


class _FacesOf(FaceStore):
    """The faces of one collection, given its record as it was read earlier."""

    def __init__(
        self,
        all_faces: FacesByGeneration,
        collection: Collection,
        on_removed: Callable[[str, Sequence[str]], None] | None,
    ) -> None:
        served = ServedVectors(all_faces.stored, all_faces.current, collection)
        super().__init__(served, on_removed=on_removed)
        self._all, self._collection = all_faces, collection

    @override
    def of_served(self, collection_id: str) -> FaceStore:
        current = self._all.current(collection_id)
        if current is None or current.created_at != self._collection.created_at:
            return self
        return self._all.of(current)
