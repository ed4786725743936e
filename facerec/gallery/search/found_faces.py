"""Results of ``Gallery.find``: the faces that show somebody, and why some are doubtful."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facerec.core.photos import EmbeddedFace
    from facerec.core.records import User
    from facerec.gallery.search.search_results import Match


class Doubt(StrEnum):
    """Reason why a face may show somebody else."""

    LESS_SIMILAR = "LESS_SIMILAR"
    """The face is less similar than ``FoundPage.doubtful_below``."""

    AMBIGUOUS = "AMBIGUOUS"
    """Somebody else in the collection is about as similar."""

    OTHER_PERSON = "OTHER_PERSON"
    """The face is associated with a person other than the one in the photo."""


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A stored face that shows the person, certainly or possibly.

    Attributes:
        match: The face, and how similar it is.
        doubt: Why it may show somebody else; None if nothing suggests this.
    """

    match: Match
    doubt: Doubt | None = None


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page of the faces that show somebody, most similar first.

    Attributes:
        collection_id: Id of the collection.
        model_version: Model version of the collection.
        doubtful_below: Similarity below which a face is doubtful, 0 to 1.
        doubtful_from: Minimum similarity of a doubtful face, 0 to 1.
        doubtful: Whether these are the doubtful faces rather than the others.
        user: The person who was searched for; None if a photo was given.
        face: The face of the photo that was searched for; None if a person was given.
        other_faces: Number of the photo's other faces; 0 if a person was given.
        found: The faces.
        next_token: Token of the next page; None on the last one.
    """

    collection_id: str
    model_version: str
    doubtful_below: float
    doubtful_from: float
    doubtful: bool
    user: User | None
    face: EmbeddedFace | None
    other_faces: int
    found: tuple[FoundFace, ...]
    next_token: str | None
