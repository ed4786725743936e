"""Names of the namespaces of a collection's vectors, by its generation and its sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.migrations import MAX_SIDES
from facerec.storage.faces import people_namespace

if TYPE_CHECKING:
    from facerec.core.records import Collection


def faces_namespace(collection: Collection) -> str:
    """Return the name of the namespace of the faces that a collection serves."""
    return served_namespace(collection.collection_id, collection)


def namespace_of(namespace: str, generation: str, side: int = 0) -> str:
    """Return the name of a namespace of a generation and a side."""
    collection_id, slash, kind = namespace.partition("/")
    # No id contains any of these characters.
    owner = f"{generation}~{side}" if side else generation
    return f"{collection_id}@{owner}{slash}{kind}" if owner else namespace


def served_namespace(namespace: str, collection: Collection | None) -> str:
    """Return the name of a namespace on the side that its collection serves."""
    if collection is None:
        return namespace
    return namespace_of(namespace, collection.generation, collection.side)


def all_sides(collection: Collection) -> frozenset[int]:
    """Return the sides that a collection has had."""
    return frozenset(range(collection.sides))


def namespaces_of(collection: Collection) -> list[str]:
    """Return the names of the namespaces of a collection's faces and people.

    The result has the namespaces of each side in the record of the collection.
    """
    return [
        namespace_of(name, collection.generation, side)
        for side in sorted(collection.named_sides)
        for name in names_of(collection.collection_id)
    ]


def names_of(collection_id: str) -> tuple[str, str]:
    """Return the namespaces of a collection's faces and people, without generation and side."""
    return collection_id, people_namespace(collection_id)


def sides_by_namespace(collection: Collection) -> dict[str, int]:
    """Return the sides that a collection may have had, by the names of their namespaces."""
    return {
        namespace_of(name, collection.generation, side): side
        for side in range(MAX_SIDES)
        for name in names_of(collection.collection_id)
    }
