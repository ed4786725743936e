"""Similarity, 0 to 1, from the Euclidean distance of two embeddings, and back.

Similarity is a falling logistic function of the distance, the form that logistic regression of
same-person pairs against others has. It is fixed by two measured points, because the result of a
regression would depend on the proportion of the two kinds of pairs:

- similarity 0.8 is where 1 of 1,000 pairs of different people is as near (false match rate 1e-3),
- similarity 0.5 is where 1 of 100 is.

It is divided by its value at distance 0, so that identical embeddings have similarity 1 exactly.
``docs/accuracy.md`` has a table of other similarities, and ``benchmarks/calibrate_similarity.py``
measures the two distances.
"""

from __future__ import annotations

import math

from facerec.core.options import DEFAULT_THRESHOLD
from facerec.errors import InvalidInputError

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
    """Return the minimum similarity that a caller asks for.

    Raises:
        InvalidInputError: It is not within 0 to 1.
    """
    if not 0 <= threshold <= 1:
        raise InvalidInputError(
            f"a similarity threshold of {threshold} is out of range",
            f"give one from 0 to 1, such as {DEFAULT_THRESHOLD}",
        )
    return threshold
