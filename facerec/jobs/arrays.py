"""Divides children into array jobs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from facerec.core.limits import MAX_ARRAY_SIZE


@dataclass(frozen=True, slots=True)
class ChildArray:
    """Children that are submitted together: an array job, or a plain job if ``size`` is 1.

    Attributes:
        offset: Number of the first child; the array index is added to it.
        size: Number of children.
    """

    offset: int
    size: int


def arrays_of(children: int, largest: int = MAX_ARRAY_SIZE) -> list[ChildArray]:
    """Divide children into as few arrays as possible, with sizes that differ by at most one.

    This way, no array has size 1, which AWS Batch rejects, unless there is only one child.

    Args:
        children: Number of children.
        largest: Maximum size of an array, at least 3.
    """
    arrays = -(-children // largest)
    bounds = [children * index // arrays for index in range(arrays + 1)] if arrays else []
    return [ChildArray(start, end - start) for start, end in pairwise(bounds)]
