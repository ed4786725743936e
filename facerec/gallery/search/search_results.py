"""Results of a search: the matches of each face, and the decision on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facerec.core.photos import EmbeddedFace, PhotoFaces
    from facerec.core.records import FaceRecord
    from facerec.gallery.indexing.records import IndexResult
    from facerec.gallery.search.decision import Decision


@dataclass(frozen=True, slots=True)
class Match:
    """A stored face that resembles a face of the probe.

    Attributes:
        face: The stored face.
        similarity: 0 to 1; see ``facerec.gallery.scores.similarity``.
        distance: Euclidean distance of the two embeddings.
        user_id: The person that the stored face is associated with, if any.
        person_name: The display name of that person, if any.
    """

    face: FaceRecord
    similarity: float
    distance: float
    user_id: str | None = None
    person_name: str | None = None


@dataclass(frozen=True, slots=True)
class SearchedFace:
    """A face of the probe with its matches, most similar first.

    Attributes:
        face: The face of the probe.
        decision: Whether it is a match, ambiguous or unknown.
        matches: The stored faces that reach the threshold.
        candidates: The best face of each person whom the probe may show, even below the threshold:
            one for a match, at least two if ambiguous, none if unknown.
        more_matches: Whether more stored faces than the limit reach the threshold.
    """

    face: EmbeddedFace
    decision: Decision
    matches: tuple[Match, ...]
    candidates: tuple[Match, ...]
    more_matches: bool


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The result of searching a collection for the faces of a photo.

    Attributes:
        collection_id: Id of the collection.
        model_version: Model version of the collection.
        threshold: Minimum similarity of a match, 0 to 1.
        photo: All faces of the probe, including rejected ones, largest first.
        faces: The faces that were searched, in the order of ``photo.faces``.
        indexed: The outcome of indexing the probe; None if the caller did not ask for this.
    """

    collection_id: str
    model_version: str
    threshold: float
    photo: PhotoFaces
    faces: tuple[SearchedFace, ...]
    indexed: IndexResult | None = None


@dataclass(frozen=True, slots=True)
class FaceSearchResult:
    """The stored faces that resemble a stored face, most similar first.

    ``more_matches`` is as in ``SearchedFace``.
    """

    collection_id: str
    model_version: str
    threshold: float
    face_id: str
    matches: tuple[Match, ...]
    more_matches: bool
