"""Erases what is due each hour: killed erasures, expired faces, and what belongs to nobody."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from facerec.core.collecting import collected
from facerec.jobs.aws.log import logger

if TYPE_CHECKING:
    from facerec.errors import FacerecError
    from facerec.gallery.gallery import Gallery

LATEST_RESUMED = 300.0
"""Seconds after which a scheduled invocation resumes no further erasure, so that expired faces are
erased too."""

LATEST_START = 600.0
"""Seconds after which a scheduled invocation starts no further erasure, of the function's 15
minutes."""

LATEST_SWEEP = 720.0
"""Seconds after which a sweep stops. It is longer than ``LATEST_START``, so that a sweep has time
even if the erasures before it take all of theirs."""


def run_scheduled(gallery: Gallery, *, clock: Callable[[], float]) -> list[str]:
    """Erase all data that is due, and return the ids of the erasures.

    Completes killed erasures, then interrupted migrations; then erases expired faces, and at last
    data whose collection or person no longer exists. After ``LATEST_RESUMED`` seconds, the
    remaining erasures are left to the next run, after ``LATEST_START`` seconds the remaining
    collections, and after ``LATEST_SWEEP`` seconds the rest of the sweep. If an erasure exceeds the
    time or memory of the function, which ends it, the next run continues after this erasure.

    If an erasure cannot be completed, or the faces of a collection cannot be erased, the others are
    still processed. The log lists each failure.

    Raises:
        FacerecError: The first error; raised after everything else was erased.
    """
    started = clock()
    deadline = started + LATEST_START
    errors: list[FacerecError] = []
    done: list[str] = []
    with collected(errors):
        resumed = gallery.resume_erasures(
            on_error=errors.append, stop=lambda: clock() > started + LATEST_RESUMED
        )
        done += [receipt.erasure_id for receipt in resumed]
    with collected(errors):
        gallery.resume_migrations(stop=lambda: clock() > deadline)
    with collected(errors):
        for collection in gallery.all_collections():
            if clock() > deadline:
                break
            with collected(errors):
                receipt = gallery.expire(collection.collection_id)
                done += [] if receipt is None else [receipt.erasure_id]
    with collected(errors):
        _sweep(gallery, lambda: clock() > started + LATEST_SWEEP)
    for each in errors:
        logger().error("not erased", kind=type(each).__name__, consequence=each.consequence)
    if errors:
        raise errors[0]
    return done


def sweep_for(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    """Erase data whose collection or person no longer exists, for a limited time.

    Args:
        gallery: The gallery.
        event: ``seconds`` after which the sweep stops. It stops after ``LATEST_SWEEP`` seconds
            anyway: Lambda ends the function after 15 minutes, and its answer is then lost.

    Returns:
        ``swept`` and ``records``, numbers of faces and of records by collection; and whether the
        sweep is ``complete``, or must be called again.

    Raises:
        FacerecError: A store fails; raised after the other collections were swept.
    """
    until = time.monotonic() + min(float(event.get("seconds", LATEST_SWEEP)), LATEST_SWEEP)
    stopped = False

    def stop() -> bool:
        nonlocal stopped
        stopped = stopped or time.monotonic() > until
        return stopped

    return {**_sweep(gallery, stop), "complete": not stopped}


def _sweep(gallery: Gallery, stop: Callable[[], bool]) -> dict[str, dict[str, int]]:
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
