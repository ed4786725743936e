"""Reads the summaries and ledgers of a job's children."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from heapq import merge
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from facerec.core.limits import MAX_LEDGER_FILE_BYTES
from facerec.jobs.ledger.layout import summaries_folder
from facerec.jobs.ledger.segments import Segment, read_segment, read_segments
from facerec.jobs.ledger.tally import ChildSummary, Tally, read_summary
from facerec.jobs.manifest.cursor import Cursor
from facerec.jobs.outcomes import Outcome
from facerec.jobs.prefetch import read_ahead

if TYPE_CHECKING:
    from facerec.jobs.ledger.rows import LedgerRow
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore

READERS = 32
"""Number of objects to read concurrently: S3 takes tens of milliseconds for each."""

READ_AHEAD = 128
"""Maximum number of objects in memory, about ten kilobytes each."""

_ERASED = (Outcome.ERASED, Outcome.REMOVED)


def complete_children(plan: Plan, objects: ObjectStore) -> bytearray:
    """Return a byte for each child: 1 if it is complete, else 0."""
    complete = bytearray(plan.children)
    for found in objects.list(summaries_folder(plan.job_folder)):
        name = PurePosixPath(found.uri)
        # The name of a partial file of a killed process does not end in .json.
        if name.suffix == ".json":
            complete[int(name.stem)] = 1
    return complete


def read_summaries(plan: Plan, objects: ObjectStore) -> Iterator[ChildSummary]:
    """Yield the summary of each child in order; for an incomplete child, up to its ledger's end.

    Raises:
        InvalidInputError: A summary or a segment is damaged.
        ObjectNotFoundError: The job was deleted during the iteration.
    """
    complete = complete_children(plan, objects)

    def fetch(child: int) -> ChildSummary:
        summary = read_summary(objects, plan.job_folder, child) if complete[child] else None
        return summary or _incomplete_summary(plan, objects, child)

    children = range(plan.children)
    return read_ahead(
        children, fetch, lambda _: 1, threads=READERS, max_items=READ_AHEAD, max_weight=READ_AHEAD
    )


def first_lines(plan: Plan, lines: Sequence[int]) -> array[int]:
    """Return the number of manifest lines before the slice of each child.

    Children that share a file number its lines in the same way, so all of them get the number of
    lines in the files before it.

    Args:
        plan: The job's plan.
        lines: Number of lines in each child's byte range or file; -1 for incomplete children.

    Returns:
        The number of lines before each child; -1 if not known yet.
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
    """Return a row with its ``manifest_line``, which is None if it is not known yet."""
    first = before[row.child]
    return replace(row, manifest_line=row.line_in_slice + first if first >= 0 else None)


def iterate_rows(plan: Plan, objects: ObjectStore) -> Iterator[LedgerRow]:
    """Yield the rows of a job's ledger in the order of the manifest, in bounded memory.

    Yields:
        Rows with their ``manifest_line``, which is None if earlier children are incomplete.

    Raises:
        InvalidInputError: A segment is damaged.
        ObjectNotFoundError: The job was deleted during the iteration.
    """
    lines = array(
        "q", (child.lines if child.complete else -1 for child in read_summaries(plan, objects))
    )
    before = first_lines(plan, lines)
    for segment_rows in _rows_in_order(plan, objects):
        for row in segment_rows:
            yield numbered(row, before)


def _rows_in_order(plan: Plan, objects: ObjectStore) -> Iterator[Sequence[LedgerRow]]:
    if plan.stripes == 1:
        for segment in _segments(objects, _segment_uris(plan, objects)):
            yield segment.rows
        return
    for first in range(0, plan.children, plan.stripes):
        ledgers = (
            rows_of_child(plan, objects, child) for child in range(first, first + plan.stripes)
        )
        for row in merge(*ledgers, key=lambda row: row.line_in_slice):
            yield [row]


def _segment_uris(plan: Plan, objects: ObjectStore) -> Iterator[str]:
    return (
        found.uri
        for found in objects.list(f"{plan.job_folder}ledger/")
        if found.uri.endswith(".jsonl")
    )


def _segments(objects: ObjectStore, uris: Iterator[str]) -> Iterator[Segment]:
    return read_ahead(
        uris,
        lambda uri: read_segment(objects, uri),
        lambda segment: len(segment.rows),
        threads=READERS,
        max_items=READ_AHEAD,
        max_weight=READ_AHEAD * 32,
    )


def count_erased(plan: Plan, objects: ObjectStore) -> int:
    """Return the number of rows of a ledger whose contents have since been erased or removed.

    Summaries and reports count these rows by their original outcomes.

    Raises:
        InvalidInputError: A segment is damaged.
        ObjectNotFoundError: The job was deleted in the meantime.
    """

    def count(uri: str) -> int:
        # Few segments have such rows, and parsing all of them takes ten times as long.
        content = objects.read(uri, end=MAX_LEDGER_FILE_BYTES)
        if not any(f'"{outcome}"'.encode() in content for outcome in _ERASED):
            return 0
        return sum(row.outcome in _ERASED for row in read_segment(objects, uri).rows)

    counts = read_ahead(
        _segment_uris(plan, objects),
        count,
        lambda _: 1,
        threads=READERS,
        max_items=READ_AHEAD,
        max_weight=READ_AHEAD,
    )
    return sum(counts)


def rows_of_child(plan: Plan, objects: ObjectStore, child: int) -> Iterator[LedgerRow]:
    """Yield the rows of a child's ledger, without their ``manifest_line``.

    Raises:
        InvalidInputError: A segment is damaged.
        ObjectNotFoundError: The job was deleted during the iteration.
    """
    for segment in read_segments(objects, plan.job_folder, child):
        yield from segment.rows


def _incomplete_summary(plan: Plan, objects: ObjectStore, child: int) -> ChildSummary:
    tally, end = Tally(), Cursor(0, 0)
    for segment in read_segments(objects, plan.job_folder, child):
        tally.add(Tally.of(segment.rows, (segment.started, segment.finished)))
        end = segment.end
    return ChildSummary(child, False, end.lines, tally)
