"""Records how many objects an execution has listed while it plans its job."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from facerec.core.limits import MAX_JSON_BYTES
from facerec.errors import FacerecError

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore

INTERVAL = 10.0
"""Seconds between two records; listing a prefix of millions of objects takes minutes."""


def listing_notes(
    objects: ObjectStore,
    jobs_root: str,
    execution: str,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[int], None]:
    """Return a function that records the number of objects listed, at most once per ``INTERVAL``.

    Args:
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        execution: Name of the execution.
        clock: Returns the time in seconds.
    """
    noted = clock()

    def note(listed: int) -> None:
        nonlocal noted
        if clock() - noted >= INTERVAL:
            noted = clock()
            objects.write(_uri(jobs_root, execution), json.dumps({"listed": listed}).encode())

    return note


def read_listed(objects: ObjectStore, jobs_root: str, execution: str) -> int | None:
    """Return how many objects an execution has listed; None if it is not known."""
    try:
        listed = json.loads(objects.read(_uri(jobs_root, execution), end=MAX_JSON_BYTES))["listed"]
    except (FacerecError, ValueError, KeyError, TypeError):
        return None
    return listed if isinstance(listed, int) else None


def _uri(jobs_root: str, execution: str) -> str:
    return f"{jobs_root}planning/{execution}.json"
