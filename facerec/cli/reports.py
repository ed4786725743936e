"""Prints reports of jobs for a person to read."""

from __future__ import annotations

from collections.abc import Iterable

from facerec.cli.faces_shown import remedies
from facerec.cli.output import console, count, shortened, table
from facerec.jobs.ledger.report import Report
from facerec.jobs.ledger.rows import LedgerRow
from facerec.jobs.ledger.tally import Tally
from facerec.jobs.verification import Verification

MEANINGS = {
    "INDEXED": "faces added to the collection",
    "ALREADY_INDEXED": "indexed before",
    "NO_FACE": "no face found",
    "ALL_FACES_REJECTED": "faces found, all rejected",
    "SKIPPED": "not to be indexed",
    "UNREADABLE": "cannot be decoded",
    "NOT_FOUND": "does not exist",
    "ACCESS_DENIED": "may not be read",
    "MALFORMED_LINE": "the line names no photo",
    "ERASED": "erased since",
}

INDEXED = {"INDEXED", "ALREADY_INDEXED", "NO_FACE", "ERASED"}
"""Outcomes of photos that are in the collection, as far as they show a face."""


def print_report(
    report: Report, *, nothing_new: bool = False, verification: Verification | None = None
) -> None:
    """Print a report.

    Args:
        report: the report.
        nothing_new: whether the run had nothing left to do.
        verification: what the run found in the collection of what earlier runs had stored.
    """
    out = console()
    tally = report.tally
    if verification is not None:
        print_verification(verification)
    if nothing_new:
        done = set(tally.outcomes) <= INDEXED and not (verification and verification.deleted)
        whole = "Everything is already indexed in" if done else "Nothing is left to do for"
        out.print(f"{whole} collection {report.collection_id}.")
    out.print(f"Job {report.job_id}: {report.status.value.lower()}")
    outcomes = table("photos", "outcome", "", right=("photos",))
    for outcome, meaning in MEANINGS.items():
        if tally.outcomes[outcome]:
            outcomes.add_row(f"{tally.outcomes[outcome]:,}", outcome, meaning)
    out.print(outcomes)
    out.print(
        f"{count(tally.photos, 'photo')}, {count(tally.faces_indexed, 'face')} indexed"
        + (f", {tally.faces_present:,} indexed before" if tally.faces_present else "")
        + f", {report.seconds:.1f} s, {report.photos_per_second:.1f} photos/s"
    )
    if tally.faces_rejected:
        reasons = (f"{reason} {number:,}" for reason, number in tally.faces_rejected.most_common())
        out.print(f"faces rejected: {', '.join(reasons)}")
        out.print(f"to keep them: {remedies(tally.faces_rejected)}")
    print_earlier_faces(tally)
    if report.incomplete:
        missing = report.children - report.complete_children
        out.print(f"{count(missing, 'child', 'children')} of {report.children:,} incomplete")
    if report.failed_photos:
        out.print(
            f"{count(report.failed_photos, 'failure')} ({report.failure_percentage:.1f} %, "
            f"tolerated: {report.tolerated_failure_percentage:g} %)"
        )
        print_failures(tally.failures)
        if report.failed_photos > len(tally.failures):
            out.print(f"all of them: facerec jobs failures {report.job_id}")


def print_earlier_faces(tally: Tally) -> None:
    """Print what became of faces that were indexed before with other options."""
    out = console()
    before = "indexed before with other options"
    if tally.faces_replaced:
        out.print(f"{count(tally.faces_replaced, 'face')} replaced: {before}")
    if tally.faces_removed:
        out.print(f"{count(tally.faces_removed, 'face')} removed: {before}")
    if tally.faces_kept:
        out.print(f"{count(tally.faces_kept, 'face')} kept: {before}, and belong to users")


def print_verification(verification: Verification, *, repaired: bool = True) -> None:
    """Print how a collection differed from a ledger; nothing if it did not.

    Args:
        verification: the differences.
        repaired: whether they have been repaired.
    """
    out = console()
    if verification.missing:
        what = "restored" if repaired else "missing"
        missing = count(verification.missing, "face")
        out.print(f"{missing} {what}: the collection had lost them")
    if verification.extra:
        what = "removed" if repaired else "to be removed"
        extra = count(verification.extra, "face")
        out.print(f"{extra} {what}: indexed since then with other options")
    if verification.kept:
        kept = count(verification.kept, "face")
        out.print(f"{kept} kept: indexed since then with other options, and belong to users")
    if verification.deleted:
        deleted = count(verification.deleted, "face")
        out.print(f"{deleted} deleted on purpose since then; --force indexes the photos again")


def print_failures(rows: Iterable[LedgerRow]) -> None:
    """Print failed rows, one line each."""
    out = console()
    for row in rows:
        where = f"line {row.manifest_line}: " if row.manifest_line else ""
        reason = f" ({row.reason})" if row.reason else ""
        out.print(
            f"  {where}{shortened(row.photo) or '-'}: {row.outcome}{reason}: {row.detail or ''}"
        )
