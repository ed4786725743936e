"""Erases what is due each hour: killed erasures, expired faces, and what belongs to nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from facerec.errors import FacerecError
from facerec.jobs.aws.log import logger

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery

LATEST_START = 600.0
"""Seconds after which a scheduled invocation starts no further erasure, of the function's 15
minutes."""

LATEST_SWEEP = 720.0
"""Seconds after which a sweep stops. It is longer than ``LATEST_START``, so that a sweep has time
even if the erasures before it take all of theirs."""


def run_scheduled(gallery: Gallery, *, clock: Callable[[], float]) -> list[str]:
    """Erase all data that is due, and return the ids of the erasures.

    Completes killed erasures, then interrupted migrations; then erases expired faces, and at last
    data whose collection or person no longer exists. After ``LATEST_START`` seconds, the remaining
    collections are left to the next run, and after ``LATEST_SWEEP`` seconds the rest of the sweep.

    If an erasure cannot be completed, or the faces of a collection cannot be erased, the others are
    still processed. The log lists each failure.

    Raises:
        FacerecError: The first error; raised after everything else was erased.
    """
    started = clock()
    deadline = started + LATEST_START
    errors: list[FacerecError] = []
    done: list[str] = []
    resumed = gallery.resume_erasures(on_error=errors.append)
    done += [receipt.erasure_id for receipt in resumed]
    try:
        gallery.resume_migrations(stop=lambda: clock() > deadline)
    except FacerecError as error:
        errors.append(error)
    for collection in gallery.all_collections():
        if clock() > deadline:
            break
        try:
            receipt = gallery.expire(collection.collection_id)
        except FacerecError as error:
            errors.append(error)
        else:
            done += [] if receipt is None else [receipt.erasure_id]
    try:
        sweep(gallery, lambda: clock() > started + LATEST_SWEEP)
    except FacerecError as error:
        errors.append(error)
    for each in errors:
        logger().error("not erased", kind=type(each).__name__, consequence=each.consequence)
    if errors:
        raise errors[0]
    return done


def sweep(gallery: Gallery, stop: Callable[[], bool]) -> dict[str, dict[str, int]]:
    """Erase what belongs to no collection or person any more, and log how much that was.

    Args:
        gallery: The gallery.
        stop: See ``Gallery.sweep``.

    Returns:
        ``swept`` and ``records``, numbers of faces and of records by collection.

    Raises:
        FacerecError: A store fails; raised after the other collections were swept.
    """
    swept = gallery.sweep(stop=stop)
    logger().info(
        "swept",
        collections=len(swept),
        faces=sum(each.faces for each in swept.values()),
        records=sum(each.records for each in swept.values()),
    )
    return {
        "swept": {name: each.faces for name, each in swept.items()},
        "records": {name: each.records for name, each in swept.items()},
    }
