"""Thresholds of similarity; ``facerec.gallery.normalisation`` defines similarity itself."""

from __future__ import annotations

from facerec.core.options import DEFAULT_THRESHOLD
from facerec.errors import InvalidInputError


def checked_threshold(threshold: float) -> float:
    """Return a minimum similarity.

    Raises:
        InvalidInputError: It is not within 0 to 1.
    """
    if not 0 <= threshold <= 1:
        raise InvalidInputError(
            f"a similarity threshold of {threshold} is out of range",
            f"give one from 0 to 1, such as {DEFAULT_THRESHOLD}",
        )
    return threshold
