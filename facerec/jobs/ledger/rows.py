"""The rows of the ledger: the outcome of each manifest line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from facerec.jobs.outcomes import FAILURES, Outcome

if TYPE_CHECKING:
    from facerec.core import faces
    from facerec.core.faces import BoundingBox
else:
    from facerec.core.deferred import DeferredModule

    faces = DeferredModule("facerec.core.faces")


@dataclass(frozen=True, slots=True)
class IndexedFace:
    """A face of the collection in a ledger row; the ledger never contains its embedding.

    Attributes:
        face_id: Id of the face in the collection.
        box: Ratios of the upright photo.
        confidence: 0 to 1.
    """

    face_id: str
    box: BoundingBox
    confidence: float

    def to_json(self) -> dict[str, Any]:
        """Return the face in the form of ``schemas/ledger-row.json``."""
        return {
            "face_id": self.face_id,
            "box": _box_to_json(self.box),
            "confidence": self.confidence,
        }


@dataclass(frozen=True, slots=True)
class RejectedFace:
    """A face that was detected but not indexed.

    Attributes:
        box: Ratios of the upright photo.
        confidence: 0 to 1.
        reasons: Names of ``RejectionReason``s.
        options: Names of the ``FaceOptions`` that can be changed to keep it.
    """

    box: BoundingBox
    confidence: float
    reasons: tuple[str, ...]
    options: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the face in the form of ``schemas/ledger-row.json``."""
        return {
            "box": _box_to_json(self.box),
            "confidence": self.confidence,
            "reasons": list(self.reasons),
            "options": list(self.options),
        }


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """The outcome of one manifest line.

    Attributes:
        child: The child that processed the line.
        line_in_slice: Number of the line, from 1, in the child's byte range or gzip file.
        photo: Full address of the photo; "" if the line does not name one.
        external_image_id: The caller's own name for the photo; None without one.
        outcome: The outcome.
        reason: Reason of UNREADABLE: the name of an ``UnreadableReason``. None for other outcomes.
        detail: One-line explanation for display; None without one.
        image_id: Id derived from the photo's content; None if it was not read.
        version: Version of the photo that was read (see ``jobs.versions``); None if it was not
            read, or if a later change might not alter the version.
        faces: Faces of the photo in the collection.
        rejected: Faces that were detected but not indexed.
        rotation: Degrees clockwise by which the photo was turned to find its faces.
        is_animated: Whether the file has more frames than the first one, which alone was searched.
        is_copy: Whether its faces are stored with the address of another photo of the same content
            and external image id, which still exists.
        kept: Faces of the photo that were indexed before with other options and that this job does
            not select, but that stay in the collection because they belong to people.
        replaced: Number of the row's faces that were indexed before with other options.
        removed: Number of faces of the photo that were indexed before with other options, and
            removed because this job does not select them.
        deleted: Number of faces that were found but not stored, because somebody deleted them or
            the collection contains them under imported ids.
        bytes: Size of the photo file; 0 if it was not read.
        milliseconds: Time to read the photo, plus its share of work done for several photos.
        manifest_line: Number of the line, from 1, in the manifest. None in a segment, and while the
            number of lines of earlier children is not known.
    """

    child: int
    line_in_slice: int
    photo: str
    external_image_id: str | None
    outcome: Outcome
    reason: str | None = None
    detail: str | None = None
    image_id: str | None = None
    version: str | None = None
    faces: tuple[IndexedFace, ...] = ()
    rejected: tuple[RejectedFace, ...] = ()
    rotation: int = 0
    is_animated: bool = False
    is_copy: bool = False
    kept: tuple[IndexedFace, ...] = ()
    replaced: int = 0
    removed: int = 0
    deleted: int = 0
    bytes: int = 0
    milliseconds: float = 0.0
    manifest_line: int | None = None

    @property
    def failed(self) -> bool:
        """Whether the row counts against the tolerated percentage of failures."""
        return self.outcome in FAILURES

    @property
    def stored(self) -> tuple[IndexedFace, ...]:
        """All faces of the photo in the collection."""
        return (*self.faces, *self.kept)

    def to_json(self) -> dict[str, Any]:
        """Return the row in the form of ``schemas/ledger-row.json``."""
        return {
            **dict(zip(self.__slots__, _values(self), strict=True)),
            "faces": [face.to_json() for face in self.faces],
            "rejected": [face.to_json() for face in self.rejected],
            "kept": [face.to_json() for face in self.kept],
            "milliseconds": round(self.milliseconds, 1),
        }


_values = attrgetter(*LedgerRow.__slots__)


def erased_row(row: LedgerRow) -> LedgerRow:
    """Return the row of a line whose photo was erased; it contains no personal data."""
    return LedgerRow(
        child=row.child,
        line_in_slice=row.line_in_slice,
        photo="",
        external_image_id=None,
        outcome=Outcome.ERASED,
        bytes=row.bytes,
        milliseconds=row.milliseconds,
    )


def row_from_json(document: Mapping[str, Any]) -> LedgerRow:
    """Return the row of a document that ``LedgerRow.to_json`` returned."""
    fields = dict(document)
    fields["outcome"] = Outcome(document["outcome"])
    fields["faces"] = _indexed_faces(document["faces"])
    # Earlier releases did not write this member.
    fields["kept"] = _indexed_faces(document.get("kept", ()))
    fields["rejected"] = tuple(map(_rejected_face, document["rejected"]))
    return LedgerRow(**fields)


def _indexed_faces(documents: Iterable[Mapping[str, Any]]) -> tuple[IndexedFace, ...]:
    return tuple(
        IndexedFace(face["face_id"], faces.BoundingBox(**face["box"]), face["confidence"])
        for face in documents
    )


def _rejected_face(document: Mapping[str, Any]) -> RejectedFace:
    return RejectedFace(
        faces.BoundingBox(**document["box"]),
        document["confidence"],
        tuple(document["reasons"]),
        # Earlier releases did not write these members.
        tuple(document.get("options", ())),
    )


def _box_to_json(box: BoundingBox) -> dict[str, float]:
    # dataclasses.asdict copies each value deeply, which takes several times as long
    return {"left": box.left, "top": box.top, "width": box.width, "height": box.height}
