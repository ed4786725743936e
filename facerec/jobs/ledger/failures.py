"""Reads a job's failed rows, and skips the ledgers of children without failures."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from heapq import merge
from itertools import groupby
from typing import TYPE_CHECKING

from facerec.jobs.ledger.reading import (
    READ_AHEAD,
    READERS,
    first_lines,
    numbered,
    read_summaries,
    rows_of_child,
)
from facerec.jobs.prefetch import read_ahead

if TYPE_CHECKING:
    from facerec.jobs.ledger.report import Report
    from facerec.jobs.ledger.rows import LedgerRow
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore


def iterate_failures(
    plan: Plan, objects: ObjectStore, report: Report | None
) -> Iterator[LedgerRow]:
    """Yield the rows of a job's ledger that failed, in the order of the manifest.

    Ledgers of complete children whose summaries have no failures are not read. If the report has no
    failures, nothing is read.

    Args:
        plan: The job's plan.
        objects: Contains the job folder.
        report: The report of the job if it is current, else None.

    Yields:
        Rows with their ``manifest_line``, which is None if earlier children are incomplete.

    Raises:
        InvalidInputError: A summary or a segment is damaged.
        ObjectNotFoundError: The job was deleted during the iteration.
    """
    if report is not None and not (report.incomplete or report.tally.failed_photos):
        return
    lines, children = array("q"), list[int]()
    for summary in read_summaries(plan, objects):
        lines.append(summary.lines if summary.complete else -1)
        if summary.tally.failed_photos or not summary.complete:
            children.append(summary.child)
    before = first_lines(plan, lines)

    def fetch(child: int) -> list[LedgerRow]:
        return [row for row in rows_of_child(plan, objects, child) if row.failed]

    found = read_ahead(
        children, fetch, len, threads=READERS, max_items=READ_AHEAD, max_weight=READ_AHEAD * 32
    )
    ledgers = zip(children, found, strict=True)
    for _, file in groupby(ledgers, key=lambda ledger: ledger[0] // plan.stripes):
        # Children that share a file take its lines in turn.
        for row in merge(*(rows for _, rows in file), key=lambda row: row.line_in_slice):
            yield numbered(row, before)
