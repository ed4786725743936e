"""Vectors for the tests of stores: embeddings of fake people with some metadata."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from facerec.core.ids import image_id, image_key
from facerec.core.vectors import Metadata, Vector
from facerec.testing.engine import fake_embedding

Settle = Callable[[], None]


def vector_of(
    person: str,
    *,
    group: str = "",
    place: int = 0,
    away: float = 0.0,
    shot: int = 0,
    values: NDArray[np.float32] | None = None,
    metadata: Metadata | None = None,
) -> Vector:
    """Return a vector of a person, by default in a group of the person's own.

    Args:
        person: Name of the person; see ``fake_embedding``.
        group: Name of the group.
        place: Index of the vector within its group.
        away: See ``fake_embedding``.
        shot: See ``fake_embedding``.
        values: The embedding, in place of the person's.
        metadata: The metadata, by default the person's name and ``place``.
    """
    name = group or person
    key = image_key("any", image_id(name.encode()), None, "fake-1")
    if values is None:
        values = fake_embedding(person, away, shot)
    return Vector(
        key + f"{place:012x}",
        {"person": person, "place": float(place)} if metadata is None else metadata,
        values,
    )


def by_group(vectors: Iterable[Vector]) -> dict[str, list[Vector]]:
    """Group vectors by group, for ``VectorStore.put_groups``."""
    groups = defaultdict(list)
    for vector in vectors:
        groups[vector.group].append(vector)
    return dict(groups)


def ids_of(vectors: list[Vector]) -> list[str]:
    """Return the ids of vectors."""
    return [vector.id for vector in vectors]
