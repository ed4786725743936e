"""Thresholds of similarity; ``facerec.gallery.scores.normalisation`` defines similarity itself."""

from __future__ import annotations

import math

from facerec.core.checks import is_number
from facerec.core.options import DEFAULT_THRESHOLD
from facerec.errors import InvalidInputError
from facerec.gallery.scores.normalisation import similarity_at


def checked_threshold(threshold: float) -> float:
    """Return a minimum similarity unchanged if it is valid.

    Raises:
        InvalidInputError: The similarity is not between 0 and 1.
    """
    if not is_number(threshold) or not 0 <= threshold <= 1:
        raise InvalidInputError(
            f"a similarity threshold of {threshold!r} is out of range",
            f"use a number from 0 to 1, such as {DEFAULT_THRESHOLD}",
        )
    return threshold


def checked_target_fmr(target_fmr: float) -> float:
    """Return a target rate of false matches unchanged if it is valid.

    Raises:
        InvalidInputError: The rate is not above 0 and below 1.
    """
    if not is_number(target_fmr) or not 0 < target_fmr < 1:
        raise InvalidInputError(
            f"a target false match rate of {target_fmr!r} is out of range",
            "use a number above 0 and below 1, such as 0.001",
        )
    return target_fmr


def threshold_at(target_fmr: float, faces: int = 1) -> float:
    """Return the threshold at which a given share of searches for a stranger has a false match.

    A probe is compared with every face, so each comparison may match at the rate
    1 - (1 - target_fmr)^(1 / faces).

    Args:
        target_fmr: Rate per search, above 0 and below 1.
        faces: Number of faces that are searched.

    Raises:
        InvalidInputError: The rate is out of range.
    """
    rate = checked_target_fmr(target_fmr)
    return similarity_at(-math.expm1(math.log1p(-rate) / max(1, faces)))
