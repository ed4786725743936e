"""Totals over ledger rows, and the summary that a complete child writes."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Self

from facerec.jobs.documents import read_if_exists
from facerec.jobs.ledger.layout import summary_uri
from facerec.jobs.ledger.rows import LedgerRow, row_from_json
from facerec.jobs.outcomes import FAILURES, Outcome

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore

MAX_FAILURES = 20
"""Maximum number of failed rows in a summary and a report; the ledger contains all of them."""

MAX_SPELL_GAP = 1.0
"""Maximum number of seconds between two steps that count as one busy interval."""

Interval = tuple[float, float]


def add_interval(union: list[Interval], interval: Interval) -> None:
    """Add an interval to sorted intervals; those closer than ``MAX_SPELL_GAP`` become one.

    The position is found by bisection: merging all intervals for each child of a job would take
    time proportional to the square of the number of children.
    """
    start, end = interval
    first = bisect_left(union, start - MAX_SPELL_GAP, key=itemgetter(1))
    last = bisect_right(union, end + MAX_SPELL_GAP, key=itemgetter(0))
    if first < last:
        start, end = min(start, union[first][0]), max(end, union[last - 1][1])
    union[first:last] = [(start, end)]


@dataclass(slots=True)
class Tally:
    """Totals over ledger rows.

    Attributes:
        photos: Number of rows, that is, of manifest lines that are not blank.
        outcomes: Number of rows by ``Outcome``.
        reasons: Number of rows by the reason of UNREADABLE.
        faces_indexed: Number of faces that were added to the collection. A photo that two children
            process concurrently is counted by both.
        faces_present: Number of faces in photos that were indexed before.
        faces_rejected: Number of faces by ``RejectionReason``; a face may have several.
        faces_rejected_by_option: Number of rejected faces by the option that can be changed to keep
            them; a face may need several.
        photos_turned: Number of photos that were turned to find their faces.
        photos_animated: Number of animated files; only their first frames were searched.
        faces_replaced: Number of the ``faces_indexed`` that were indexed before with other options.
        faces_removed: Number of faces indexed with other options that were removed.
        faces_deleted: Number of faces that were found but not stored, because somebody deleted them
            or the collection contains them under imported ids.
        faces_kept: Number of faces indexed with other options that stay because they belong to
            people.
        copies: Number of rows of photos whose faces are stored with the address of another photo.
        bytes: Total size of the photo files.
        busy_intervals: Intervals in which work was done, seconds since 1970, in order.
        failures: The first ``MAX_FAILURES`` rows that failed.
    """

    photos: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    faces_indexed: int = 0
    faces_present: int = 0
    faces_rejected: Counter[str] = field(default_factory=Counter)
    faces_rejected_by_option: Counter[str] = field(default_factory=Counter)
    photos_turned: int = 0
    photos_animated: int = 0
    faces_replaced: int = 0
    faces_removed: int = 0
    faces_kept: int = 0
    faces_deleted: int = 0
    copies: int = 0
    bytes: int = 0
    busy_intervals: list[Interval] = field(default_factory=list)
    failures: list[LedgerRow] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Iterable[LedgerRow], interval: Interval) -> Self:
        """Return the totals over rows that were produced in a busy interval."""
        tally = cls(busy_intervals=[interval])
        for row in rows:
            tally._count(row)
        return tally

    @property
    def faces(self) -> int:
        """Number of faces in all rows, whether added or already present."""
        return self.faces_indexed + self.faces_present

    @property
    def failed_photos(self) -> int:
        """Number of rows that count against the tolerated percentage of failures."""
        return sum(self.outcomes[outcome] for outcome in FAILURES)

    @property
    def seconds(self) -> float:
        """Total length of the busy intervals."""
        return sum(end - start for start, end in self.busy_intervals)

    def _count(self, row: LedgerRow) -> None:
        self.photos += 1
        self.outcomes[row.outcome] += 1
        self.faces_replaced += row.replaced
        self.faces_removed += row.removed
        self.faces_kept += len(row.kept)
        self.faces_deleted += row.deleted
        self.copies += row.is_copy
        self.bytes += row.bytes
        if row.reason is not None:
            self.reasons[row.reason] += 1
        if row.outcome is Outcome.ALREADY_INDEXED:
            self.faces_present += len(row.faces)
        else:
            self.faces_indexed += len(row.faces)
        for face in row.rejected:
            self.faces_rejected.update(face.reasons)
            self.faces_rejected_by_option.update(face.options)
        self.photos_turned += row.rotation != 0
        self.photos_animated += row.is_animated
        if row.failed and len(self.failures) < MAX_FAILURES:
            self.failures.append(row)

    def add(self, other: Tally) -> None:
        """Add the totals of another tally to this one."""
        self.photos += other.photos
        self.outcomes.update(other.outcomes)
        self.reasons.update(other.reasons)
        self.faces_indexed += other.faces_indexed
        self.faces_present += other.faces_present
        self.faces_rejected.update(other.faces_rejected)
        self.faces_rejected_by_option.update(other.faces_rejected_by_option)
        self.photos_turned += other.photos_turned
        self.photos_animated += other.photos_animated
        self.faces_replaced += other.faces_replaced
        self.faces_removed += other.faces_removed
        self.faces_kept += other.faces_kept
        self.faces_deleted += other.faces_deleted
        self.copies += other.copies
        self.bytes += other.bytes
        for interval in other.busy_intervals:
            add_interval(self.busy_intervals, interval)
        self.failures += other.failures[: MAX_FAILURES - len(self.failures)]

    def to_json(self) -> dict[str, Any]:
        """Return the totals by name, as JSON values."""
        return {
            "photos": self.photos,
            "outcomes": dict(self.outcomes),
            "reasons": dict(self.reasons),
            "faces_indexed": self.faces_indexed,
            "faces_present": self.faces_present,
            "faces_rejected": dict(self.faces_rejected),
            "faces_rejected_by_option": dict(self.faces_rejected_by_option),
            "photos_turned": self.photos_turned,
            "photos_animated": self.photos_animated,
            "faces_replaced": self.faces_replaced,
            "faces_removed": self.faces_removed,
            "faces_kept": self.faces_kept,
            "faces_deleted": self.faces_deleted,
            "copies": self.copies,
            "bytes": self.bytes,
            "busy_intervals": [list(interval) for interval in self.busy_intervals],
            "failures": [row.to_json() for row in self.failures],
        }


def tally_from_json(document: Mapping[str, Any]) -> Tally:
    """Return the tally of a document that ``Tally.to_json`` returned."""
    return Tally(
        photos=document["photos"],
        outcomes=Counter(document["outcomes"]),
        reasons=Counter(document["reasons"]),
        faces_indexed=document["faces_indexed"],
        faces_present=document["faces_present"],
        faces_rejected=Counter(document["faces_rejected"]),
        # Earlier releases did not count all of these.
        faces_rejected_by_option=Counter(document.get("faces_rejected_by_option", {})),
        photos_turned=document.get("photos_turned", 0),
        photos_animated=document.get("photos_animated", 0),
        faces_replaced=document.get("faces_replaced", 0),
        faces_removed=document["faces_removed"],
        faces_kept=document.get("faces_kept", 0),
        faces_deleted=document.get("faces_deleted", 0),
        copies=document.get("copies", 0),
        bytes=document["bytes"],
        busy_intervals=[(start, end) for start, end in document["busy_intervals"]],
        failures=[row_from_json(row) for row in document["failures"]],
    )


@dataclass(frozen=True, slots=True)
class ChildSummary:
    """The totals over the rows of a child.

    Attributes:
        child: The child.
        complete: Whether its whole slice is in the ledger.
        lines: Number of lines in its byte range, or in the gzip file that it shares (without a
            header); for an incomplete child, those before the end of its ledger.
        tally: The totals over its rows.
    """

    child: int
    complete: bool
    lines: int
    tally: Tally


def write_summary(objects: ObjectStore, job_folder: str, summary: ChildSummary) -> None:
    """Write the summary of a complete child, which is then never processed again."""
    document = {"child": summary.child, "lines": summary.lines, **summary.tally.to_json()}
    objects.write(summary_uri(job_folder, summary.child), json.dumps(document).encode())


def read_summary(objects: ObjectStore, job_folder: str, child: int) -> ChildSummary | None:
    """Read the summary of a child; None if it is not complete.

    Raises:
        JobFolderError: The summary is damaged.
    """
    return read_if_exists(objects, summary_uri(job_folder, child), _summary_from_json)


def _summary_from_json(document: Mapping[str, Any]) -> ChildSummary:
    return ChildSummary(document["child"], True, document["lines"], tally_from_json(document))
