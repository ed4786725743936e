"""Determines whether an incomplete job has ended, so that it adds nothing until a new start."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from facerec.jobs.start_order import read_start
from facerec.storage.objects.protocol import scheme_of

if TYPE_CHECKING:
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore

DAY = 24 * 3600.0

LOCAL_END = DAY
"""Seconds since its last start after which a job on this machine that holds no lock has ended.
Locks alone do not decide: workers of a killed run complete their photos."""

STACK_END = 31 * DAY
"""Seconds since its last start after which a job without locks, such as one of a stack, has ended:
the state machine stops an execution after 30 days (``TimeoutSeconds``)."""


def has_ended(plan: Plan, objects: ObjectStore) -> bool:
    """Return whether no process adds to an incomplete job before its next start."""
    age = time.time() - read_start(objects, plan).at
    if not plan.local or scheme_of(plan.job_folder) != "file":
        return age > STACK_END
    from facerec.jobs.run_lock import is_locked

    return age > LOCAL_END and not is_locked(plan.job_folder)
