"""The report of a job: the outcomes of its photos."""

from __future__ import annotations

import json
import time
from array import array
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from facerec.core.limits import MAX_JSON_BYTES
from facerec.core.stored_json import stored_json
from facerec.errors import InvalidInputError, JobFileError, ObjectNotFoundError
from facerec.jobs.difference import Difference, Removal
from facerec.jobs.documents import to_record
from facerec.jobs.ledger.enrolment_record import Enrolled, read_enrolled
from facerec.jobs.ledger.import_record import Imported, read_imported
from facerec.jobs.ledger.layout import report_uri
from facerec.jobs.ledger.removal_record import read_removal
from facerec.jobs.ledger.tally import MAX_FAILURES, Tally, tally_from_json
from facerec.jobs.outcomes import Outcome
from facerec.jobs.status import JobStatus

if TYPE_CHECKING:
    from facerec.jobs.ledger import first_failures as first
    from facerec.jobs.ledger.first_failures import FirstFailures
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore
else:
    from facerec.core.deferred import DeferredModule

    first = DeferredModule("facerec.jobs.ledger.first_failures")

MAX_INCOMPLETE = 100
"""Maximum number of incomplete children to list in a report."""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcomes of a job's photos.

    Attributes:
        job_id: Id of the job's plan.
        collection_id: The collection that received the faces.
        status: SUCCEEDED, FAILED or INCOMPLETE by the ledger alone; a ``Job`` sets its own status.
        children: Number of children.
        complete_children: Number of complete children.
        incomplete: Numbers of the first ``MAX_INCOMPLETE`` incomplete children.
        failed_photos: Number of failed rows, and of unchanged photos that failed in earlier jobs.
        failure_percentage: Share of failed photos, 0 to 100 (``failure_percentage_of``).
        tolerated_failure_percentage: Maximum ``failure_percentage`` at which the job succeeds.
        seconds: Time during which at least one child was running.
        photos_per_second: Photos processed per second of that time.
        tally: Totals over all rows; the rows of ``tally.failures`` have their ``manifest_line``.
        written_at: Seconds since 1970, UTC.
        difference: Comparison of the source's photos with the remembered ones; None if they were
            not compared.
        removal: Counts of the faces that were removed because photos were replaced or renamed, or
            are gone.
        first_failures: Failure of the first photos, if it ended the job; otherwise None.
        enrolled: Counts of the people whom a job on AWS has created from the names of its photos;
            None if it has created nobody.
        imported: Counts of the faces that Pinecone has imported; None if it has imported none.
    """

    job_id: str
    collection_id: str
    status: JobStatus
    children: int
    complete_children: int
    incomplete: tuple[int, ...]
    failed_photos: int
    failure_percentage: float
    tolerated_failure_percentage: float
    seconds: float
    photos_per_second: float
    tally: Tally
    written_at: float
    difference: Difference | None = None
    removal: Removal = field(default_factory=Removal)
    first_failures: FirstFailures | None = None
    enrolled: Enrolled | None = None
    imported: Imported | None = None

    @property
    def is_failed(self) -> bool:
        """Whether the first photos ended the job, or it is complete and too many photos failed."""
        return self.first_failures is not None or (
            self.complete_children == self.children
            and self.failure_percentage > self.tolerated_failure_percentage
        )

    @property
    def counted_photos(self) -> tuple[int, int]:
        """Numbers of failed and of all photos whose ratio is ``failure_percentage``."""
        return _counted_photos(self.tally, self.difference)

    @property
    def failed_before(self) -> int:
        """Number of unchanged photos that failed in earlier jobs."""
        return _failed_before(self.difference)

    def to_json(self) -> dict[str, Any]:
        """Return the report in the form of ``schemas/report.json``."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "tally"}
        tally = {
            name: value for name, value in self.tally.to_json().items() if name != "busy_intervals"
        }
        return {
            **fields,
            "incomplete": list(self.incomplete),
            "difference": None if self.difference is None else asdict(self.difference),
            "removal": asdict(self.removal),
            "first_failures": None if self.first_failures is None else asdict(self.first_failures),
            "enrolled": None if self.enrolled is None else asdict(self.enrolled),
            "imported": None if self.imported is None else asdict(self.imported),
            **tally,
        }


def write_report(
    plan: Plan,
    objects: ObjectStore,
    *,
    tolerated_failure_percentage: float,
    incomplete_uri: str | None = None,
    is_import_pending: bool = False,
) -> Report:
    """Compute a job's report from the summaries and ledgers of its children; store and return it.

    Reads one small object per complete child and the ledgers of the others, many concurrently.
    Needs 16 bytes of memory per child, plus the objects being read. On AWS, the summary of the run
    is stored too. If the job is complete and facerec wrote its manifest, the lines of erased photos
    are blanked.

    Args:
        plan: The job's plan.
        objects: Contains the job folder.
        tolerated_failure_percentage: 0 to 100, the share of photos that may fail.
        incomplete_uri: Address at which to store the numbers of all incomplete children, if any;
            None does not store them.
        is_import_pending: Whether the faces are still to be stored by an import.

    Raises:
        ObjectNotFoundError: The job was deleted.
        InvalidInputError: A segment, or another file that the report is computed from, is damaged.
        StoreUnavailableError: Other processes keep changing the manifest.
    """
    # Imported late: commands that only read reports start faster without the ledger.
    from facerec.jobs.ledger.child_runs import write_run_summary
    from facerec.jobs.ledger.erased_lines import blank_erased_lines
    from facerec.jobs.ledger.incomplete import write_numbers
    from facerec.jobs.ledger.reading import first_lines, numbered, read_summaries

    tally = Tally()
    lines, rows = array("q"), array("q")
    incomplete: list[int] = []
    with_erased: list[int] = []
    for child in read_summaries(plan, objects):
        lines.append(child.lines if child.complete else -1)
        rows.append(child.tally.photos)
        tally.add(child.tally)
        if not child.complete:
            incomplete.append(child.child)
        if child.tally.outcomes[Outcome.ERASED]:
            with_erased.append(child.child)
    first_failures = first.read_first_failures(objects, plan.job_folder) if incomplete else None
    before = first_lines(plan, lines)
    tally.failures = [numbered(row, before) for row in tally.failures]
    percentage = failure_percentage_of(tally, plan.difference)
    seconds = tally.seconds
    report = Report(
        job_id=plan.job_id,
        collection_id=plan.collection_id,
        status=(
            JobStatus.FAILED
            if first_failures
            else _status(
                percentage, tolerated_failure_percentage, bool(incomplete) or is_import_pending
            )
        ),
        children=plan.children,
        complete_children=plan.children - len(incomplete),
        incomplete=tuple(incomplete[:MAX_INCOMPLETE]),
        failed_photos=tally.failed_photos + _failed_before(plan.difference),
        failure_percentage=percentage,
        tolerated_failure_percentage=tolerated_failure_percentage,
        seconds=round(seconds, 3),
        photos_per_second=round(tally.photos / seconds, 3) if seconds else 0.0,
        tally=tally,
        written_at=time.time(),
        difference=plan.difference,
        removal=read_removal(objects, plan.job_folder) or Removal(),
        first_failures=first_failures,
        enrolled=read_enrolled(objects, plan.job_folder),
        imported=read_imported(objects, plan.job_folder) if plan.bulk_import else None,
    )
    if incomplete and incomplete_uri is not None:
        write_numbers(objects, incomplete_uri, incomplete)
    if with_erased and not incomplete:
        blank_erased_lines(plan, objects, with_erased, before)
    if not plan.local:
        write_run_summary(objects, plan.job_folder, rows)
    content = json.dumps(report.to_json(), indent=1).encode()
    objects.write(report_uri(plan.job_folder), content)
    return report


def failure_percentage_of(tally: Tally, difference: Difference | None) -> float:
    """Return the share of the photos of a job that failed, 0 to 100.

    It is the share of all photos of the source, including unchanged ones, some of which failed in
    earlier jobs: one corrupt photo among the few new ones of a large folder does not make its job
    fail. If more than ``MAX_FAILURES`` of the processed photos failed, so that the report does not
    name all of them, their share counts if it is greater.
    """
    failed, photos = _counted_photos(tally, difference)
    # More digits are noise; fewer would hide one failure in a million.
    return round(100 * failed / photos, 9) if photos else 0.0


def _counted_photos(tally: Tally, difference: Difference | None) -> tuple[int, int]:
    processed = tally.failed_photos, tally.photos
    if difference is None:
        return processed
    photos = max(tally.photos, difference.photos)
    whole = tally.failed_photos + difference.failed, photos
    if tally.failed_photos <= MAX_FAILURES:
        return whole
    return max(whole, processed, key=lambda counts: counts[0] / counts[1])


def _failed_before(difference: Difference | None) -> int:
    return 0 if difference is None else difference.failed


def read_report(objects: ObjectStore, job_folder: str) -> Report:
    """Read the report in a job folder.

    Raises:
        ObjectNotFoundError: No report was written yet.
        JobFileError: The object is not a valid report.
    """
    uri = report_uri(job_folder)
    try:
        return _from_json(stored_json(objects.read(uri, end=MAX_JSON_BYTES), uri))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JobFileError(uri, "is not a valid report") from error


def read_complete_report(plan: Plan, objects: ObjectStore) -> Report | None:
    """Return the report of a job, if it shows that all children are complete; otherwise None."""
    try:
        report = read_report(objects, plan.job_folder)
    except (ObjectNotFoundError, InvalidInputError):
        return None
    return None if report.incomplete else report


def _from_json(document: Mapping[str, Any]) -> Report:
    tally = tally_from_json({**document, "busy_intervals": []})
    new = ("tally", "difference", "removal", "first_failures", "enrolled", "imported")
    fields = {name: document[name] for name in Report.__slots__ if name not in new}
    difference = document.get("difference")
    fields["difference"] = None if difference is None else to_record(Difference, difference)
    fields["removal"] = to_record(Removal, document.get("removal", {}))
    failures = document.get("first_failures")
    fields["first_failures"] = (
        None if failures is None else first.first_failures_from_json(failures)
    )
    enrolled = document.get("enrolled")
    fields["enrolled"] = None if enrolled is None else to_record(Enrolled, enrolled)
    imported = document.get("imported")
    fields["imported"] = None if imported is None else to_record(Imported, imported)
    fields["status"] = JobStatus(document["status"])
    fields["incomplete"] = tuple(document["incomplete"])
    return Report(**fields, tally=tally)


def _status(percentage: float, tolerated: float, is_incomplete: bool) -> JobStatus:
    if is_incomplete:
        return JobStatus.INCOMPLETE
    return JobStatus.SUCCEEDED if percentage <= tolerated else JobStatus.FAILED
