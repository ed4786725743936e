"""Similarity, 0 to 1, from the Euclidean distance of two descriptors, and back.

A falling logistic function of the distance, as logistic regression of same-person pairs against
others gives it. It is fixed by two measured points rather than by such a regression, whose result
would depend on how many pairs of each kind it is shown:

- similarity 0.8 is where 1 of 1,000 pairs of different people is as near (false match rate 1e-3),
- similarity 0.5 is where 1 of 100 is.

It is divided by its value at distance 0, so that identical descriptors have similarity 1 exactly.
``docs/accuracy.md`` has the table of what other similarities mean; ``python
benchmarks/calibrate_similarity.py`` measures the two distances.
"""

from __future__ import annotations

import math

from facerec.errors import InvalidInputError

DEFAULT_THRESHOLD = 0.8
"""The similarity from which on two faces count as one person's."""

DISTANCE_AT_HALF = 0.621
"""Euclidean distance at which 1 of 100 pairs of different people is as near."""

DISTANCE_AT_DEFAULT = 0.547
"""Euclidean distance at which 1 of 1,000 pairs of different people is as near."""

_SCALE = (DISTANCE_AT_HALF - DISTANCE_AT_DEFAULT) / math.log(
    DEFAULT_THRESHOLD / (1 - DEFAULT_THRESHOLD)
)
_AT_ZERO = 1 + math.exp(-DISTANCE_AT_HALF / _SCALE)


def similarity_of(distance: float) -> float:
    """Return the similarity, 0 to 1, of two faces at a Euclidean distance."""
    return _AT_ZERO / (1 + math.exp(min((distance - DISTANCE_AT_HALF) / _SCALE, 700.0)))


def distance_of(similarity: float) -> float:
    """Return the Euclidean distance that has a similarity; infinite for 0."""
    if similarity == 0:
        return math.inf
    return max(0.0, DISTANCE_AT_HALF + _SCALE * math.log(_AT_ZERO / similarity - 1))


def checked_threshold(threshold: float) -> float:
    """Return a similarity that a caller asks for.

    Raises:
        InvalidInputError: it is not within 0 to 1.
    """
    if not 0 <= threshold <= 1:
        raise InvalidInputError(
            f"a similarity threshold of {threshold} is out of range",
            f"give one from 0 to 1, such as {DEFAULT_THRESHOLD}",
        )
    return threshold
