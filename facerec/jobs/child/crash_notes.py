"""Photos that end the process that looks at them: found out, and left out.

A decoder's fault in native code kills a child, and every further attempt at the same photo. So
whoever sees a child's process end by a signal of such a fault notes where the ledger then ended.
The next attempt at the child takes the photos behind that place one at a time; where two have
crashed at the same place, the photo there gets a row that says so, unlooked at. SIGKILL and
SIGTERM are no such signals: they come from outside, at any time.
"""

from __future__ import annotations

import re
import secrets
import signal
from collections import Counter

from facerec.jobs.child.photos import Problem
from facerec.jobs.ledger.rows import Outcome
from facerec.jobs.ledger.segments import read_parts
from facerec.jobs.manifest.slices import SliceReader, slice_of
from facerec.jobs.plan import Plan
from facerec.storage.objects.protocol import ObjectStore

CRASH_SIGNALS = frozenset(
    (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT)
)
"""Signals by which a fault in native code ends a process."""

FATAL = 2
"""Crashes at a place before the photo there is given up; the second was with it alone."""

CRASHED = Problem(Outcome.UNREADABLE, "the process crashed whenever it looked at it", "CRASHED")
"""What is wrong with a photo that is given up."""


def note_crash(objects: ObjectStore, plan: Plan, child: int) -> None:
    """Note that a child's process crashed; call it before the child is tried again.

    Args:
        objects: where the job's folder is.
        plan: of the job.
        child: the child.
    """
    end = SliceReader.first(plan.source, slice_of(plan.source, plan.children, plan.stripes, child))
    for part in read_parts(objects, plan.job_folder, child):
        end = part.end
    objects.write(f"{_folder(plan, child)}{end.offset:016d}-{secrets.token_hex(8)}", b"")


def crashes(objects: ObjectStore, plan: Plan, child: int) -> Counter[int]:
    """Return how often a child crashed, by the offset at which its ledger ended."""
    noted = (
        re.search(r"/(\d{16})-[0-9a-f]{16}$", found.uri)
        for found in objects.list(_folder(plan, child))
    )
    return Counter(int(name[1]) for name in noted if name)


def _folder(plan: Plan, child: int) -> str:
    return f"{plan.job_folder}crashes/{child:07d}/"
