"""The lock of a job that is running on this machine.

A run holds a lock on a file in the job folder, which the kernel releases at any end of the process.
So a killed run is never mistaken for a running one.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO

from facerec.core.answering import (
    MAX_SECONDS,
    MAX_WRITE_SECONDS,
    Deadline,
    answer_within,
    write_within,
)


@contextmanager
def run_lock(job_folder: str) -> Iterator[None]:
    """Mark the job as running during the block; concurrent runs of a job share the mark.

    Does nothing if the file system does not support locks.

    Raises:
        WriteTimedOutError: The file system does not answer.
        OSError: The file cannot be created.
    """
    path = Path(job_folder, "run.lock")

    def lock() -> IO[bytes]:
        file = path.open("ab")
        # Without locks, the job is merely not shown as running.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_SH)
        return file

    with write_within(str(path), lock, Deadline(MAX_WRITE_SECONDS)):
        yield


def is_locked(job_folder: str) -> bool:
    """Return whether any process is running the job.

    Returns false if the file system does not support locks.

    Raises:
        ReadTimedOutError: The file system does not answer.
    """
    path = Path(job_folder, "run.lock")
    return answer_within(str(path), partial(_is_locked, path), Deadline(MAX_SECONDS))


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            except OSError:
                return False
            return False
    except (FileNotFoundError, NotADirectoryError):
        return False
