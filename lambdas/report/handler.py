"""Writes the report of a job, and summarises it for the end of the execution."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import Any

from facerec.config import Settings, read_settings
from facerec.errors import (
    FacerecError,
    FirstPhotosFailedError,
    JobDeletedError,
    ObjectNotFoundError,
)
from facerec.jobs.aws.batch_queue import BatchQueue
from facerec.jobs.aws.log import logger
from facerec.jobs.aws.submissions import (
    Submission,
    is_image_missing,
    next_submission,
    submission_from_json,
)
from facerec.jobs.bulk_import.progress import is_import_pending
from facerec.jobs.concurrent_versions import is_removal_due
from facerec.jobs.erasing.existence import while_it_exists
from facerec.jobs.folders import has_plan
from facerec.jobs.ledger.child_runs import run_number
from facerec.jobs.ledger.enrolment_record import read_enrolled
from facerec.jobs.ledger.incomplete import incomplete_uri
from facerec.jobs.ledger.layout import report_uri
from facerec.jobs.ledger.report import Report, read_report, write_report
from facerec.jobs.plan import read_plan
from facerec.jobs.planning.rounds import is_complete
from facerec.jobs.status import JobStatus
from facerec.storage.objects import Objects, ObjectStore


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Write the report of a job and summarise it.

    Args:
        event: The fields of the ``Submission`` that has ended; if it is ``large``, a job of AWS
            Batch has written the report.

    Returns:
        The result of ``end_submission``.

    Raises:
        StoreUnavailableError: Another attempt may succeed.
        ConfigurationError: A setting of the function is wrong.
        FacerecError: See ``end_submission``.
    """
    settings = read_settings(os.environ)
    find_reasons: FindReasons = no_reasons
    if settings.job_queue is not None:
        find_reasons = BatchQueue(settings.job_queue).failures
    result = end_submission(submission_from_json(event), settings, Objects(), find_reasons)
    if result["again"]:
        logger().warning("submitted again", submission=result["number"], pause=result["pause"])
    elif result["unimported"]:
        logger().info("faces will be imported")
    elif result["stale"]:
        logger().info("faces of stale photos will be removed")
    elif result["unnamed"]:
        logger().info("people will be created from the names of photos")
    else:
        logger().info("reported", **{name: result[name] for name in ("job_id", "status", "photos")})
    return result


_NOTHING_DUE = {"again": False, "unimported": False, "stale": False, "unnamed": False}

FindReasons = Callable[[str], Mapping[str, int]]
"""Returns the number of failed children by reason, given the prefix of their jobs' names."""


def no_reasons(_job_name: str) -> Mapping[str, int]:
    """Return no reasons; used if no queue can be queried."""
    return {}


def end_submission(
    last: Submission, settings: Settings, objects: ObjectStore, find_reasons: FindReasons
) -> dict[str, Any]:
    """Return the next submission of a job's children, or the output that ends the execution.

    Args:
        last: The submission that has ended.
        settings: Settings of the deployment.
        objects: Contains the job folder.
        find_reasons: Returns the reasons why children failed.

    Returns:
        ``again``, ``unimported``, ``stale`` and ``unnamed``, at most one of them true, with further
        fields. For another submission, ``again`` is true, and its fields follow. If all children
        are complete and Pinecone must import their faces, ``unimported`` is true, and the fields of
        ``last`` follow. The same fields follow if ``stale`` is true, because faces of stale photos
        must be removed, or ``unnamed``, because people must be created from the names of photos.
        Otherwise the result of ``summarise_execution`` follows.

    Raises:
        FacerecError: See ``summarise_execution`` and ``next_submission``.
    """
    summary = summarise_execution(
        objects,
        last.job_folder,
        last.tolerated_failure_percentage,
        written=last.large,
        incomplete_uri=incomplete_uri(last.job_folder, last.number),
    )
    if _is_import_due(last, objects):
        return {**_NOTHING_DUE, "unimported": True, **last.to_json()}
    if summary["status"] is not JobStatus.INCOMPLETE:
        ended_early = summary.get("error") == FirstPhotosFailedError.__name__
        if not ended_early and _is_removal_due(last, settings, objects):
            return {**_NOTHING_DUE, "stale": True, **last.to_json()}
        if not ended_early and _is_enrolment_due(last, objects):
            return {**_NOTHING_DUE, "unnamed": True, **last.to_json()}
        return {**_NOTHING_DUE, **summary}
    reasons = _reasons(find_reasons, f"{last.job_name}-{last.number}")
    following = next_submission(
        last,
        reasons,
        objects,
        resubmissions=settings.resubmissions,
        max_array_size=settings.max_array_size,
    )
    if following is not None:
        return {**_NOTHING_DUE, "again": True, **following.to_json()}
    if reasons:
        named = ", ".join(f"{count} x {reason}" for reason, count in reasons.items())
        summary["cause"] = f"{summary['cause']}; reasons why children failed: {named}"
    if is_image_missing(reasons):
        summary["cause"] += "; deploy the stack again to build and push the image"
    return {**_NOTHING_DUE, **summary}


def _is_import_due(last: Submission, objects: ObjectStore) -> bool:
    try:
        plan = read_plan(objects, last.job_folder)
        return is_import_pending(plan, objects) and is_complete(plan, objects)
    except ObjectNotFoundError:
        # The collection was deleted, and this job with it.
        return False


def _is_removal_due(last: Submission, settings: Settings, objects: ObjectStore) -> bool:
    try:
        plan = read_plan(objects, last.job_folder)
    except ObjectNotFoundError:
        # The collection was deleted, and this job with it.
        return False
    return is_removal_due(plan, objects, settings.jobs_root)


def _is_enrolment_due(last: Submission, objects: ObjectStore) -> bool:
    """Return whether people must be created from the names of the photos of this run."""
    if last.enrol is None or not has_plan(objects, last.job_folder):
        return False
    done = read_enrolled(objects, last.job_folder)
    return done is None or done.run != run_number(objects, last.job_folder)


def _reasons(find_reasons: FindReasons, job_name: str) -> Mapping[str, int]:
    """Return the reasons why children failed; empty if the queue cannot be queried."""
    try:
        return find_reasons(job_name)
    except FacerecError as error:
        logger().warning("cannot query why children failed", cause=error.message)
        return {}


def summarise_execution(
    objects: ObjectStore,
    job_folder: str,
    tolerated_failure_percentage: float,
    *,
    written: bool,
    incomplete_uri: str | None = None,
) -> dict[str, Any]:
    """Return the output of an execution, with its error and cause if it failed.

    Args:
        objects: Contains the job folder.
        job_folder: Uri of the folder, with the final ``/``.
        tolerated_failure_percentage: 0 to 100, the share of photos that may fail.
        written: Whether the report has been written already.
        incomplete_uri: Address at which to store the numbers of incomplete children.

    Returns:
        ``failed``, ``status``, ``job_id``, ``report`` (the address of the report) and the counts of
        the report; for a failure also ``error``, and ``cause`` in one line. There is no ``report``
        if the job was deleted.

    Raises:
        ObjectNotFoundError: ``written`` is true, but the job has no report.
        InvalidInputError: The plan, the report or a segment is damaged.
        StoreUnavailableError: Another attempt may succeed.
    """
    try:
        plan = read_plan(objects, job_folder)
        with while_it_exists(plan, objects):
            if written:
                report = read_report(objects, job_folder)
            else:
                report = write_report(
                    plan,
                    objects,
                    tolerated_failure_percentage=tolerated_failure_percentage,
                    incomplete_uri=incomplete_uri,
                    is_import_pending=is_import_pending(plan, objects),
                )
    except (ObjectNotFoundError, JobDeletedError):
        if has_plan(objects, job_folder):
            raise
        return {
            "failed": True,
            "status": JobStatus.FAILED,
            "job_id": PurePosixPath(job_folder).name,
            "photos": 0,
            "error": "JobDeletedError",
            "cause": "the job was deleted, alone or with its collection",
        }
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
        **({} if report.enrolled is None else {"enrolled": asdict(report.enrolled)}),
    }
    if report.status is JobStatus.INCOMPLETE:
        summary |= {"error": "JobIncomplete", "cause": _incomplete(report, summary["report"])}
    elif report.first_failures is not None:
        error = report.first_failures.error()
        cause = f"{error.message}; {error.hint}; report: {summary['report']}"
        summary |= {"error": type(error).__name__, "cause": cause}
    elif report.status is JobStatus.FAILED:
        summary |= {"error": "TooManyFailures", "cause": _too_many(report, summary["report"])}
    return summary


def _incomplete(report: Report, uri: str) -> str:
    missing = report.children - report.complete_children
    first = ", ".join(map(str, report.incomplete[:10]))
    more = ", ..." if missing > 10 else ""
    return (
        f"{missing} of {report.children} children {'is' if missing == 1 else 'are'} not complete "
        f"({first}{more}); start the job again with the same input to resume it; report: {uri}"
    )


def _too_many(report: Report, uri: str) -> str:
    failed, photos = report.counted_photos
    return (
        f"{failed} of {photos} photos failed "
        f"({report.failure_percentage:g} %), more than the "
        f"{report.tolerated_failure_percentage:g} % tolerated; report: {uri}"
    )
