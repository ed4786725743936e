"""``Job``, and the protocol ``JobService``, with which callers start and watch jobs.

``facerec.jobs.local.jobs.LocalJobs`` runs jobs on this machine,
``facerec.jobs.aws.jobs.AwsJobs`` as executions of a deployed stack. The command line and REST
use both through the protocol.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from facerec.core.times import iso_time
from facerec.errors import (
    JobDeletedError,
    JobEndedError,
    JobNotFoundError,
    JobNotPlannedError,
)
from facerec.jobs.status import TOLERATED_FAILURE_PERCENTAGE

if TYPE_CHECKING:
    from facerec.jobs.ledger.report import Report
    from facerec.jobs.ledger.rows import LedgerRow
    from facerec.jobs.plan import Plan
    from facerec.jobs.progress import Progress
    from facerec.jobs.run_summary import RunSummary
    from facerec.jobs.status import JobStatus

LATEST = "latest"
"""The job id that names the newest job."""

NO_JOBS = "there are no jobs yet"
"""Message of the error if "latest" is requested and there are no jobs."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job, with its status and, if they were read, its plan and report.

    Attributes:
        id: Id of the job for callers: the id of its plan, or the name of its execution on AWS.
        status: Current status of the job.
        started_at: Start of its last run, seconds since 1970, UTC; if its folder cannot be read,
            the time when it was planned, or 0 if that is unknown.
        ended_at: End of that run, seconds since 1970, UTC; None while it runs, or if it was killed.
            If the execution on AWS is gone, the time of the report, or else of the plan.
        collection_id: The collection that receives the faces, if known.
        photos: Number of rows in its ledger, if known without reading the ledger.
        faces: Number of faces of these photos in the collection, if known without reading the
            ledger.
        cause: Reason why it failed or stopped, in one line; None without one.
        plan: Plan of the job; None before it is planned, in listings, and if its folder cannot be
            read.
        report: Report of the job, with the job's status; None before it ended, and in listings.
        run: Summary of its last run; None before that ended, and in listings.
        listed: Number of objects listed so far while it is planned; None otherwise, if unknown, and
            in listings.
        unreadable_folder: Address of its folder if the folder cannot be read; None otherwise.
        tolerated_failure_percentage: 0 to 100, the share of photos that may fail in its last run;
            the default if unknown.
    """

    id: str
    status: JobStatus
    started_at: float
    ended_at: float | None = None
    collection_id: str | None = None
    photos: int | None = None
    faces: int | None = None
    cause: str | None = None
    plan: Plan | None = None
    report: Report | None = None
    run: RunSummary | None = None
    listed: int | None = None
    unreadable_folder: str | None = None
    tolerated_failure_percentage: float = TOLERATED_FAILURE_PERCENTAGE

    def __post_init__(self) -> None:
        if self.report is not None:
            object.__setattr__(self, "report", self.with_status(self.report))

    def with_status(self, report: Report) -> Report:
        """Return a report with the status of this job.

        A report is computed from the ledger, which does not show whether the job is running or
        cancelled.
        """
        return report if report.status is self.status else replace(report, status=self.status)

    def required_folder(self) -> str:
        """Return the address of the job folder, even if it cannot be read.

        Raises:
            JobNotPlannedError: The job has no folder.
        """
        return self.unreadable_folder or self.required_plan().job_folder

    def required_plan(self) -> Plan:
        """Return the plan.

        Raises:
            JobNotPlannedError: The job has no plan.
        """
        if self.plan is None:
            raise JobNotPlannedError(self.id, self.cause)
        return self.plan

    def require_running(self) -> None:
        """Check that the job has not ended.

        Raises:
            JobEndedError: The job has ended.
        """
        if self.status.ended:
            raise JobEndedError(self.id, self.status)

    def to_json(self, progress: Progress | None = None) -> dict[str, Any]:
        """Return the job in the form of ``schemas/job.json``."""
        return {
            "job_id": self.id,
            "status": self.status,
            "collection_id": self.collection_id,
            "started_at": iso_time(self.started_at),
            "ended_at": None if self.ended_at is None else iso_time(self.ended_at),
            "photos": self.photos,
            "faces": self.faces,
            "cause": self.cause,
            "job_folder": self.plan.job_folder if self.plan else None,
            "listed": self.listed,
            "progress": progress.to_json() if progress else None,
            "report": self.report.to_json() if self.report else None,
            "run": self.run.to_json() if self.run else None,
        }


class JobService(Protocol):
    """Runs jobs, and returns their status, progress and results."""

    def submit(self, document: Mapping[str, Any]) -> Job:
        """Submit a job, and return it. Submitting the same input again resumes the job.

        Args:
            document: The execution input (``schemas/execution-input.json``).

        Raises:
            InvalidInputError: The message names the invalid field.
            FacerecError: The job cannot be started.
        """
        ...

    def get(self, job_id: str, *, readable: bool = True) -> Job:
        """Return a job with its plan and report.

        Args:
            job_id: Id of the job, or ``LATEST``.
            readable: Whether its folder must be readable; if false, a job whose folder is damaged
                or was written by another release is returned too, so that it can be deleted.

        Raises:
            JobNotFoundError: The job does not exist.
            JobFolderError: Its folder cannot be read.
            StoreUnavailableError: The jobs, or the job folder, cannot be read for now.
        """
        ...

    def list(self, limit: int) -> list[Job]:
        """Return the newest jobs, newest first, without plans and reports.

        Raises:
            StoreUnavailableError: The jobs cannot be read for now.
        """
        ...

    def progress(self, job: Job) -> Progress:
        """Return the progress of a job.

        Raises:
            JobNotPlannedError: The job has no plan.
            JobDeletedError: The job was deleted during the call.
            InvalidInputError: A file in the job folder is damaged.
            StoreUnavailableError: The job folder cannot be read for now.
        """
        ...

    def report(self, job: Job) -> Report:
        """Return the report of a job; write it first unless the job has a current one.

        The report has the status of the job.

        Raises:
            JobNotPlannedError: The job has no plan.
            JobDeletedError: The job was deleted during the call.
            InvalidInputError: A file in the job folder is damaged.
            StoreUnavailableError: The job folder cannot be read for now.
        """
        ...

    def rows(self, job: Job) -> Iterator[LedgerRow]:
        """Yield the ledger of a job in the order of the manifest.

        Raises:
            JobNotPlannedError: The job has no plan.
            JobDeletedError: The job was deleted while it was read.
            InvalidInputError: A file in the job folder is damaged.
            StoreUnavailableError: The job folder cannot be read for now.
        """
        ...

    def failures(self, job: Job) -> Iterator[LedgerRow]:
        """Yield the rows of photos that failed, in the order of the manifest.

        Raises:
            JobNotPlannedError: The job has no plan.
            JobDeletedError: The job was deleted while it was read.
            InvalidInputError: A file in the job folder is damaged.
            StoreUnavailableError: The job folder cannot be read for now.
        """
        ...

    def cancel(self, job: Job) -> None:
        """End a pending or running job; its finished work is kept.

        Raises:
            InvalidInputError: The job has ended.
            StoreUnavailableError: The job cannot be ended for now.
        """
        ...

    def delete(self, job: Job) -> int:
        """Delete the folder of a job, and return the number of its files; the faces stay.

        Raises:
            InvalidInputError: The job is pending or running, or its faces are being imported.
            JobNotPlannedError: The job has no folder.
            StoreUnavailableError: Some files could not be deleted for now; call this again.
        """
        ...


def wait_for_job(
    jobs: JobService,
    job: Job,
    *,
    interval: float,
    show: Callable[[Job, Progress | None], None] = lambda job, progress: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Job:
    """Wait until a job has ended, and return it.

    Args:
        jobs: The service that runs it.
        job: The job.
        interval: Seconds between two polls.
        show: Called after each poll, including the last.
        sleep: Waits for a number of seconds.

    Raises:
        JobDeletedError: The job was deleted during the wait.
        JobNotFoundError: The job was deleted during the wait, and its collection is not known.
        JobFolderError: Its folder can no longer be read.
        InvalidInputError: A file in the job folder is damaged.
        StoreUnavailableError: The jobs, or the job folder, cannot be read for now.
    """
    while True:
        try:
            job = jobs.get(job.id)
        except JobNotFoundError as error:
            if job.collection_id is None:
                raise
            raise JobDeletedError(job.collection_id) from error
        show(job, jobs.progress(job) if job.plan else None)
        if job.status.ended:
            return job
        sleep(interval)
