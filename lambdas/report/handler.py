"""Writes the report of a job, and summarises it for the end of the execution."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from facerec.errors import ObjectNotFoundError
from facerec.jobs.ledger.layout import report_uri
from facerec.jobs.ledger.report import Report, read_report, write_report
from facerec.jobs.plan import read_plan
from facerec.jobs.status import JobStatus
from facerec.storage.objects import Objects, ObjectStore
from lambdas.logs import logger


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Write the report of a job and summarise it.

    Args:
        event: ``job_folder``, ``tolerated_failure_percentage`` and ``large`` (the report has been
            written by a job of AWS Batch).

    Returns:
        What ``summarise_execution`` returns.

    Raises:
        StoreUnavailableError: another attempt may succeed.
    """
    summary = summarise_execution(
        Objects(),
        event["job_folder"],
        event["tolerated_failure_percentage"],
        written=event["large"],
    )
    logger().info("reported", **{name: summary[name] for name in ("job_id", "status", "photos")})
    return summary


def summarise_execution(
    objects: ObjectStore, job_folder: str, tolerated_failure_percentage: float, *, written: bool
) -> dict[str, Any]:
    """Return the output of an execution, or the error and cause that it ends with.

    Args:
        objects: contains the job folder.
        job_folder: uri of the folder, with the final ``/``.
        tolerated_failure_percentage: 0 to 100, of this execution.
        written: whether the report has been written already.

    Returns:
        ``failed``, ``report`` (its address) and its numbers; for a failure also ``error`` and
        ``cause``, one line.
    """
    try:
        plan = read_plan(objects, job_folder)
    except ObjectNotFoundError:
        return {
            "failed": True,
            "status": JobStatus.FAILED,
            "job_id": PurePosixPath(job_folder).name,
            "photos": 0,
            "error": "JobDeletedError",
            "cause": "the collection was deleted, and this job with it",
        }
    if written:
        report = read_report(objects, job_folder)
    else:
        report = write_report(
            plan, objects, tolerated_failure_percentage=tolerated_failure_percentage
        )
    summary: dict[str, Any] = {
        "failed": report.status is not JobStatus.SUCCEEDED,
        "status": report.status,
        "job_id": report.job_id,
        "report": report_uri(job_folder),
        "photos": report.tally.photos,
        "failed_photos": report.failed_photos,
        "faces": report.tally.faces,
        "faces_indexed": report.tally.faces_indexed,
        "outcomes": dict(report.tally.outcomes),
    }
    if report.status is JobStatus.INCOMPLETE:
        summary |= {"error": "JobIncomplete", "cause": _incomplete(report, summary["report"])}
    if report.status is JobStatus.FAILED:
        summary |= {"error": "TooManyFailures", "cause": _too_many(report, summary["report"])}
    return summary


def _incomplete(report: Report, uri: str) -> str:
    missing = report.children - report.complete_children
    first = ", ".join(map(str, report.incomplete[:10]))
    more = ", ..." if missing > 10 else ""
    return (
        f"{missing} of {report.children} children are not complete ({first}{more}); start the job "
        f"again with the same input to resume it; report: {uri}"
    )


def _too_many(report: Report, uri: str) -> str:
    return (
        f"{report.failed_photos} of {report.tally.photos} photos failed "
        f"({report.failure_percentage:g} %), more than the "
        f"{report.tolerated_failure_percentage:g} % tolerated; report: {uri}"
    )
