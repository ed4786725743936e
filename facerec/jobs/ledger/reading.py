"""What the children of a job have left in its folder: summaries, and the rows of the ledger."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from heapq import merge
from pathlib import PurePosixPath

from facerec.jobs.child.prefetch import read_ahead
from facerec.jobs.ledger.layout import summaries_folder
from facerec.jobs.ledger.rows import LedgerRow
from facerec.jobs.ledger.segments import LedgerPart, read_part, read_parts
from facerec.jobs.ledger.tally import ChildSummary, Tally, read_summary
from facerec.jobs.manifest.slices import Position
from facerec.jobs.plan import Plan
from facerec.storage.objects.protocol import ObjectStore

READERS = 32
"""Objects that are read at once: each takes S3 tens of milliseconds to answer."""

READ_AHEAD = 128
"""Objects that are held in memory, some ten kilobytes each."""


def complete_children(plan: Plan, objects: ObjectStore) -> bytearray:
    """Return a byte for each child: 1 where it is complete."""
    complete = bytearray(plan.children)
    for found in objects.list(summaries_folder(plan.job_folder)):
        name = PurePosixPath(found.uri)
        # A file that a killed process left half written has another name.
        if name.suffix == ".json":
            complete[int(name.stem)] = 1
    return complete


def read_summaries(plan: Plan, objects: ObjectStore) -> Iterator[ChildSummary]:
    """Yield what each child has done, in order; of those that are not complete, so far."""
    complete = complete_children(plan, objects)

    def fetch(child: int) -> ChildSummary:
        summary = read_summary(objects, plan.job_folder, child) if complete[child] else None
        return summary or _so_far(plan, objects, child)

    children = range(plan.children)
    return read_ahead(
        children, fetch, lambda _: 1, threads=READERS, most_items=READ_AHEAD, most_weight=READ_AHEAD
    )


def first_lines(plan: Plan, lines: Sequence[int]) -> array[int]:
    """Return how many lines of the manifest come before each child's.

    Where children share a file, their lines are numbered alike, and all of them have its lines
    before. Of an inventory, the lines of its files are counted on.

    Args:
        plan: of the job.
        lines: for each child, the lines of its byte range or file; -1 where it is incomplete.

    Returns:
        For each child the lines before, -1 where that cannot be told yet.
    """
    before = array("q", [-1]) * plan.children
    total = plan.source.lines_before
    for first in range(0, plan.children, plan.stripes):
        file = range(first, first + plan.stripes)
        for child in file:
            before[child] = total
        longest = max(lines[child] for child in file)
        if longest < 0:
            break
        total += longest
    return before


def numbered(row: LedgerRow, before: Sequence[int]) -> LedgerRow:
    """Return a row with the number of its line in the manifest, 0 where that is not known."""
    first = before[row.child]
    return replace(row, line=row.line + first if first >= 0 else 0)


def iterate_rows(plan: Plan, objects: ObjectStore) -> Iterator[LedgerRow]:
    """Yield the ledger of a job in the order of the manifest, in bounded memory.

    Args:
        plan: of the job.
        objects: where its folder is.

    Yields:
        Rows whose ``line`` is that of the manifest, or 0 where children before are incomplete.
    """
    lines = array(
        "q", (child.lines if child.complete else -1 for child in read_summaries(plan, objects))
    )
    before = first_lines(plan, lines)
    for part_rows in _rows_in_order(plan, objects):
        for row in part_rows:
            yield numbered(row, before)


def _rows_in_order(plan: Plan, objects: ObjectStore) -> Iterator[Sequence[LedgerRow]]:
    if plan.stripes == 1:
        uris = (
            found.uri
            for found in objects.list(f"{plan.job_folder}ledger/")
            if found.uri.endswith(".jsonl")
        )
        for part in _parts(objects, uris):
            yield part.rows
        return
    for first in range(0, plan.children, plan.stripes):
        ledgers = (_rows(plan, objects, child) for child in range(first, first + plan.stripes))
        for row in merge(*ledgers, key=lambda row: row.line):
            yield [row]


def _parts(objects: ObjectStore, uris: Iterator[str]) -> Iterator[LedgerPart]:
    return read_ahead(
        uris,
        lambda uri: read_part(objects, uri),
        lambda part: len(part.rows),
        threads=READERS,
        most_items=READ_AHEAD,
        most_weight=READ_AHEAD * 32,
    )


def _rows(plan: Plan, objects: ObjectStore, child: int) -> Iterator[LedgerRow]:
    for part in read_parts(objects, plan.job_folder, child):
        yield from part.rows


def _so_far(plan: Plan, objects: ObjectStore, child: int) -> ChildSummary:
    tally, end = Tally(), Position(0, 0)
    for part in read_parts(objects, plan.job_folder, child):
        tally.add_rows(part.rows, (part.started, part.finished))
        end = part.end
    return ChildSummary(child, False, end.lines, tally)
