"""Returns the report and the ledger rows of a job of any service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.jobs.erasing.existence import rows_while_it_exists, while_it_exists
from facerec.jobs.ledger.report import write_report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from facerec.jobs.ledger import failures, reading
    from facerec.jobs.ledger.report import Report
    from facerec.jobs.ledger.rows import LedgerRow
    from facerec.jobs.service import Job
    from facerec.storage.objects.protocol import ObjectStore
else:
    from facerec.core.deferred import DeferredModule

    failures = DeferredModule("facerec.jobs.ledger.failures")
    reading = DeferredModule("facerec.jobs.ledger.reading")


def report_of(job: Job, objects: ObjectStore) -> Report:
    """Return the report of a job; see ``JobService.report``."""
    plan = job.required_plan()
    if job.report is not None:
        return job.report
    tolerated = job.tolerated_failure_percentage
    with while_it_exists(plan, objects):
        report = write_report(plan, objects, tolerated_failure_percentage=tolerated)
    return job.with_status(report)


def rows_of(job: Job, objects: ObjectStore) -> Iterator[LedgerRow]:
    """Yield the ledger of a job; see ``JobService.rows``."""
    plan = job.required_plan()
    return rows_while_it_exists(plan, objects, reading.iterate_rows(plan, objects))


def erased_of(job: Job, objects: ObjectStore) -> int:
    """Return the number of photos of a job that have since been erased, replaced or removed.

    Raises:
        JobNotPlannedError: The job has no plan.
        InvalidInputError: A segment of the ledger is damaged.
        JobDeletedError: The job was deleted in the meantime.
    """
    plan = job.required_plan()
    with while_it_exists(plan, objects, writes=False):
        return reading.count_erased(plan, objects)


def failures_of(job: Job, objects: ObjectStore) -> Iterator[LedgerRow]:
    """Yield the failed rows of a job's ledger; see ``JobService.failures``."""
    plan = job.required_plan()
    return rows_while_it_exists(plan, objects, failures.iterate_failures(plan, objects, job.report))
