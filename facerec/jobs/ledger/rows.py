"""The rows of the ledger: what became of each line of a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from facerec.core.faces import BoundingBox


class Outcome(StrEnum):
    """What became of a manifest line."""

    INDEXED = "INDEXED"
    """Its faces are in the collection."""
    ALREADY_INDEXED = "ALREADY_INDEXED"
    """The same photo was indexed before, under the same name and options: nothing was done."""
    NO_FACE = "NO_FACE"
    """No face was found."""
    ALL_FACES_REJECTED = "ALL_FACES_REJECTED"
    """Faces were found, and all of them left out."""
    SKIPPED = "SKIPPED"
    """An inventory's row of what is not to be indexed: an old version, a folder."""
    UNREADABLE = "UNREADABLE"
    """The photo cannot be decoded; the reason is an ``UnreadableReason``, or CRASHED."""
    NOT_FOUND = "NOT_FOUND"
    """There is no such photo."""
    ACCESS_DENIED = "ACCESS_DENIED"
    """The photo may not be read."""
    MALFORMED_LINE = "MALFORMED_LINE"
    """The line names no photo."""


FAILURES = frozenset(
    (Outcome.UNREADABLE, Outcome.NOT_FOUND, Outcome.ACCESS_DENIED, Outcome.MALFORMED_LINE)
)
"""Outcomes that count against the tolerated percentage of failures."""


@dataclass(frozen=True, slots=True)
class IndexedFace:
    """A face of a photo that is in the collection; its embedding is nowhere in the ledger."""

    face_id: str
    box: BoundingBox
    confidence: float


@dataclass(frozen=True, slots=True)
class LeftOutFace:
    """A face of a photo that was left out, and why: the names of ``RejectionReason``."""

    box: BoundingBox
    confidence: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What became of one manifest line.

    Attributes:
        child: the child that worked on it.
        line: in a child's part, 1 for the first line of the child's byte range (of the gzip
            file); as ``iterate_rows`` yields it, 1 for the first line of the manifest.
        image: the photo's full address; "" where the line names none.
        external_image_id: the caller's own name for it.
        outcome: what became of it.
        reason: of UNREADABLE: the name of an ``UnreadableReason``, or CRASHED.
        detail: one line for a person.
        image_id: made from the photo's content.
        faces: those in the collection.
        left_out: those that were found and left out.
        bytes: of the photo as stored.
        milliseconds: spent on it: reading, and its share of what was done for several at once.
    """

    child: int
    line: int
    image: str
    external_image_id: str | None
    outcome: Outcome
    reason: str | None = None
    detail: str | None = None
    image_id: str | None = None
    faces: tuple[IndexedFace, ...] = ()
    left_out: tuple[LeftOutFace, ...] = ()
    bytes: int = 0
    milliseconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether the row counts against the tolerated percentage of failures."""
        return self.outcome in FAILURES

    def to_json(self) -> dict[str, Any]:
        """Return the row as ``schemas/ledger-row.json`` has it."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {
            **fields,
            "faces": [asdict(face) for face in self.faces],
            "left_out": [{**asdict(face), "reasons": list(face.reasons)} for face in self.left_out],
            "milliseconds": round(self.milliseconds, 1),
        }


def row_from_json(document: Mapping[str, Any]) -> LedgerRow:
    """Return the row that ``to_json`` made the document of."""
    fields = dict(document)
    fields["outcome"] = Outcome(document["outcome"])
    fields["faces"] = tuple(
        IndexedFace(face["face_id"], BoundingBox(**face["box"]), face["confidence"])
        for face in document["faces"]
    )
    fields["left_out"] = tuple(
        LeftOutFace(BoundingBox(**face["box"]), face["confidence"], tuple(face["reasons"]))
        for face in document["left_out"]
    )
    return LedgerRow(**fields)
