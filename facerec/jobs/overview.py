"""Which jobs there are, and how far they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.ledger.report import Report, read_report
from facerec.jobs.plan import Plan, read_plan
from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class JobOverview:
    """A job, and its report if one was written."""

    plan: Plan
    report: Report | None


def list_jobs(objects: ObjectStore, jobs_root: str) -> Iterator[JobOverview]:
    """Yield the jobs under a folder, in the order of their ids; other folders are passed over.

    Args:
        objects: where the jobs are.
        jobs_root: what their folders are under; ends in ``/``.
    """
    for folder in objects.folders(jobs_root):
        try:
            plan = read_plan(objects, folder)
        except (ObjectNotFoundError, InvalidInputError):
            continue
        try:
            yield JobOverview(plan, read_report(objects, folder))
        except (ObjectNotFoundError, InvalidInputError):
            yield JobOverview(plan, None)
