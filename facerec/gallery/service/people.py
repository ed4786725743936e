"""Users of a collection: made, listed, joined with faces, and searched for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facerec.core.options import FaceOptions
from facerec.core.photos import EmbeddedFace, RejectedFace
from facerec.core.records import User
from facerec.errors import FaceNotFoundError
from facerec.gallery import users
from facerec.gallery.collections import require_collection
from facerec.gallery.paging import page_token, read_page_token
from facerec.gallery.service.looking import look
from facerec.gallery.service.parts import Parts
from facerec.gallery.service.photos import Photo
from facerec.gallery.users import AssociationOutcome, UserMatch


@dataclass(frozen=True, slots=True)
class UserPage:
    """Some users of a collection, and the token of the page behind them, if any."""

    users: list[User]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class UserMatches:
    """The users found, the most similar first, and the collection's model version."""

    matches: list[UserMatch]
    model_version: str


@dataclass(frozen=True, slots=True)
class PhotoUserMatches(UserMatches):
    """The users found for a photo.

    Attributes:
        face: the largest face, which was searched for; None if there is none.
        smaller: the other faces.
        rejected: the faces that the quality filter left out.
    """

    face: EmbeddedFace | None
    smaller: tuple[EmbeddedFace, ...]
    rejected: tuple[RejectedFace, ...]


def create_user(parts: Parts, collection_id: str, user_id: str) -> None:
    """Create a user without faces.

    Raises:
        CollectionNotFoundError: there is no such collection.
        UserExistsError: there is one of this name.
    """
    parts.records.create_user(collection_id, User(user_id, parts.clock()))


def delete_user(parts: Parts, collection_id: str, user_id: str) -> None:
    """Delete a user; its faces stay in the collection.

    Raises:
        CollectionNotFoundError: there is no such collection.
        UserNotFoundError: there is no such user.
    """
    parts.records.get_collection(collection_id)
    users.delete_user(parts.faces, parts.records, collection_id, user_id)


def list_users(parts: Parts, collection_id: str, token: str | None, limit: int) -> UserPage:
    """Return a page of users in the order of their names.

    Raises:
        CollectionNotFoundError: there is no such collection.
        InvalidPageTokenError: the token is not of this listing, or too old.
    """
    now = parts.clock()
    parts.records.get_collection(collection_id)
    listing = f"users of {collection_id}"
    after = None if token is None else read_page_token(listing, token, now)
    found = parts.records.list_users(collection_id, after=after, limit=limit + 1)
    page = found[:limit]
    next_token = page_token(listing, page[-1].user_id, now) if len(found) > limit else None
    return UserPage(page, next_token)


def associate_faces(
    parts: Parts,
    collection_id: str,
    user_id: str,
    face_ids: Sequence[str],
    *,
    min_similarity: float,
) -> AssociationOutcome:
    """Associate faces with a user; see ``facerec.gallery.users.associate_faces``."""
    parts.records.get_collection(collection_id)
    return users.associate_faces(
        parts.faces,
        parts.records,
        collection_id,
        user_id,
        face_ids,
        min_similarity=min_similarity,
    )


def disassociate_faces(
    parts: Parts, collection_id: str, user_id: str, face_ids: Sequence[str]
) -> AssociationOutcome:
    """Take faces away from a user; see ``facerec.gallery.users.disassociate_faces``."""
    parts.records.get_collection(collection_id)
    return users.disassociate_faces(parts.faces, parts.records, collection_id, user_id, face_ids)


def users_like_face(
    parts: Parts, collection_id: str, face_id: str, *, top: int, min_similarity: float
) -> UserMatches:
    """Search for the users that a stored face may be of.

    Raises:
        CollectionNotFoundError: there is no such collection.
        FaceNotFoundError: it holds no such face.
    """
    collection = parts.records.get_collection(collection_id)
    stored = parts.faces.get_faces(collection_id, [face_id])
    if not stored:
        raise FaceNotFoundError(face_id)
    matches = users.search_users(
        parts.faces,
        parts.records,
        collection_id,
        stored[0].embedding,
        top=top,
        min_similarity=min_similarity,
    )
    return UserMatches(matches, collection.model_version)


def users_like_user(
    parts: Parts, collection_id: str, user_id: str, *, top: int, min_similarity: float
) -> UserMatches:
    """Search for other users like a user; one without faces is like none.

    Raises:
        CollectionNotFoundError: there is no such collection.
        UserNotFoundError: there is no such user.
    """
    collection = parts.records.get_collection(collection_id)
    user = parts.records.get_user(collection_id, user_id)
    vector = users.user_vector(parts.faces, collection_id, user)
    if vector is None:
        return UserMatches([], collection.model_version)
    matches = users.search_users(
        parts.faces,
        parts.records,
        collection_id,
        np.asarray(vector[0]),
        top=top,
        min_similarity=min_similarity,
        but=user_id,
    )
    return UserMatches(matches, collection.model_version)


def users_like_photo(
    parts: Parts,
    collection_id: str,
    photo: Photo,
    *,
    top: int,
    min_similarity: float,
    options: FaceOptions,
) -> PhotoUserMatches:
    """Search for the users that the largest face of a photo may be of.

    Raises:
        CollectionNotFoundError: there is no such collection.
        ModelMismatchError: it holds faces of another model version.
        UnreadablePhotoError: the photo cannot be looked at.
        PhotoTooLargeError: it has too many bytes.
    """
    collection = require_collection(
        collection_id, model_version=parts.engine.model_version, records=parts.records
    )
    found = look(parts, photo, options).found
    if not found.faces:
        return PhotoUserMatches([], collection.model_version, None, (), found.rejected)
    matches = users.search_users(
        parts.faces,
        parts.records,
        collection_id,
        found.faces[0].embedding,
        top=top,
        min_similarity=min_similarity,
    )
    return PhotoUserMatches(
        matches, collection.model_version, found.faces[0], found.faces[1:], found.rejected
    )
