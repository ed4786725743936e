"""Children into array jobs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from facerec.core.limits import LARGEST_ARRAY


@dataclass(frozen=True, slots=True)
class ChildArray:
    """Children that are submitted together: an array job, or a plain job where ``size`` is 1.

    Attributes:
        offset: the number of the first child; a member's place in the array is added to it.
        size: how many children.
    """

    offset: int
    size: int


def arrays_of(children: int, largest: int = LARGEST_ARRAY) -> list[ChildArray]:
    """Cut children into as few arrays as possible, of sizes that differ by one at most.

    So none of several is an array of one, which AWS Batch refuses.

    Args:
        children: how many there are; none gives no array.
        largest: the most children of an array, at least 3.
    """
    arrays = -(-children // largest)
    bounds = [children * index // arrays for index in range(arrays + 1)] if arrays else []
    return [ChildArray(start, end - start) for start, end in pairwise(bounds)]
