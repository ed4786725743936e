"""The faces of a collection: listed and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facerec.core.records import FaceRecord
from facerec.gallery.paging import page_token, read_page_token
from facerec.gallery.service.parts import Parts


@dataclass(frozen=True, slots=True)
class ListedFace:
    """A stored face and the user that it is associated with, if any."""

    record: FaceRecord
    user_id: str | None


@dataclass(frozen=True, slots=True)
class FacePage:
    """Some faces of a collection, and the token of the page behind them, if any."""

    faces: list[ListedFace]
    next_token: str | None
    model_version: str


@dataclass(frozen=True, slots=True)
class UndeletedFace:
    """A face that was not deleted: its user still needs it, or there is none of this id."""

    face_id: str
    user_id: str | None


@dataclass(frozen=True, slots=True)
class DeletedFaces:
    """Ids of the faces that were deleted, and those that were not."""

    deleted: list[str]
    undeleted: list[UndeletedFace]


def list_faces(
    parts: Parts,
    collection_id: str,
    token: str | None,
    limit: int,
    *,
    user_id: str | None = None,
    face_ids: Sequence[str] | None = None,
) -> FacePage:
    """Return a page of faces in the order of their ids, only some if a filter says so.

    Raises:
        CollectionNotFoundError: there is no such collection.
        UserNotFoundError: there is no such user.
        InvalidPageTokenError: the token is not of this listing, or too old.
    """
    now = parts.clock()
    collection = parts.records.get_collection(collection_id)
    listing = f"faces of {collection_id} of {user_id}"
    after = None if token is None else read_page_token(listing, token, now)
    wanted = None if face_ids is None else set(face_ids)
    if user_id is not None:
        held = set(parts.records.get_user(collection_id, user_id).face_ids)
        wanted = held if wanted is None else wanted & held
    if wanted is None:
        found = parts.faces.list_faces(collection_id, after=after, limit=limit + 1)
    else:
        behind = sorted(face_id for face_id in wanted if face_id > (after or ""))
        stored = parts.faces.get_faces(collection_id, behind)
        found = [face.record for face in stored[: limit + 1]]
    page = found[:limit]
    next_token = page_token(listing, page[-1].face_id, now) if len(found) > limit else None
    return FacePage(with_users(parts, collection_id, page), next_token, collection.model_version)


def with_users(parts: Parts, collection_id: str, records: Sequence[FaceRecord]) -> list[ListedFace]:
    """Return faces with the users that they are associated with."""
    owners = parts.records.users_of_faces(collection_id, [record.face_id for record in records])
    return [ListedFace(record, owners.get(record.face_id)) for record in records]


def delete_faces(parts: Parts, collection_id: str, face_ids: Sequence[str]) -> DeletedFaces:
    """Delete faces for good, but for those that are associated with a user.

    Raises:
        CollectionNotFoundError: there is no such collection.
    """
    parts.records.get_collection(collection_id)
    asked = list(dict.fromkeys(face_ids))
    owners = parts.records.users_of_faces(collection_id, asked)
    free = [face_id for face_id in asked if face_id not in owners]
    # before the store forgets them: an interruption must leave something to call again for
    parts.copies.forget_faces(collection_id, free)
    gone = set(parts.faces.delete_faces(collection_id, free))
    return DeletedFaces(
        [face_id for face_id in asked if face_id in gone],
        [UndeletedFace(face_id, owners.get(face_id)) for face_id in asked if face_id not in gone],
    )
