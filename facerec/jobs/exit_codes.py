"""How a child that could not finish ends its process, so that whoever started it knows what to do.

The codes are those of ``sysexits.h``: EX_TEMPFAIL and EX_CONFIG.
"""

from __future__ import annotations

from facerec.errors import FacerecError, StoreUnavailableError

RETRY = 75
"""The same child may go through later: a store was down, or the process was asked to stop."""

DO_NOT_RETRY = 78
"""Another attempt ends the same way: the input, the engine or the permissions must change."""


def exit_code_of(error: BaseException) -> int:
    """Return what the process of a child ends with after an error.

    Faults that facerec does not know are not retried: most likely they would cost the same work
    again, to the same end.
    """
    if isinstance(error, FacerecError):
        return RETRY if isinstance(error, StoreUnavailableError) else DO_NOT_RETRY
    return RETRY if isinstance(error, MemoryError | OSError | KeyboardInterrupt) else DO_NOT_RETRY
