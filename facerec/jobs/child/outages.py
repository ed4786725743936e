"""Stops the children of a submission from starting while a store is down: a circuit breaker.

AWS Batch starts each child up to 8 times. While a store is down, each of these attempts would take
minutes of a machine, and all of them would send requests to a store that is about to recover. So an
attempt that ends because a store is unavailable, before it has committed anything, leaves a note in
the job folder. A service that throttles is not down, so no note is left because of it: children
wait for vector stores for a quarter of an hour (``facerec.storage.retrying``). If S3 or DynamoDB
throttles an attempt for longer than their clients retry, AWS Batch starts the attempt again. While
several children have left notes within the last minutes, other attempts end before they load the
engine, with an exit code that AWS Batch does not retry. The workflow submits these children again
after a pause, one of them alone first (``facerec.jobs.aws``).
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from facerec.jobs.ledger.layout import OUTAGES, outages_folder

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore

MIN_CHILDREN = 3
"""Number of children with a note at which no further child starts; a smaller submission stops once
all its children have one. A failure of a single machine or connection stops only its own child."""

WINDOW = 300
"""Seconds after which a note no longer counts, and attempts try the store again."""

_LATEST = 10**10
"""A time far in the future; notes are named by the seconds until then, so that the newest is listed
first."""


def note_outage(objects: ObjectStore, job_folder: str, submission: int, child: int) -> None:
    """Record that an attempt ended before its first commit because a store is unavailable."""
    name = f"{_LATEST - int(time.time()):010d}-{child:07d}"
    objects.write(f"{outages_folder(job_folder, submission)}{name}", b"")


def forget_outages(objects: ObjectStore, job_folder: str) -> None:
    """Delete the notes of earlier executions of a job, so that a new one tries the stores."""
    objects.delete_folder(f"{job_folder}{OUTAGES}/")


def is_store_down(
    objects: ObjectStore, job_folder: str, submission: int, min_children: int = MIN_CHILDREN
) -> bool:
    """Return whether ``min_children`` children left a note in the last ``WINDOW`` seconds."""
    oldest = _LATEST - int(time.time()) + WINDOW
    children: set[str] = set()
    for found in objects.list(outages_folder(job_folder, submission)):
        note = re.search(r"/(\d{10})-(\d{7})$", found.uri)
        if note is None or int(note[1]) > oldest:
            return False
        children.add(note[2])
        if len(children) == min_children:
            return True
    return False
