"""Checks of the arguments of vector stores; a failure is a bug in the calling code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.core.faces import EMBEDDING_SIZE
from facerec.core.ids import is_group
from facerec.core.limits import MAX_NEIGHBOURS
from facerec.storage.scan import MAX_NORM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core.vectors import Vector


def checked_groups(groups: Mapping[str, Sequence[Vector]]) -> dict[str, Vector]:
    """Return all vectors of the groups by id.

    Raises:
        ValueError: A group is malformed, a vector belongs to another group, or its values are
            not an embedding.
    """
    vectors = {}
    for group, members in groups.items():
        # A prefix of a group would match, and so replace, many groups.
        if not is_group(group):
            raise ValueError(f"{group!r} is not a group")
        for vector in members:
            if vector.group != group:
                raise ValueError(f"vector {vector.id} does not belong to group {group}")
            if vector.values.shape != (EMBEDDING_SIZE,) or vector.values.dtype != np.float32:
                raise ValueError(f"embeddings must be float32 of shape ({EMBEDDING_SIZE},)")
            # Also false if a value is NaN.
            if not float(np.linalg.norm(vector.values)) < MAX_NORM:
                raise ValueError("the embedding is not finite, or far too large")
            vectors[vector.id] = vector
    return vectors


def check_search(probes: NDArray[np.float32], limit: int) -> None:
    """Check the arguments of a search.

    Raises:
        ValueError: The probes are not embeddings, or ``limit`` is out of range.
    """
    if probes.ndim != 2 or probes.shape[1] != EMBEDDING_SIZE or probes.dtype != np.float32:
        raise ValueError(f"probes must be float32 of shape (n, {EMBEDDING_SIZE})")
    if not (np.linalg.norm(probes, axis=1) < MAX_NORM).all():
        raise ValueError("a probe is not finite, or far too large")
    if not 1 <= limit <= MAX_NEIGHBOURS:
        raise ValueError(f"the limit must be from 1 to {MAX_NEIGHBOURS}, got {limit}")
