"""Runs the work of a container in a child process, whose crash the parent survives."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

_KILLED_WITH_PARENT = 1
"""PR_SET_PDEATHSIG: https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html"""


def run_watched(work: Callable[[], int]) -> int:
    """Run work in a child process and wait for its end; SIGTERM is forwarded to that process.

    Call this before anything large is imported, and before any thread is started.

    Args:
        work: Returns an exit code.

    Returns:
        The exit code, or the negative number of the signal that ended the process. In the child
        process the function does not return.
    """
    # Otherwise a signal could arrive between the fork and the handler that forwards it.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    worker = os.fork()
    if worker == 0:
        _end_with_parent()
        # Restore the default; the parent's handler forwards the signal.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        sys.exit(work())
    signal.signal(signal.SIGTERM, lambda number, _: _forward(number, worker))
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    _, status = os.waitpid(worker, 0)
    return os.waitstatus_to_exitcode(status)


def _forward(number: int, process: int) -> None:
    # The process may have just ended.
    with suppress(ProcessLookupError):
        os.kill(process, number)


def _end_with_parent() -> None:
    """Make the kernel kill this process when its parent dies, as happens when a container ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_KILLED_WITH_PARENT, signal.SIGKILL)
