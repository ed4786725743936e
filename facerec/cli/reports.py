"""Reports of jobs for a person to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.cli.output import console, count, shortened, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facerec.jobs.ledger.report import Report
    from facerec.jobs.ledger.rows import LedgerRow

MEANINGS = {
    "INDEXED": "faces added to the collection",
    "ALREADY_INDEXED": "indexed before, nothing done",
    "NO_FACE": "no face found",
    "ALL_FACES_REJECTED": "faces found, all left out",
    "SKIPPED": "not to be indexed",
    "UNREADABLE": "cannot be decoded",
    "NOT_FOUND": "does not exist",
    "ACCESS_DENIED": "may not be read",
    "MALFORMED_LINE": "the line names no photo",
}


def print_report(report: Report, *, already_indexed: bool = False) -> None:
    """Print a report.

    Args:
        report: of a job.
        already_indexed: the run found all of it done.
    """
    out = console()
    tally = report.tally
    if already_indexed:
        out.print(f"Everything is already indexed in collection {report.collection_id}.")
    out.print(f"Job {report.job_id}: {report.status.value.lower()}")
    outcomes = table("photos", "outcome", "", right=("photos",))
    for outcome, meaning in MEANINGS.items():
        if tally.outcomes[outcome]:
            outcomes.add_row(f"{tally.outcomes[outcome]:,}", outcome, meaning)
    out.print(outcomes)
    out.print(
        f"{count(tally.images, 'photo')}, {count(tally.faces_indexed, 'face')} indexed"
        + (f", {tally.faces_present:,} indexed before" if tally.faces_present else "")
        + f", {report.seconds:.1f} s, {report.images_per_second:.1f} photos/s"
    )
    if tally.faces_left_out:
        reasons = (f"{reason} {number:,}" for reason, number in tally.faces_left_out.most_common())
        out.print(f"faces left out: {', '.join(reasons)}")
    if report.incomplete:
        missing = report.children - report.complete_children
        out.print(f"{count(missing, 'child', 'children')} of {report.children:,} incomplete")
    if report.failed_images:
        out.print(
            f"{count(report.failed_images, 'failure')} ({report.failure_percentage:.1f} %, "
            f"tolerated: {report.tolerated_failure_percentage:g} %)"
        )
        print_failures(tally.failures)
        if report.failed_images > len(tally.failures):
            out.print(f"all of them: facerec jobs report {report.job_id} --failures")


def print_failures(rows: Iterable[LedgerRow]) -> None:
    """Print what failed, a line each."""
    out = console()
    for row in rows:
        where = f"line {row.line}: " if row.line else ""
        reason = f" ({row.reason})" if row.reason else ""
        out.print(
            f"  {where}{shortened(row.image) or '-'}: {row.outcome}{reason}: {row.detail or ''}"
        )
