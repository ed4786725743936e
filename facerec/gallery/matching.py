"""Who is on a photo: all its faces, each searched in a collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facerec.core.options import FaceOptions
from facerec.core.photos import EmbeddedFace, PhotoFaces
from facerec.core.protocols import FaceEngine, FaceStore, RecordStore
from facerec.core.records import FaceRecord, Neighbour
from facerec.errors import InvalidInputError
from facerec.gallery.collections import require_collection
from facerec.gallery.decision import MARGIN, Decision, decide
from facerec.gallery.photos import PROBE_OPTIONS, faces_of
from facerec.gallery.similarity import (
    DEFAULT_THRESHOLD,
    checked_threshold,
    distance_of,
    similarity_of,
)
from facerec.storage.checks import MOST_NEIGHBOURS

DEFAULT_TOP = 10
"""Matches of one face unless the caller asks for more or fewer."""

NEIGHBOURS_TO_DECIDE = 100
"""Neighbours that a decision looks at: more than one person's photos, as a rule."""


@dataclass(frozen=True, slots=True)
class Match:
    """A face of the collection that is like a probe's.

    Attributes:
        face: the stored face.
        similarity: 0 to 1; see ``facerec.gallery.similarity``.
        distance: Euclidean, between the two descriptors.
    """

    face: FaceRecord
    similarity: float
    distance: float


@dataclass(frozen=True, slots=True)
class SearchedFace:
    """A face of the probe with its matches, the most similar first."""

    face: EmbeddedFace
    decision: Decision
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class MatchResult:
    """What a probe photo shows.

    Attributes:
        collection_id: where its faces were searched.
        model_version: of the engine.
        threshold: the least similarity of a match.
        photo: all faces of the photo, also those left out, with reasons.
        searched: one for each of ``photo.faces``, in their order: the largest first.
    """

    collection_id: str
    model_version: str
    threshold: float
    photo: PhotoFaces
    searched: tuple[SearchedFace, ...]


def match(
    content: bytes,
    *,
    collection_id: str,
    engine: FaceEngine,
    records: RecordStore,
    faces: FaceStore,
    threshold: float = DEFAULT_THRESHOLD,
    top: int = DEFAULT_TOP,
    options: FaceOptions = PROBE_OPTIONS,
) -> MatchResult:
    """Search all faces of a photo in a collection.

    Args:
        content: the bytes of an image file.
        collection_id: where to search.
        engine: finds the faces.
        records: where collections are kept.
        faces: where faces are kept.
        threshold: the least similarity of a match, 0 to 1.
        top: the most matches of a face, 1 to 4096.
        options: how to find and choose the probe's faces.

    Raises:
        InvalidInputError: threshold or ``top`` is out of range, or the name impossible.
        CollectionNotFoundError: there is none of this name.
        ModelMismatchError: the collection's faces are of another model version.
        UnreadablePhotoError: the photo cannot be looked at.
        NoFaceError: it shows no face, or none that the options accept.
        StoreUnavailableError: the store does not answer.
    """
    checked_threshold(threshold)
    if not 1 <= top <= MOST_NEIGHBOURS:
        raise InvalidInputError(f"the most matches are 1 to {MOST_NEIGHBOURS}, not {top}")
    require_collection(collection_id, model_version=engine.model_version, records=records)
    photo = faces_of(content, engine=engine, options=options)
    return MatchResult(
        collection_id=collection_id,
        model_version=engine.model_version,
        threshold=threshold,
        photo=photo,
        searched=search_faces(
            photo.faces, collection_id=collection_id, faces=faces, threshold=threshold, top=top
        ),
    )


def search_faces(
    probes: Sequence[EmbeddedFace],
    *,
    collection_id: str,
    faces: FaceStore,
    threshold: float,
    top: int,
) -> tuple[SearchedFace, ...]:
    """Return the matches and the decision for each of some faces; arguments as of ``match``."""
    if not probes:
        return ()
    max_distance = distance_of(threshold)
    found = faces.search(
        collection_id,
        np.stack([probe.embedding for probe in probes]),
        top=max(top, NEIGHBOURS_TO_DECIDE),
        max_distance=max_distance + MARGIN,
    )
    near_best = [_near_best(neighbours) for neighbours in found]
    face_ids = {neighbour.record.face_id for near in near_best for neighbour in near}
    stored = {
        face.record.face_id: face
        for face in (faces.get_faces(collection_id, sorted(face_ids)) if face_ids else [])
    }
    searched = []
    for probe, neighbours, near in zip(probes, found, near_best, strict=True):
        # a face may have been deleted since the search
        candidates = [
            (stored[neighbour.record.face_id], neighbour.distance)
            for neighbour in near
            if neighbour.record.face_id in stored
        ]
        decision = decide(candidates, max_distance=max_distance)
        searched.append(SearchedFace(probe, decision, _matches(neighbours, threshold, top)))
    return tuple(searched)


def _near_best(neighbours: Sequence[Neighbour]) -> list[Neighbour]:
    return [
        neighbour
        for neighbour in neighbours[:NEIGHBOURS_TO_DECIDE]
        if neighbour.distance <= neighbours[0].distance + MARGIN
    ]


def _matches(neighbours: Sequence[Neighbour], threshold: float, top: int) -> tuple[Match, ...]:
    matches = (
        Match(neighbour.record, similarity_of(neighbour.distance), neighbour.distance)
        for neighbour in neighbours[:top]
    )
    return tuple(match for match in matches if match.similarity >= threshold)
