"""The ledger rows of a job of any service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.jobs.erasing.existence import rows_while_it_exists
from facerec.jobs.ledger.failures import iterate_failures
from facerec.jobs.ledger.reading import iterate_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from facerec.jobs.ledger.rows import LedgerRow
    from facerec.jobs.service import Job
    from facerec.storage.objects.protocol import ObjectStore


def rows_of(job: Job, objects: ObjectStore) -> Iterator[LedgerRow]:
    """Yield the ledger of a job; see ``JobService.rows``."""
    plan = job.required_plan()
    return rows_while_it_exists(plan, objects, iterate_rows(plan, objects))


def failures_of(job: Job, objects: ObjectStore) -> Iterator[LedgerRow]:
    """Yield the rows of a job that failed; see ``JobService.failures``."""
    plan = job.required_plan()
    return rows_while_it_exists(plan, objects, iterate_failures(plan, objects, job.report))
