"""Orders the jobs of a collection: for each photo, the job that was started last decides.

A complete job can be started again, after others with other options. So the order of plans does not
matter. Each start of a job takes the next number of its collection (``Memory.record_start``), which
is stored in the job folder with its time. All code that compares, restores or replaces faces
follows this order. Numbers come from a listing of the notes, so that no clock can change the order.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.documents import read_document, to_record
from facerec.jobs.ledger.layout import started_uri
from facerec.jobs.ledger.report import read_report

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True, order=True)
class RunStart:
    """The last start of a job.

    Attributes:
        number: Position among the starts of a collection's jobs, from 1; 0 if the job was last
            started by a release that did not number them.
        at: Time of the start, seconds since 1970, UTC.
    """

    number: int
    at: float


@dataclass(frozen=True, slots=True)
class StartedJob:
    """A job and its last start."""

    plan: Plan
    start: RunStart


def write_start(objects: ObjectStore, job_folder: str, start: RunStart) -> None:
    """Write the last start of a job to its folder."""
    objects.write(started_uri(job_folder), json.dumps(asdict(start)).encode())


def read_start(objects: ObjectStore, plan: Plan) -> RunStart:
    """Return the last start of a job.

    For a job of a release that did not record its start, the number is 0, and the time is taken
    from the report, or else from the plan.

    Raises:
        JobFolderError: The record is damaged, so that the order is not known.
    """
    uri = started_uri(plan.job_folder)
    with suppress(ObjectNotFoundError):
        return read_document(objects, uri, lambda found: to_record(RunStart, found))
    try:
        # Each run rewrites the report.
        return RunStart(0, read_report(objects, plan.job_folder).written_at)
    except (ObjectNotFoundError, InvalidInputError):
        return RunStart(0, plan.created_at)


def started_job(plan: Plan, objects: ObjectStore) -> StartedJob:
    """Return a job with its last start.

    Raises:
        JobFolderError: See ``read_start``.
    """
    return StartedJob(plan, read_start(objects, plan))


def last_started_first(plans: Iterable[Plan], objects: ObjectStore) -> list[StartedJob]:
    """Return the jobs of a collection, most recently started first.

    Raises:
        JobFolderError: See ``read_start``.
    """
    jobs = [started_job(plan, objects) for plan in plans]
    return sorted(jobs, key=lambda job: (job.start, job.plan.created_at), reverse=True)
