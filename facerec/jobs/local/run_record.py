"""The record of a job's last run on this machine, and how it ended."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from facerec.core.answering import MAX_WRITE_SECONDS, Deadline, answer_within
from facerec.core.stored_json import stored_json
from facerec.errors import ObjectNotFoundError
from facerec.jobs.documents import to_record
from facerec.storage.objects.local import LocalObjects


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run of a job.

    Attributes:
        submitted_at: Time of submission, seconds since 1970, UTC.
        tolerated_failure_percentage: 0 to 100, the share of photos that may fail in this run.
        started_at: Start of the run, seconds since 1970, UTC; None while it waits for its turn.
        ended_at: End of the run, seconds since 1970, UTC; None while it runs, or if it was killed.
        cancelled: Whether it was cancelled.
        cause: Reason why it failed or stopped, in one line; None without one.
        run: Summary of the run, in the form of ``schemas/run.json``; None until it has ended.
    """

    submitted_at: float
    tolerated_failure_percentage: float
    started_at: float | None = None
    ended_at: float | None = None
    cancelled: bool = False
    cause: str | None = None
    run: dict[str, Any] | None = None


def write_record(job_folder: str, record: RunRecord) -> None:
    """Store the record of the last run.

    Raises:
        FacerecError: The record cannot be written.
    """
    # Other processes may start the job at the same moment.
    LocalObjects().write(_path(job_folder), json.dumps(asdict(record)).encode())


def read_record(job_folder: str) -> RunRecord | None:
    """Return the record of the last run; None if there is none, or if it cannot be parsed.

    Raises:
        FacerecError: The record cannot be read.
    """
    path = _path(job_folder)
    try:
        return to_record(RunRecord, stored_json(LocalObjects().read(path), path))
    except ObjectNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        # Another release wrote the record; the ledger still has the results.
        return None


def request_cancel(job_folder: str) -> None:
    """Ask the process that runs the job to end it.

    Raises:
        FacerecError: The request cannot be written.
    """
    LocalObjects().write(_cancel_path(job_folder), b"")


def cancel_requested(job_folder: str) -> bool:
    """Return whether somebody asked to end the run.

    Raises:
        ReadTimedOutError: The file system does not answer.
    """
    path = _cancel_path(job_folder)
    # A run waits as long for this as for its own writes.
    return answer_within(path, Path(path).exists, Deadline(MAX_WRITE_SECONDS))


def clear_cancel(job_folder: str) -> None:
    """Forget earlier requests to end a run.

    Raises:
        FacerecError: A request cannot be deleted.
    """
    LocalObjects().delete(_cancel_path(job_folder))


def _cancel_path(job_folder: str) -> str:
    return str(Path(job_folder, "cancel"))


def _path(job_folder: str) -> str:
    return str(Path(job_folder, "run.json"))
