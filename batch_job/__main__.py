"""``python -m batch_job [child|report|suggest]``: the entry point of the container."""

from __future__ import annotations

import mmap
import os
import signal
import sys
import threading
from functools import partial
from os import EX_CONFIG, EX_TEMPFAIL
from typing import TYPE_CHECKING

from batch_job.watched import run_watched
from facerec.core.deferred import DeferredModule

if TYPE_CHECKING:
    from batch_job import task
else:
    task = DeferredModule("batch_job.task")

_READY = mmap.mmap(-1, 1)
"""Becomes 1 when the engine has been tested; shared with the process that does the work."""

_MACHINE_SIGNALS = frozenset((signal.SIGILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE))
"""Signals that end a process if the machine cannot run the engine."""

MAX_CRASHES = 24
"""Maximum number of crashes after which the work is resumed; one more ends the attempt. A photo can
crash the process up to three times before it is rejected."""


def main() -> int:
    """Run the task that the arguments name; after SIGTERM, it commits its finished work and ends.

    If a photo crashes the process, the work continues in another one.

    Returns:
        0 if the task is complete; otherwise EX_UNAVAILABLE, EX_TEMPFAIL or EX_CONFIG, which are
        OUTAGE, RETRY and DO_NOT_RETRY of ``facerec.jobs.exit_codes``. That module is not imported,
        to keep this process small.
    """
    ended = run_watched(_work)
    for _ in range(MAX_CRASHES):
        if ended >= 0:
            break
        if not _READY[0]:
            # No photo can be the cause: the machine cannot run the engine.
            return EX_CONFIG if -ended in _MACHINE_SIGNALS else EX_TEMPFAIL
        # This runs in a child process too, so that this process stays small and free of threads.
        ended = run_watched(partial(_note_crash, -ended)) or run_watched(_work)
    return ended if ended >= 0 else EX_TEMPFAIL


def _set_ready() -> None:
    _READY[0] = 1


def _work() -> int:

    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    return task.run(sys.argv[1:], os.environ, stop=asked.is_set, ready=_set_ready)


def _note_crash(number: int) -> int:

    return task.note_signal(number, os.environ)


if __name__ == "__main__":
    sys.exit(main())
