"""The lock of a job that is running on this machine.

A run holds a lock on a file in the job folder, which the kernel releases however the process ends.
So a killed run is never mistaken for a running one.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def run_lock(job_folder: str) -> Iterator[None]:
    """Mark the job as running during the block; concurrent runs of a job share the mark.

    Does nothing if the file system does not support locks.
    """
    with Path(job_folder, "run.lock").open("ab") as file:
        # Without locks, the job is merely not shown as running.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_SH)
        yield


def is_locked(job_folder: str) -> bool:
    """Return whether any process is running the job.

    False if the file system does not support locks.
    """
    try:
        with Path(job_folder, "run.lock").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            except OSError:
                return False
            return False
    except (FileNotFoundError, NotADirectoryError):
        return False
