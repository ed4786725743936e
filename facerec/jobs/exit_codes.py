"""Exit codes of a child that could not finish; they state whether another attempt may succeed.

The codes are those of ``sysexits.h``: EX_UNAVAILABLE, EX_TEMPFAIL and EX_CONFIG.
"""

from __future__ import annotations

from facerec.errors import ConflictError, FacerecError, StoreUnavailableError

OUTAGE = 69
"""A store is down for several children (``facerec.jobs.child.outages``); another attempt may
succeed after a pause; the workflow makes it."""

RETRY = 75
"""Another attempt may succeed: a store failed, another process changed the same data, or this one
was asked to stop."""

DO_NOT_RETRY = 78
"""Another attempt would fail the same way: the input, the engine or permissions must change."""


def exit_code_of(error: BaseException) -> int:
    """Return the exit code for an error.

    Unknown errors are not retried: most likely the same work would fail the same way.
    """
    if isinstance(error, FacerecError):
        return RETRY if isinstance(error, ConflictError | StoreUnavailableError) else DO_NOT_RETRY
    return RETRY if isinstance(error, MemoryError | OSError | KeyboardInterrupt) else DO_NOT_RETRY
