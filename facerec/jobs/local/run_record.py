"""The record of a job's last run on this machine: whether it is running, and how it ended.

A run holds a lock on a file in the job folder, which the kernel releases however the process ends.
So a killed run is never mistaken for a running one.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run of a job.

    Attributes:
        submitted_at: time of submission, seconds since 1970, UTC.
        tolerated_failure_percentage: failure tolerance of this run.
        started_at: start of the run; None while it waits for its turn.
        ended_at: end of the run; None while it runs, or if it was killed.
        cancelled: whether it was cancelled.
        cause: reason why it failed or stopped, in one line.
        run: summary of the run, in the form of ``schemas/run.json``; None until it has ended.
    """

    submitted_at: float
    tolerated_failure_percentage: float
    started_at: float | None = None
    ended_at: float | None = None
    cancelled: bool = False
    cause: str | None = None
    run: dict[str, Any] | None = None


def write_record(job_folder: str, record: RunRecord) -> None:
    """Store the record of the last run."""
    path = Path(job_folder, "run.json")
    new = path.with_suffix(".new")
    new.write_text(json.dumps(asdict(record)))
    new.replace(path)


def read_record(job_folder: str) -> RunRecord | None:
    """Return the record of the last run; None if there was none, or another release wrote it."""
    try:
        return RunRecord(**json.loads(Path(job_folder, "run.json").read_text()))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError):
        # Written by another release: the ledger has the results.
        return None


@contextmanager
def run_lock(job_folder: str) -> Iterator[None]:
    """Mark the job as running during the block; concurrent runs of a job share the mark."""
    with Path(job_folder, "run.lock").open("ab") as file:
        # If the file system does not support locks, the job is merely not shown as running.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_SH)
        yield


def is_locked(job_folder: str) -> bool:
    """Return whether any process is running the job."""
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


def request_cancel(job_folder: str) -> None:
    """Ask the process that runs the job to end it."""
    Path(job_folder, "cancel").touch()


def cancel_requested(job_folder: str) -> bool:
    """Return whether somebody asked to end the run."""
    return Path(job_folder, "cancel").exists()


def clear_cancel(job_folder: str) -> None:
    """Forget earlier requests to end a run."""
    Path(job_folder, "cancel").unlink(missing_ok=True)
