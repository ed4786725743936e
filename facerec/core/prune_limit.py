"""The limit that protects faces if most photos are missing, as on an unmounted disk."""

from __future__ import annotations

from facerec.core.checks import is_number
from facerec.errors import InvalidInputError


def checked_limit_percentage(limit_percentage: float) -> float:
    """Return the share of photos or faces that may be deleted, if it is valid.

    Raises:
        InvalidInputError: The share is not a number from 0 to 100.
    """
    if not is_number(limit_percentage) or not 0 <= limit_percentage <= 100:
        raise InvalidInputError(
            f"the limit must be a number from 0 to 100 %, got {limit_percentage!r}"
        )
    return limit_percentage


def is_over_limit(gone: int, photos: int, limit_percentage: float) -> bool:
    """Return whether more photos or faces are missing than may be deleted.

    Args:
        gone: Number of photos that are gone, or of faces that cannot be described again.
        photos: Number of photos or faces, including these.
        limit_percentage: 0 to 100, the share of them that may be missing.
    """
    return gone * 100 > limit_percentage * photos


def too_many_gone(
    gone: int, photos: int, described: str, limit_percentage: float
) -> InvalidInputError:
    """Return the error for a job that would prune more photos than its limit allows.

    Args:
        gone: Number of photos that are gone.
        photos: Number of photos, including these.
        described: A phrase for these photos, such as ``photos of /srv/photos``.
        limit_percentage: 0 to 100, the share of photos that may be gone.
    """
    are = "is" if gone == 1 else "are"
    return InvalidInputError(
        f"{gone:,} of {photos:,} {described} {are} gone, more than the {limit_percentage:g} % that"
        " may be pruned",
        "check that the folder or prefix is complete, for example that its disk is mounted; if so,"
        " raise the limit",
    )
