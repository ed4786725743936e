"""Counts of what became of photos, and the summary that a complete child leaves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from facerec.errors import ObjectNotFoundError
from facerec.jobs.ledger.layout import summary_uri
from facerec.jobs.ledger.rows import LedgerRow, row_from_json
from facerec.storage.objects.protocol import ObjectStore

MOST_FAILURES = 20
"""Failures that a summary and a report hold; the ledger has all of them."""

SAME_SPELL = 1.0
"""Seconds between two steps that still count as one spell of work."""

Spell = tuple[float, float]


def merged(spells: Iterable[Spell]) -> list[Spell]:
    """Return the union of spells of time, in order; each is a start and an end in seconds."""
    union: list[Spell] = []
    for start, end in sorted(spells):
        if union and start <= union[-1][1] + SAME_SPELL:
            union[-1] = (union[-1][0], max(end, union[-1][1]))
        else:
            union.append((start, end))
    return union


@dataclass(slots=True)
class Tally:
    """What became of some photos, counted.

    Attributes:
        images: manifest lines that are not blank.
        outcomes: by the name of the ``Outcome``, how many lines.
        reasons: by the name of the ``UnreadableReason``, how many photos.
        faces_indexed: faces that were put into the collection.
        faces_present: faces of photos that were indexed before.
        faces_left_out: by the name of the ``RejectionReason``, how many faces; a face may have
            several.
        bytes: of the photos.
        spells: when work was done, seconds since 1970.
        failures: the first rows of those that failed.
    """

    images: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    faces_indexed: int = 0
    faces_present: int = 0
    faces_left_out: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    spells: list[Spell] = field(default_factory=list)
    failures: list[LedgerRow] = field(default_factory=list)

    def add_rows(self, rows: Iterable[LedgerRow], spell: Spell) -> None:
        """Count rows, and the time that was spent on them."""
        for row in rows:
            self.images += 1
            self.outcomes[row.outcome] += 1
            self.bytes += row.bytes
            if row.reason is not None:
                self.reasons[row.reason] += 1
            if row.outcome == "ALREADY_INDEXED":
                self.faces_present += len(row.faces)
            else:
                self.faces_indexed += len(row.faces)
            for face in row.left_out:
                self.faces_left_out.update(face.reasons)
            if row.failed and len(self.failures) < MOST_FAILURES:
                self.failures.append(row)
        self.spells = merged([*self.spells, spell])

    def add(self, other: Tally) -> None:
        """Count what another tally has counted."""
        self.images += other.images
        self.outcomes.update(other.outcomes)
        self.reasons.update(other.reasons)
        self.faces_indexed += other.faces_indexed
        self.faces_present += other.faces_present
        self.faces_left_out.update(other.faces_left_out)
        self.bytes += other.bytes
        self.spells = merged([*self.spells, *other.spells])
        self.failures += other.failures[: MOST_FAILURES - len(self.failures)]

    def to_json(self) -> dict[str, Any]:
        """Return the counts by name."""
        return {
            "images": self.images,
            "outcomes": dict(self.outcomes),
            "reasons": dict(self.reasons),
            "faces_indexed": self.faces_indexed,
            "faces_present": self.faces_present,
            "faces_left_out": dict(self.faces_left_out),
            "bytes": self.bytes,
            "spells": [list(spell) for spell in self.spells],
            "failures": [row.to_json() for row in self.failures],
        }


def tally_from_json(document: Mapping[str, Any]) -> Tally:
    """Return the tally that ``to_json`` made the document of."""
    return Tally(
        images=document["images"],
        outcomes=Counter(document["outcomes"]),
        reasons=Counter(document["reasons"]),
        faces_indexed=document["faces_indexed"],
        faces_present=document["faces_present"],
        faces_left_out=Counter(document["faces_left_out"]),
        bytes=document["bytes"],
        spells=[(start, end) for start, end in document["spells"]],
        failures=[row_from_json(row) for row in document["failures"]],
    )


@dataclass(frozen=True, slots=True)
class ChildSummary:
    """What a child has done.

    Attributes:
        child: the child.
        complete: whether all of its slice is in the ledger.
        lines: lines of its byte range, or of the gzip file that it shares (header left out); of
            an incomplete child, as far as it came.
        tally: what became of them.
    """

    child: int
    complete: bool
    lines: int
    tally: Tally


def write_summary(objects: ObjectStore, job_folder: str, summary: ChildSummary) -> None:
    """Write the summary of a complete child: from then on it is never worked on again."""
    document = {"child": summary.child, "lines": summary.lines, **summary.tally.to_json()}
    objects.write(summary_uri(job_folder, summary.child), json.dumps(document).encode())


def read_summary(objects: ObjectStore, job_folder: str, child: int) -> ChildSummary | None:
    """Read the summary of a child, None if it is not complete."""
    try:
        document = json.loads(objects.read(summary_uri(job_folder, child)))
    except ObjectNotFoundError:
        return None
    return ChildSummary(document["child"], True, document["lines"], tally_from_json(document))
