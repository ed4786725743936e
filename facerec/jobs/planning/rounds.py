"""Decides whether a complete job is processed again.

A new round of a job processes only photos that are not indexed, so it costs little more than
reading the others. A complete job gets a new round only for a reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.errors import AccessDeniedError, InvalidInputError, ObjectNotFoundError
from facerec.jobs.ledger.report import Report, read_report
from facerec.jobs.outcomes import NOT_READ, Outcome

if TYPE_CHECKING:
    from facerec.jobs.ledger.rows import LedgerRow
    from facerec.jobs.plan import Plan
    from facerec.jobs.planning.request import JobRequest
    from facerec.storage.objects.protocol import ObjectStore


def needs_new_round(request: JobRequest, plan: Plan, objects: ObjectStore) -> bool:
    """Return whether a job is processed again rather than resumed.

    This applies to a complete job if the request forces it or restores deleted faces, if it retries
    failed photos and there are any, or if one of the failures in the report may be resolved: a
    missing photo exists, one that was denied or archived can be read, or an unreadable one has
    another size.
    """
    report = _complete_report(plan, objects)
    if report is None:
        return False
    if (
        request.force
        or request.restore_deleted
        or (request.retry_failures and report.failed_photos)
    ):
        return True
    return any(_may_have_changed(row, objects) for row in report.tally.failures)


def is_complete(plan: Plan, objects: ObjectStore) -> bool:
    """Return whether a job's report shows that all children are complete."""
    return _complete_report(plan, objects) is not None


def _complete_report(plan: Plan, objects: ObjectStore) -> Report | None:
    try:
        report = read_report(objects, plan.job_folder)
    except (ObjectNotFoundError, InvalidInputError):
        return None
    return None if report.incomplete else report


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
                # The size of these two is unknown; use --retry-failures for them.
                known = row.reason not in ("TOO_LARGE", "CRASHED")
                return known and objects.head(row.photo).size != row.bytes
    except (ObjectNotFoundError, AccessDeniedError):
        pass
    return False
