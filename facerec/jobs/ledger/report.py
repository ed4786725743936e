"""The report of a job: what became of its photos."""

from __future__ import annotations

import json
import time
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from facerec.errors import InvalidInputError
from facerec.jobs.ledger.layout import report_uri
from facerec.jobs.ledger.reading import first_lines, numbered, read_summaries
from facerec.jobs.ledger.rows import FAILURES
from facerec.jobs.ledger.tally import Tally, tally_from_json
from facerec.jobs.plan import Plan
from facerec.storage.objects.protocol import ObjectStore

MOST_INCOMPLETE = 100
"""Incomplete children that a report names."""


class JobStatus(StrEnum):
    """How a job stands."""

    SUCCEEDED = "SUCCEEDED"
    """Every line has a row, and no more photos failed than are tolerated."""
    FAILED = "FAILED"
    """Every line has a row, and more photos failed than are tolerated."""
    INCOMPLETE = "INCOMPLETE"
    """Children are not complete: run the job again, and it goes on where they left it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a job's photos.

    Attributes:
        job_id: of the job.
        collection_id: the collection that took the faces.
        status: how the job stands.
        children: how many there are.
        complete_children: how many of them are complete.
        incomplete: the numbers of the first of those that are not.
        failed_images: rows that are failures.
        failure_percentage: their share of all rows, 0 to 100.
        tolerated_failure_percentage: how high it may be.
        seconds: during which at least one child was at work.
        images_per_second: in that time.
        tally: what became of the photos that have a row; ``line`` in its failures is that of the
            manifest, or 0 where children before are incomplete.
        written_at: seconds since 1970, UTC.
    """

    job_id: str
    collection_id: str
    status: JobStatus
    children: int
    complete_children: int
    incomplete: tuple[int, ...]
    failed_images: int
    failure_percentage: float
    tolerated_failure_percentage: float
    seconds: float
    images_per_second: float
    tally: Tally
    written_at: float

    def to_json(self) -> dict[str, Any]:
        """Return the report as ``schemas/report.json`` has it."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "tally"}
        tally = {name: value for name, value in self.tally.to_json().items() if name != "spells"}
        return {**fields, "incomplete": list(self.incomplete), **tally}


def write_report(plan: Plan, objects: ObjectStore) -> Report:
    """Add up what the children have left, and keep it in the job's folder.

    Reads one small object for each complete child and the ledger of the others, many at once; in
    memory are 8 bytes for each child and the objects being read.

    Args:
        plan: of the job.
        objects: where its folder is.
    """
    tally = Tally()
    lines = array("q")
    incomplete: list[int] = []
    for child in read_summaries(plan, objects):
        lines.append(child.lines if child.complete else -1)
        tally.add(child.tally)
        if not child.complete:
            incomplete.append(child.child)
    before = first_lines(plan, lines)
    tally.failures = [numbered(row, before) for row in tally.failures]
    failed = sum(tally.outcomes[outcome] for outcome in FAILURES)
    percentage = 100 * failed / tally.images if tally.images else 0.0
    seconds = sum(end - start for start, end in tally.spells)
    report = Report(
        job_id=plan.job_id,
        collection_id=plan.collection_id,
        status=_status(plan, percentage, incomplete),
        children=plan.children,
        complete_children=plan.children - len(incomplete),
        incomplete=tuple(incomplete[:MOST_INCOMPLETE]),
        failed_images=failed,
        failure_percentage=round(percentage, 3),
        tolerated_failure_percentage=plan.tolerated_failure_percentage,
        seconds=round(seconds, 3),
        images_per_second=round(tally.images / seconds, 3) if seconds else 0.0,
        tally=tally,
        written_at=time.time(),
    )
    objects.write(report_uri(plan.job_folder), json.dumps(report.to_json(), indent=1).encode())
    return report


def read_report(objects: ObjectStore, job_folder: str) -> Report:
    """Read the report in a job's folder.

    Raises:
        ObjectNotFoundError: none was written yet.
        InvalidInputError: what is there is none.
    """
    uri = report_uri(job_folder)
    try:
        return _from_json(json.loads(objects.read(uri)))
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(f"{uri} is no report: {error}") from error


def _from_json(document: Mapping[str, Any]) -> Report:
    tally = tally_from_json({**document, "spells": []})
    fields = {name: document[name] for name in Report.__slots__ if name != "tally"}
    fields["status"] = JobStatus(document["status"])
    fields["incomplete"] = tuple(document["incomplete"])
    return Report(**fields, tally=tally)


def _status(plan: Plan, failure_percentage: float, incomplete: list[int]) -> JobStatus:
    if incomplete:
        return JobStatus.INCOMPLETE
    tolerated = failure_percentage <= plan.tolerated_failure_percentage
    return JobStatus.SUCCEEDED if tolerated else JobStatus.FAILED
