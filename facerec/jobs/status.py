"""The statuses of a job, and the tolerance that separates success from failure."""

from __future__ import annotations

from enum import StrEnum

TOLERATED_FAILURE_PERCENTAGE = 5.0
"""Default percentage of photos that may fail."""


class JobStatus(StrEnum):
    """The status of a job, the same for the command line, REST and jobs on AWS."""

    PENDING = "PENDING"
    """The job is waiting to start."""
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    """Every line has a row, and no more photos failed than are tolerated."""
    FAILED = "FAILED"
    """More photos failed than are tolerated, nearly all of the first photos failed alike, the input
    was refused, or the execution on AWS failed."""
    INCOMPLETE = "INCOMPLETE"
    """Some lines have no row yet: submit the same job again to resume it."""
    CANCELLED = "CANCELLED"
    """Somebody ended the job; submit it again to resume it."""

    UNREADABLE = "UNREADABLE"
    """The job's folder is missing or damaged, or was written by another release."""

    @property
    def ended(self) -> bool:
        """Whether the job has ended."""
        return self not in (JobStatus.PENDING, JobStatus.RUNNING)


def ended_status(reported: JobStatus | None, *, cancelled: bool = False) -> JobStatus:
    """Return the status of a job that has ended.

    Args:
        reported: The status in its report, which depends only on the ledger; None without a report.
        cancelled: Whether somebody cancelled its last run.
    """
    if reported in (None, JobStatus.INCOMPLETE):
        return JobStatus.CANCELLED if cancelled else JobStatus.INCOMPLETE
    return reported
