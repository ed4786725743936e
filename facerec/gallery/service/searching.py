"""Who is on a photo, or like a stored face, in a collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces
from facerec.errors import FaceNotFoundError
from facerec.gallery.collections import require_collection
from facerec.gallery.matching import Match, SearchedFace, search_faces
from facerec.gallery.service.indexing import IndexedPhoto, store_faces
from facerec.gallery.service.looking import look
from facerec.gallery.service.parts import Parts
from facerec.gallery.service.photos import Photo
from facerec.gallery.similarity import distance_of, similarity_of
from facerec.storage.checks import MOST_NEIGHBOURS


@dataclass(frozen=True, slots=True)
class MatchedPhoto:
    """The faces of a probe photo with their matches.

    Attributes:
        model_version: of the collection.
        photo: all faces of the photo, also those left out, with reasons.
        searched: the faces that were searched for, the largest first.
        user_ids: of the matches that are associated with a user, by face id.
        indexed: what was stored of the photo, if that was asked for.
    """

    model_version: str
    photo: PhotoFaces
    searched: tuple[SearchedFace, ...]
    user_ids: Mapping[str, str]
    indexed: IndexedPhoto | None = None


@dataclass(frozen=True, slots=True)
class MatchedFace:
    """The stored faces like a stored face, the most similar first.

    Attributes:
        model_version: of the collection.
        matches: the faces.
        user_ids: of those that are associated with a user, by face id.
    """

    model_version: str
    matches: tuple[Match, ...]
    user_ids: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class IndexAlso:
    """That the faces of a probe are to be stored as well, after the search.

    Attributes:
        external_image_id: the caller's own name for the photo, or None.
    """

    external_image_id: str | None


def match_photo(
    parts: Parts,
    collection_id: str,
    photo: Photo,
    *,
    top: int,
    min_similarity: float,
    options: FaceOptions,
    largest_only: bool = False,
    index: IndexAlso | None = None,
) -> MatchedPhoto:
    """Search a collection for the faces of a photo.

    Args:
        parts: the parts.
        collection_id: the collection.
        photo: the probe.
        top: the most matches of a face, 1 to 4096.
        min_similarity: 0 to 1.
        options: how to find and choose the probe's faces.
        largest_only: search for the largest face only.
        index: store the faces too, or None.

    Raises:
        CollectionNotFoundError: there is no such collection.
        ModelMismatchError: it holds faces of another model version.
        UnreadablePhotoError: the photo cannot be looked at.
        PhotoTooLargeError: it has too many bytes.
    """
    collection = require_collection(
        collection_id, model_version=parts.engine.model_version, records=parts.records
    )
    seen = look(parts, photo, options)
    probes = seen.found.faces[:1] if largest_only else seen.found.faces
    searched = search_faces(
        probes, collection_id=collection_id, faces=parts.faces, threshold=min_similarity, top=top
    )
    matches = [match for face in searched for match in face.matches]
    user_ids = _users_of(parts, collection_id, matches)
    indexed = None
    if index is not None:
        indexed = store_faces(parts, collection_id, seen, index.external_image_id, options)
    return MatchedPhoto(collection.model_version, seen.found, searched, user_ids, indexed)


def match_face(
    parts: Parts, collection_id: str, face_id: str, *, top: int, min_similarity: float
) -> MatchedFace:
    """Return the faces like a stored face, itself left out.

    Raises:
        CollectionNotFoundError: there is no such collection.
        FaceNotFoundError: it holds no such face.
    """
    collection = parts.records.get_collection(collection_id)
    stored = parts.faces.get_faces(collection_id, [face_id])
    if not stored:
        raise FaceNotFoundError(face_id)
    (neighbours,) = parts.faces.search(
        collection_id,
        stored[0].embedding[np.newaxis],
        top=min(top + 1, MOST_NEIGHBOURS),
        max_distance=distance_of(min_similarity),
    )
    matches = tuple(
        Match(neighbour.record, similarity_of(neighbour.distance), neighbour.distance)
        for neighbour in neighbours
        if neighbour.record.face_id != face_id
    )[:top]
    return MatchedFace(collection.model_version, matches, _users_of(parts, collection_id, matches))


def _users_of(parts: Parts, collection_id: str, matches: Sequence[Match]) -> dict[str, str]:
    face_ids = list(dict.fromkeys(match.face.face_id for match in matches))
    return parts.records.users_of_faces(collection_id, face_ids) if face_ids else {}
