"""Refuses a job that has more photos than the plan function can list."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from facerec.errors import InvalidInputError

RESERVE = 120.0
"""Seconds that remain for the rest of the plan when a listing must end. Most of it is the upload of
the new manifest, about 2 GB for 10 million photos."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def planning_limits(
    manifest: str | None, remaining: Callable[[], float], on_listed: Callable[[int], None]
) -> Iterator[Callable[[int], None]]:
    """Guard a block that plans a job; yield a function to call with the number of photos listed.

    Args:
        manifest: The manifest or prefix of the job; None if its photos are in the input.
        remaining: Returns the seconds until the function is stopped.
        on_listed: Called with the number of photos listed.

    Raises:
        InvalidInputError: The time or the temporary space of the function is not sufficient.
    """
    listed = 0

    def count(number: int) -> None:
        nonlocal listed
        listed = number
        if remaining() < RESERVE:
            raise _too_many(manifest, listed, "time")
        on_listed(number)

    try:
        yield count
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise _too_many(manifest, listed, "temporary space") from error


def _too_many(manifest: str | None, listed: int, lacking: str) -> InvalidInputError:
    is_prefix = manifest is not None and manifest.endswith("/")
    return InvalidInputError(
        f"{manifest or 'the input'} names too many photos for one plan: after {listed:,} of them,"
        f" no {lacking} is left",
        "name the manifest.json of an S3 Inventory, or start a job for each of several prefixes"
        if is_prefix
        else "divide it into several manifests",
    )
