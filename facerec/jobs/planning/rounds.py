"""Decides whether a job gets a new round or resumes its last one.

Unless it is forced, a new round of a job processes only photos that are not indexed. The others are
only read, and photos of a folder that have not changed are not even read. A complete job gets a new
round only for a reason. An incomplete job is resumed only if its plan does exactly what the request
asks for now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.errors import (
    AccessDeniedError,
    ObjectNotFoundError,
    ReadFailedError,
    ReadTimedOutError,
)
from facerec.jobs.ledger.first_failures import read_first_failures
from facerec.jobs.ledger.reading import read_summaries
from facerec.jobs.ledger.removal_record import is_listed_stale
from facerec.jobs.ledger.report import read_complete_report
from facerec.jobs.outcomes import NOT_READ, Outcome
from facerec.jobs.remembered.doubts import doubt_about

if TYPE_CHECKING:
    from facerec.core.records import Collection
    from facerec.jobs.difference import Difference
    from facerec.jobs.ledger.rows import LedgerRow
    from facerec.jobs.plan import Plan
    from facerec.jobs.planning.changes import Changes
    from facerec.jobs.planning.request import JobRequest
    from facerec.jobs.remembered.memory import Memory
    from facerec.storage.objects.protocol import ObjectStore


def needs_new_round(
    request: JobRequest,
    plan: Plan,
    changes: Changes,
    memory: Memory,
    collection: Collection,
    objects: ObjectStore,
    jobs_root: str,
) -> bool:
    """Return whether to process a job again rather than resume it.

    Args:
        request: The request.
        plan: The plan of the job's last round.
        changes: What the request would process now.
        memory: The remembered photos of the collection.
        collection: The collection.
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.

    Raises:
        InvalidInputError: A file in the job folder is damaged.
        ObjectNotFoundError: The job was deleted in the meantime.
    """
    if _must_compare_again(request, plan, changes, collection, objects, jobs_root):
        return True
    if read_first_failures(objects, plan.job_folder) is not None:
        # The cause of the first photos' failures may have been corrected; without a new round,
        # their rows would stay.
        return True
    if changes.difference is None:
        return _is_repeated(request, plan, objects)
    if not is_complete(plan, objects):
        return not _is_resumable(
            request, plan, changes.difference, objects, is_last=memory.is_last(plan.job_id)
        )
    if plan.prune and not request.prune and is_listed_stale(objects, plan.job_folder):
        # The job's removal failed; a run without --prune must not repeat it.
        return True
    again = request.force or request.restore_deleted
    if again or changes.difference.to_process or changes.to_prune:
        return True
    report = read_complete_report(plan, objects)
    if report is not None and changes.difference.failed < report.failed_photos:
        # Another job has read photos that failed in this one: its report is outdated.
        return True
    return any(photo.is_renamed for photo in changes.stale_photos())


def is_complete(plan: Plan, objects: ObjectStore) -> bool:
    """Return whether a job's report shows that all children are complete."""
    return read_complete_report(plan, objects) is not None


def _must_compare_again(
    request: JobRequest,
    plan: Plan,
    changes: Changes,
    collection: Collection,
    objects: ObjectStore,
    jobs_root: str,
) -> bool:
    """Return whether a complete job must prune again because of a doubt about remembered photos.

    An incomplete job compares the stored faces at its end anyway.
    """
    return (
        request.prune
        and changes.base is not None
        and doubt_about(objects, jobs_root, collection, changes.base) is not None
        and is_complete(plan, objects)
    )


def _is_repeated(request: JobRequest, plan: Plan, objects: ObjectStore) -> bool:
    """Return whether a job whose photos were not compared is processed again, not resumed.

    A complete job is processed again if the request forces this or restores deleted faces, or if it
    retries failed photos and there are any. It is also processed again if a failure in the report
    may be resolved: a missing photo exists, a photo that was denied or archived can be read, or an
    unreadable photo has another size. An incomplete job is resumed unless the request and its plan
    differ in what to force, restore or prune.
    """
    report = read_complete_report(plan, objects)
    if report is None:
        return not _has_same_purpose(request, plan)
    if (
        request.force
        or request.restore_deleted
        or (request.retry_failures and report.failed_photos)
    ):
        return True
    return any(_may_have_changed(row, objects) for row in report.tally.failures)


def _is_resumable(
    request: JobRequest, plan: Plan, now: Difference, objects: ObjectStore, *, is_last: bool
) -> bool:
    """Return whether resuming an incomplete job does exactly what a request asks for.

    The source is the same, but the memory of its photos may have changed: another job may have read
    some of them with other options or in another version. Then the plan does not contain all photos
    to process.

    Args:
        request: The request.
        plan: The plan of the job.
        now: Comparison of the source's photos with the remembered ones, including those that the
            job has processed.
        objects: Contains the job folder.
        is_last: Whether no other job of the collection was started later.

    Raises:
        InvalidInputError: A summary or a segment is damaged.
        ObjectNotFoundError: The job was deleted in the meantime.
    """
    planned = plan.difference
    if not _has_same_purpose(request, plan):
        return False
    if planned is None:
        # The job processes all photos in the manifest; none of them was remembered.
        return not (now.changed or now.retried)
    if not is_last:
        return False
    if plan.force:
        # The job processes every photo, so the remembered photos do not show its progress.
        return True
    done = sum(child.tally.photos for child in read_summaries(plan, objects))
    return (now.to_process, now.gone) == (planned.to_process - done, planned.gone)


def _has_same_purpose(request: JobRequest, plan: Plan) -> bool:
    """Return whether a plan and a request agree on what to force, restore and prune."""
    force = request.force or request.restore_deleted
    wanted = (force, request.restore_deleted, request.prune)
    return wanted == (plan.force, plan.restore_deleted, plan.prune)


def _may_have_changed(row: LedgerRow, objects: ObjectStore) -> bool:
    try:
        match row.outcome:
            case Outcome.NOT_FOUND:
                objects.head(row.photo)
                return True
            case outcome if outcome in NOT_READ:
                objects.read(row.photo, end=1)
                return True
            case Outcome.UNREADABLE:
                # The size of the photos with these two outcomes is unknown; --retry-failures
                # retries them.
                known = row.reason not in ("TOO_LARGE", "CRASHED")
                return known and objects.head(row.photo).size != row.bytes
    except (ObjectNotFoundError, AccessDeniedError, ReadFailedError, ReadTimedOutError):
        pass
    return False
