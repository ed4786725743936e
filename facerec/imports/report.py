"""The report of an import."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Unmatched(StrEnum):
    """Why a face was not imported, or not associated with its person."""

    NO_PHOTO_NAMED = "NO_PHOTO_NAMED"
    """The rule for finding photos returns no photo for the face."""
    PHOTO_NOT_FOUND = "PHOTO_NOT_FOUND"
    """The photo does not exist, or the source does not have it."""
    ACCESS_DENIED = "ACCESS_DENIED"
    """The photo may not be read."""
    PHOTO_UNREADABLE = "PHOTO_UNREADABLE"
    """The photo cannot be decoded, is too large, or has an address that is not valid."""
    NO_FACE = "NO_FACE"
    """No face of the photo was accepted."""
    NO_FACE_AT_ITS_PLACE = "NO_FACE_AT_ITS_PLACE"
    """No face was found at the position of the face in its photo."""
    AMBIGUOUS = "AMBIGUOUS"
    """Several photos fit about equally, or too many photos or images have the same name."""
    ID_IN_USE = "ID_IN_USE"
    """The id belongs to a face of another photo in the collection."""
    ALREADY_INDEXED = "ALREADY_INDEXED"
    """The collection already contains the face under an id of its own."""
    DELETED = "DELETED"
    """The face was deleted from the collection on purpose."""
    PERSON_EXISTS = "PERSON_EXISTS"
    """Somebody else in the collection has the id of the face's person."""
    NOT_ASSOCIATED = "NOT_ASSOCIATED"
    """The face was imported, but not associated with its person."""


@dataclass(frozen=True, slots=True)
class UnmatchedFace:
    """A face that was not imported, or not associated with its person.

    Attributes:
        face_id: Id of the face in the source.
        external_image_id: The caller's own name for its photo, or None.
        reason: Why it was not imported, or not associated.
        photos: Addresses at which its photo may be.
    """

    face_id: str
    external_image_id: str | None
    reason: Unmatched
    photos: tuple[str, ...] = ()


_INTENDED = frozenset({Unmatched.DELETED, Unmatched.ALREADY_INDEXED})
"""Reasons that do not count as failures of the import."""


@dataclass(slots=True)
class ImportReport:
    """The outcome of an import, complete or not.

    Attributes:
        collection_id: Id of the collection that receives the faces.
        complete: Whether the import has reached its end.
        faces: Number of faces of the source that have been read so far.
        imported: Number of faces that this import has stored.
        present: Number of faces that the collection already contained.
        people: Number of people of the source.
        source_models: Number of faces of the source by the network that described them there; empty
            if the source does not state this.
        unmatched: Faces that are missing, or not associated, in the order of the source.
    """

    collection_id: str
    complete: bool = False
    faces: int = 0
    people: int = 0
    imported: int = 0
    present: int = 0
    source_models: dict[str, int] = field(default_factory=dict)
    unmatched: list[UnmatchedFace] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether there were faces to import, and the collection contains none of them."""
        missing = any(each.reason not in _INTENDED for each in self.unmatched)
        return missing and self.imported == self.present == 0

    def to_json(self) -> dict[str, Any]:
        """Return the report in the form of ``schemas/import-report.json``."""
        return {**asdict(self), "unmatched": [asdict(each) for each in self.unmatched]}
