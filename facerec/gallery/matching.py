"""Faces searched in a collection: neighbours become matches and a decision for each face."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from facerec.core.limits import MAX_MATCHES
from facerec.core.photos import EmbeddedFace, PhotoFaces
from facerec.core.protocols import Cohort, RecordStore
from facerec.core.records import FaceRecord, StoredFace
from facerec.gallery.decision import MARGIN, Candidate, Decision, decide
from facerec.gallery.indexing import IndexResult
from facerec.gallery.scoring import (
    NEIGHBOURS_TO_SCORE,
    ScoredFace,
    reach,
    score_neighbours,
    stats_of_stored,
)
from facerec.storage.faces import FaceStore


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
    """A face of the probe with its matches, most similar first.

    Attributes:
        face: The face of the probe.
        decision: Whether it is a match, ambiguous or unknown.
        matches: The stored faces that reach the threshold.
        candidates: The best face of each person that is too close to call, even below the
            threshold: one for a match, at least two if ambiguous, none if unknown.
    """

    face: EmbeddedFace
    decision: Decision
    matches: tuple[Match, ...]
    candidates: tuple[Match, ...]


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


def search_probes(
    probes: Sequence[EmbeddedFace],
    *,
    collection_id: str,
    faces: FaceStore,
    users: RecordStore,
    cohort: Cohort,
    threshold: float,
    limit: int,
) -> tuple[SearchedFace, ...]:
    """Return the matches of, and the decision on, each of some faces.

    Args:
        probes: Faces to search for.
        collection_id: Id of the collection.
        faces: Store of its faces.
        users: Store of its users.
        cohort: Computes the stats of faces that are stored without.
        threshold: Minimum similarity of a match, 0 to 1.
        limit: Maximum number of matches of each face.
    """
    if not probes:
        return ()
    stats = [probe.stats for probe in probes]
    found = faces.search(
        collection_id,
        np.stack([probe.embedding for probe in probes]),
        top=max(limit, NEIGHBOURS_TO_SCORE),
        max_distance=max(reach(threshold, own, margin=MARGIN) for own in stats),
    )
    scored = score_neighbours(collection_id, found, stats, faces=faces, cohort=cohort)
    matches = [_matches(own, threshold, limit) for own in scored]
    close = [_close(own, threshold) for own in scored]
    face_ids = list(
        dict.fromkeys(
            [match.face.face_id for own in matches for match in own]
            + [face.record.face_id for own in close for face in own]
        )
    )
    owners = users.users_of_faces(collection_id, face_ids) if face_ids else {}
    # The decision compares embeddings, which a search does not return.
    deciding = sorted({face.record.face_id for own in close for face in own})
    stored = {
        face.record.face_id: face
        for face in (faces.get_faces(collection_id, deciding) if deciding else [])
    }
    searched = []
    for probe, own_matches, own_close in zip(probes, matches, close, strict=True):
        decision, best = decide(_candidates(own_close, stored, owners, cohort), threshold=threshold)
        chosen = {candidate.face.record.face_id for candidate in best}
        candidates = [face for face in own_close if face.record.face_id in chosen]
        searched.append(
            SearchedFace(
                probe,
                decision,
                _with_owners(own_matches, owners),
                _with_owners([_match(face) for face in candidates], owners),
            )
        )
    return tuple(searched)


def search_like(
    face: StoredFace,
    *,
    collection_id: str,
    faces: FaceStore,
    cohort: Cohort,
    threshold: float,
    limit: int,
) -> tuple[Match, ...]:
    """Return the stored faces that resemble a stored face, without that face itself."""
    stats = stats_of_stored(face, cohort)
    found = faces.search(
        collection_id,
        face.embedding[np.newaxis],
        top=min(max(limit, NEIGHBOURS_TO_SCORE) + 1, MAX_MATCHES),
        max_distance=reach(threshold, stats),
    )
    (scored,) = score_neighbours(collection_id, found, [stats], faces=faces, cohort=cohort)
    others = [each for each in scored if each.record.face_id != face.record.face_id]
    return tuple(_matches(others, threshold, limit))


def with_user_ids(
    collection_id: str, searched: Iterable[tuple[Match, ...]], *, users: RecordStore
) -> list[tuple[Match, ...]]:
    """Return matches with the users of their faces, looked up in one request."""
    groups = list(searched)
    face_ids = list(dict.fromkeys(match.face.face_id for group in groups for match in group))
    owners = users.users_of_faces(collection_id, face_ids) if face_ids else {}
    return [_with_owners(group, owners) for group in groups]


def _with_owners(matches: Sequence[Match], owners: Mapping[str, str]) -> tuple[Match, ...]:
    return tuple(replace(match, user_id=owners.get(match.face.face_id)) for match in matches)


def _close(scored: Sequence[ScoredFace], threshold: float) -> list[ScoredFace]:
    """Return the faces that the decision considers: none if the best one is below the threshold."""
    if not scored or scored[0].similarity < threshold:
        return []
    return [face for face in scored if face.score <= scored[0].score + MARGIN]


def _candidates(
    close: Sequence[ScoredFace],
    stored: Mapping[str, StoredFace],
    owners: Mapping[str, str],
    cohort: Cohort,
) -> list[Candidate]:
    # a face may have been deleted since the search
    return [
        Candidate(
            stored[face.record.face_id],
            face.score,
            owners.get(face.record.face_id),
            stats_of_stored(stored[face.record.face_id], cohort),
        )
        for face in close
        if face.record.face_id in stored
    ]


def _matches(scored: Sequence[ScoredFace], threshold: float, limit: int) -> list[Match]:
    return [_match(face) for face in scored[:limit] if face.similarity >= threshold]


def _match(face: ScoredFace) -> Match:
    return Match(face.record, face.similarity, face.distance)
