"""Finds and rejects photos that crash the process that decodes them.

A crash in a decoder's native code kills a child, and every further attempt at the same photo. So
the process that sees a child end by such a signal records where the ledger ended at that time. The
next attempt processes the photos from there on one at a time. After two crashes at the same line,
its photo gets a row with the reason CRASHED, without being decoded. SIGTERM does not count as a
crash: it comes from outside, at any time. SIGKILL counts if the kernel may have sent it because the
photo needs more memory than is available.
"""

from __future__ import annotations

import re
import secrets
import signal
from collections import Counter
from typing import TYPE_CHECKING

from facerec.jobs.ledger.segments import read_segments
from facerec.jobs.manifest.slices import SliceReader, slice_of
from facerec.jobs.outcomes import Outcome, PhotoFailure

if TYPE_CHECKING:
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore

CRASH_SIGNALS = frozenset(
    (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT)
)
"""Signals of a crash in native code."""

FATAL_CRASHES = 2
"""Number of crashes at a line after which its photo is rejected; during the second one, the photo
is processed alone."""

CRASHED = PhotoFailure(
    Outcome.UNREADABLE, "the process crashed each time it decoded this photo", "CRASHED"
)
"""The failure of a photo that is rejected without being decoded."""


class Crashes:
    """The rules that an attempt follows because earlier ones crashed.

    From the line at which the ledger ended, it processes photos one at a time until it is past the
    step that crashed. It rejects a photo at which ``FATAL_CRASHES`` attempts have crashed.
    """

    def __init__(self, notes: Counter[int], *, until: int) -> None:
        """Create the rules of an attempt from the notes of crashes.

        Args:
            notes: Number of crashes by the offset at which the ledger ended.
            until: Number of photos in the ledger at which the attempt returns to whole steps.
        """
        self._notes, self._until = notes, until

    def is_near(self, photos: int) -> bool:
        """Return whether a crash may be near, so that each photo must be its own step.

        Args:
            photos: Number of photos in the ledger.
        """
        return photos < self._until

    def is_fatal(self, offset: int) -> bool:
        """Return whether the photo at an offset is rejected without being decoded."""
        return self._notes[offset] >= FATAL_CRASHES


def note_crash(objects: ObjectStore, plan: Plan, child: int) -> None:
    """Record that a child's process crashed; call it before the child is retried.

    Raises:
        InvalidInputError: A segment is damaged.
        ObjectNotFoundError: The job was deleted in the meantime.
    """
    end = SliceReader.first(plan.source, slice_of(plan.source, plan.children, plan.stripes, child))
    for segment in read_segments(objects, plan.job_folder, child):
        end = segment.end
    objects.write(f"{_folder(plan, child)}{end.offset:016d}-{secrets.token_hex(8)}", b"")


def read_crashes(objects: ObjectStore, plan: Plan, child: int) -> Counter[int]:
    """Return the number of crashes of a child by the offset at which its ledger ended."""
    notes = (
        re.search(r"/(\d{16})-[0-9a-f]{16}$", found.uri)
        for found in objects.list(_folder(plan, child))
    )
    return Counter(int(note[1]) for note in notes if note)


def _folder(plan: Plan, child: int) -> str:
    return f"{plan.job_folder}crashes/{child:07d}/"
