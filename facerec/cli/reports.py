"""Prints reports of jobs as text."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from facerec.cli.machine_or_stack import here
from facerec.cli.output import console, print_json, shortened, table
from facerec.core.counts import count

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from facerec.jobs.difference import Difference, Removal
    from facerec.jobs.ledger.enrolment_record import Enrolled
    from facerec.jobs.ledger.report import Report
    from facerec.jobs.ledger.rows import LedgerRow
    from facerec.jobs.ledger.tally import Tally
    from facerec.jobs.run_summary import RunSummary

MEANINGS = {
    "INDEXED": "faces added to the collection",
    "ALREADY_INDEXED": "indexed before",
    "NO_FACE": "no face found",
    "ALL_FACES_REJECTED": "faces found, all rejected",
    "SKIPPED": "not to be indexed",
    "UNREADABLE": "cannot be decoded",
    "NOT_FOUND": "does not exist",
    "ACCESS_DENIED": "may not be read",
    "ARCHIVED": "in an archive of S3",
    "KEY_DENIED": "encrypted with a KMS key that may not be used",
    "REQUESTER_PAYS": "in a requester-pays bucket",
    "OTHER_REGION": "in a bucket of another region",
    "READ_TIMED_OUT": "could not be read in time",
    "READ_FAILED": "could not be read",
    "MALFORMED_LINE": "the line is not valid",
    "ERASED": "has since been erased",
    "REMOVED": "has since been replaced, or is gone",
}

INDEXED = ("INDEXED", "ALREADY_INDEXED")
"""Outcomes of photos whose faces are in the collection."""


def print_report(report: Report) -> None:
    """Print a report."""
    out, tally = console(), report.tally
    out.print(f"Job {report.job_id}: {report.status.value.lower()}")
    if report.difference is not None:
        print_difference(report.difference)
    _print_outcomes(report)
    out.print(
        f"{count(tally.photos, 'photo')}, {count(tally.faces_indexed, 'face')} indexed"
        + (f", {tally.faces_present:,} indexed before" if tally.faces_present else "")
        + f", {report.seconds:.1f} s, {report.photos_per_second:.1f} photos/s"
    )
    if tally.faces_rejected:
        reasons = (f"{reason} {number:,}" for reason, number in tally.faces_rejected.most_common())
        out.print(f"faces rejected: {', '.join(reasons)}")
    if tally.faces_rejected_by_option:
        from facerec.cli.faces_shown import ADVICE

        options = (
            f"{ADVICE[option]} ({count(number, 'face')})"
            for option, number in tally.faces_rejected_by_option.most_common()
        )
        out.print(f"to keep them: {', '.join(options)}")
    if tally.photos_turned:
        out.print(f"{count(tally.photos_turned, 'photo')} searched after turning")
    if tally.photos_animated:
        files = count(tally.photos_animated, "animated file")
        out.print(f"{files}: searched the first frame of each")
    print_earlier_faces(tally)
    _print_copies(tally)
    print_removal(report.removal)
    if report.imported is not None:
        imported = report.imported
        out.print(
            f"{count(imported.records, 'face')} imported by Pinecone, of {imported.faces:,} in "
            f"{count(imported.files, 'file')}"
        )
    if report.enrolled is not None:
        _print_enrolled(report.enrolled)
    print_problems(report)


def print_nothing_new(
    report: Report, run: RunSummary, *, is_planned_before: bool, erased: int
) -> None:
    """Print that a run found nothing new, with the photos indexed before and their failures.

    Args:
        report: The report of the job, whose numbers are those of earlier runs.
        run: The summary of this run.
        is_planned_before: Whether an earlier run has planned the job, so that the comparison with
            the source is that of the earlier run too.
        erased: Number of photos of the job that have since been erased or replaced, or are gone.
            The report still counts them by their earlier outcomes.
    """
    out, outcomes = console(), report.tally.outcomes
    found = report.difference
    if found is not None and (found.unchanged or found.gone):
        if is_planned_before:
            verb = "is" if found.photos == 1 else "are"
            out.print(f"Nothing new: {count(found.photos, 'photo')} {verb} unchanged.")
            _print_kept_ids(found)
        else:
            out.print("Nothing new.")
            print_difference(found)
            print_removal(report.removal)
    elif erased or run.faces_deleted or run.faces_lost:
        out.print("Nothing new.")
    else:
        indexed = sum(outcomes[outcome] for outcome in INDEXED)
        photos, number = count(report.tally.photos, "photo"), report.tally.photos
        is_whole = indexed + outcomes["NO_FACE"] == number
        if is_whole and indexed < number:
            photos, number = f"{indexed:,} of {photos}", indexed
        verb = "is" if number == 1 else "are"
        out.print(f"Nothing new: {photos} {verb} {'already indexed' if is_whole else 'unchanged'}.")
    if erased:
        verb = "was" if erased == 1 else "were"
        out.print(f"{count(erased, 'photo')} {verb} erased or replaced since then, or removed")
    _print_outcomes(report, exclude=INDEXED)
    _print_copies(report.tally)
    print_problems(report)
    out.print(here(f"the report of the job: `facerec jobs report {report.job_id}`"))


def _print_outcomes(report: Report, exclude: Collection[str] = ()) -> None:
    outcomes = table("photos", "outcome", "", right=("photos",))
    for outcome, meaning in MEANINGS.items():
        if report.tally.outcomes[outcome] and outcome not in exclude:
            outcomes.add_row(f"{report.tally.outcomes[outcome]:,}", outcome, meaning)
    if outcomes.row_count:
        console().print(outcomes)


def print_problems(report: Report) -> None:
    """Print the incomplete children and the failed photos of a report."""
    out, tally = console(), report.tally
    if report.first_failures is not None:
        error = report.first_failures.error()
        out.print(f"{error.message}; {error.hint}")
    elif report.incomplete:
        missing = report.children - report.complete_children
        out.print(f"{count(missing, 'child', 'children')} of {report.children:,} incomplete")
    if report.failed_photos:
        out.print(
            f"{count(report.failed_photos, 'failure')} ({report.failure_percentage:.3g} %, "
            f"tolerated: {report.tolerated_failure_percentage:g} %)"
        )
        print_failures(tally.failures)
        print_failed_before(report.failed_before)
        if tally.failed_photos > len(tally.failures):
            out.print(here(f"all of them: `facerec jobs failures {report.job_id}`"))


def print_difference(difference: Difference, *, forced: bool = False) -> None:
    """Print how many photos of a source are new, unchanged, changed or gone, unless all are new.

    Also prints how many photos keep ids of a manifest, and whether faces stay because more photos
    are gone than may be pruned. If ``forced``, photos are read again though they are unchanged.
    """
    numbers = {
        "unchanged": difference.unchanged,
        "new": difference.new,
        "to be read again" if forced else "changed": difference.changed,
        "tried again": difference.retried,
        "gone": difference.gone,
    }
    if difference.new < difference.photos or difference.gone:
        named = ", ".join(f"{number:,} {what}" for what, number in numbers.items() if number)
        console().print(f"{count(difference.photos, 'photo')}: {named}")
    _print_kept_ids(difference)
    if difference.not_pruned:
        console().print("faces of photos that are gone stay: more are gone than may be pruned")


def _print_kept_ids(difference: Difference) -> None:
    if difference.kept_ids:
        keep = "photo keeps" if difference.kept_ids == 1 else "photos keep"
        console().print(
            f"{difference.kept_ids:,} {keep} the external image id of an earlier manifest"
        )


def print_removal(removal: Removal) -> None:
    """Print how many faces were removed: of moved, renamed, and replaced or missing photos."""
    if removal.moved:
        moved = count(removal.moved, "face")
        console().print(f"{moved} of moved photos: new face ids, the same people and corrections")
    if removal.renamed:
        renamed = count(removal.renamed, "face")
        console().print(
            f"{renamed} removed, of photos that had another external image id before: people and "
            "corrections went to the new faces"
        )
    if gone := removal.faces - removal.moved - removal.renamed:
        faces = count(gone, "face")
        console().print(f"{faces} removed, of photos that were replaced or are gone")


def _print_enrolled(enrolled: Enrolled) -> None:
    """Print how many people a job on AWS has created, and how many photos got no name."""
    out = console()
    out.print(
        f"{count(enrolled.people, 'person', 'people')}, {enrolled.created:,} of them new: "
        f"{count(enrolled.associated, 'face')} added, {enrolled.unchanged:,} unchanged"
    )
    if enrolled.corrected:
        out.print(f"{count(enrolled.corrected, 'photo')} had another name before")
    if enrolled.deleted:
        people = count(enrolled.deleted, "person", "people")
        out.print(f"{people} deleted: no photo has the name any more")
    if enrolled.registrations_lost:
        lost = count(enrolled.registrations_lost, "registration")
        out.print(f"{lost} lost with them: register these people again")
    if enrolled.unnamed:
        photos = count(enrolled.unnamed, "photo")
        out.print(here(f"{photos} got no name; `facerec people enrol` lists them"))


def print_earlier_faces(tally: Tally) -> None:
    """Print how many faces of earlier jobs were replaced, removed or kept, or stay deleted."""
    out = console()
    before = "indexed before with other options"
    if tally.faces_replaced:
        out.print(f"{count(tally.faces_replaced, 'face')} replaced: {before}")
    if tally.faces_removed:
        out.print(f"{count(tally.faces_removed, 'face')} removed: {before}")
    if tally.faces_kept:
        out.print(f"{count(tally.faces_kept, 'face')} of people kept: {before}")
    if tally.faces_deleted:
        deleted = count(tally.faces_deleted, "face")
        out.print(f"{deleted} not stored: deleted on purpose; --restore-deleted stores them")


def _print_copies(tally: Tally) -> None:
    """Print the number of copies; their faces keep the address of the first photo."""
    if tally.copies:
        copies = "is a copy" if tally.copies == 1 else "are copies"
        console().print(
            f"{count(tally.copies, 'photo')} {copies}: the faces keep the address of the photo "
            "with the same content that was indexed first"
        )


def print_failures(rows: Iterable[LedgerRow]) -> None:
    """Print failed rows, one line each."""
    out = console()
    for row in rows:
        where = f"line {row.manifest_line}: " if row.manifest_line else ""
        reason = f" ({row.reason})" if row.reason else ""
        out.print(
            f"  {where}{shortened(row.photo) or '-'}: {row.outcome}{reason}: {row.detail or ''}"
        )


def print_failed_before(failed: int) -> None:
    """Print how many unchanged photos of a source failed in earlier jobs, if there are any."""
    if failed:
        console().print(
            f"{count(failed, 'failure')} of earlier jobs: these photos have not changed and were "
            "not read; --retry-failures reads and lists them"
        )


def print_failed_rows(rows: Iterable[LedgerRow], *, failed_before: int, as_json: bool) -> None:
    """Print the rows of a ledger that failed, for a person or as JSON lines.

    Args:
        rows: The rows.
        failed_before: Number of photos without a row, which failed in earlier jobs.
        as_json: Print JSON lines, without that number.
    """
    if as_json:
        for row in rows:
            print_json(row.to_json(), indent=None)
        return
    failed = iter(rows)
    first = next(failed, None)
    if first is not None:
        print_failures(chain([first], failed))
    elif not failed_before:
        console().print("no failures")
    print_failed_before(failed_before)
