"""Faces searched in a collection: neighbours become matches and a decision for each face."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from facerec.core.photos import EmbeddedFace, PhotoFaces
from facerec.core.protocols import RecordStore
from facerec.core.records import FaceRecord, Neighbour, StoredFace
from facerec.errors import InvalidInputError
from facerec.gallery.decision import MARGIN, Decision, decide
from facerec.gallery.indexing import IndexResult
from facerec.gallery.similarity import distance_of, similarity_of
from facerec.storage.checks import MAX_MATCHES
from facerec.storage.faces import FaceStore

NEIGHBOURS_TO_DECIDE = 100
"""Neighbours that a decision considers: usually more than one person's photos."""


@dataclass(frozen=True, slots=True)
class Match:
    """A stored face that resembles a probe's.

    Attributes:
        face: The stored face.
        similarity: 0 to 1; see ``facerec.gallery.similarity``.
        distance: Euclidean distance of the two embeddings.
        user_id: The user that the stored face is associated with, if any.
    """

    face: FaceRecord
    similarity: float
    distance: float
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class SearchedFace:
    """A face of the probe with its matches, most similar first."""

    face: EmbeddedFace
    decision: Decision
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Who is in a photo.

    Attributes:
        collection_id: Id of the collection.
        model_version: Model version of the collection.
        threshold: Minimum similarity of a match, 0 to 1.
        photo: All faces of the probe, including rejected ones, largest first.
        faces: The faces that were searched, in the order of ``photo.faces``.
        indexed: What was stored of the probe, if that was asked for.
    """

    collection_id: str
    model_version: str
    threshold: float
    photo: PhotoFaces
    faces: tuple[SearchedFace, ...]
    indexed: IndexResult | None = None


@dataclass(frozen=True, slots=True)
class FaceSearchResult:
    """The stored faces that resemble a stored face, most similar first."""

    collection_id: str
    model_version: str
    threshold: float
    face_id: str
    matches: tuple[Match, ...]


def checked_limit(limit: int) -> int:
    """Return a maximum number of matches.

    Raises:
        InvalidInputError: It is not 1 to 4096.
    """
    if not 1 <= limit <= MAX_MATCHES:
        raise InvalidInputError(f"limit must be 1 to {MAX_MATCHES}, got {limit}")
    return limit


def search_probes(
    probes: Sequence[EmbeddedFace],
    *,
    collection_id: str,
    faces: FaceStore,
    threshold: float,
    limit: int,
) -> tuple[SearchedFace, ...]:
    """Return the matches of, and the decision on, each of some faces.

    Args:
        probes: Faces to search for.
        collection_id: Id of the collection.
        faces: Store of its faces.
        threshold: Minimum similarity of a match, 0 to 1.
        limit: Maximum number of matches of each face.
    """
    if not probes:
        return ()
    max_distance = distance_of(threshold)
    results = faces.search(
        collection_id,
        np.stack([probe.embedding for probe in probes]),
        top=max(limit, NEIGHBOURS_TO_DECIDE),
        max_distance=max_distance + MARGIN,
    )
    # The decision compares embeddings, which a search does not return.
    deciding = [_near_best(neighbours) for neighbours in results]
    face_ids = {neighbour.record.face_id for near in deciding for neighbour in near}
    stored = {
        face.record.face_id: face
        for face in (faces.get_faces(collection_id, sorted(face_ids)) if face_ids else [])
    }
    return tuple(
        SearchedFace(
            probe,
            decide(_candidates(near, stored), max_distance=max_distance),
            _matches(neighbours, threshold, limit),
        )
        for probe, neighbours, near in zip(probes, results, deciding, strict=True)
    )


def search_like(
    face: StoredFace, *, collection_id: str, faces: FaceStore, threshold: float, limit: int
) -> tuple[Match, ...]:
    """Return the stored faces that resemble a stored face, without that face itself."""
    probe: NDArray[np.float32] = face.embedding[np.newaxis]
    (neighbours,) = faces.search(
        collection_id,
        probe,
        top=min(limit + 1, MAX_MATCHES),
        max_distance=distance_of(threshold),
    )
    others = [each for each in neighbours if each.record.face_id != face.record.face_id]
    return _matches(others, threshold, limit)


def with_user_ids(
    collection_id: str, searched: Iterable[tuple[Match, ...]], *, users: RecordStore
) -> list[tuple[Match, ...]]:
    """Return matches with the users of their faces, looked up in one request."""
    groups = list(searched)
    face_ids = list(dict.fromkeys(match.face.face_id for group in groups for match in group))
    owners = users.users_of_faces(collection_id, face_ids) if face_ids else {}
    return [
        tuple(replace(match, user_id=owners.get(match.face.face_id)) for match in group)
        for group in groups
    ]


def _candidates(
    near: Sequence[Neighbour], stored: dict[str, StoredFace]
) -> list[tuple[StoredFace, float]]:
    # a face may have been deleted since the search
    return [
        (stored[neighbour.record.face_id], neighbour.distance)
        for neighbour in near
        if neighbour.record.face_id in stored
    ]


def _near_best(neighbours: Sequence[Neighbour]) -> list[Neighbour]:
    return [
        neighbour
        for neighbour in neighbours[:NEIGHBOURS_TO_DECIDE]
        if neighbour.distance <= neighbours[0].distance + MARGIN
    ]


def _matches(neighbours: Sequence[Neighbour], threshold: float, limit: int) -> tuple[Match, ...]:
    matches = (
        Match(neighbour.record, similarity_of(neighbour.distance), neighbour.distance)
        for neighbour in neighbours[:limit]
    )
    return tuple(match for match in matches if match.similarity >= threshold)
