"""Users: people whose associated faces make one vector that is searched in place of the faces.

A user's vector is the mean of the embeddings of its faces. It is kept in the vector store, in a
namespace of the collection's users. Records and vectors may be in two stores, so a change first
goes to the records, which decide between callers, and then to the vector, until the record says
that the vector is of its newest version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from facerec.core.ids import first_of_group, image_id, image_key
from facerec.core.protocols import RecordStore
from facerec.core.records import User
from facerec.core.vectors import Vector
from facerec.errors import ConflictError, QuotaExceededError, UserNotFoundError
from facerec.gallery.similarity import distance_of, similarity_of
from facerec.storage.faces import FaceStore

_USER_ID = "user_id"
"""Name of the metadata of a user's vector."""

_EARLIER_USER_ID = "external_image_id"
"""The name that the metadata had before 0.1.0, in indexes that still hold it."""

MOST_FACES = 100
"""Faces of one user, as in Rekognition (``AssociateFaces``)."""

TRIES = 8
"""How often a change starts anew because another caller changed the user meanwhile."""


class UserStatus(StrEnum):
    """How far a user's vector is; the names are Rekognition's."""

    CREATED = "CREATED"
    UPDATING = "UPDATING"
    ACTIVE = "ACTIVE"


class FailureReason(StrEnum):
    """Why a face could not be associated or disassociated; the names are Rekognition's."""

    FACE_NOT_FOUND = "FACE_NOT_FOUND"
    ASSOCIATED_TO_A_DIFFERENT_USER = "ASSOCIATED_TO_A_DIFFERENT_USER"
    LOW_MATCH_CONFIDENCE = "LOW_MATCH_CONFIDENCE"


@dataclass(frozen=True, slots=True)
class FailedAssociation:
    """A face that was not associated or disassociated.

    Attributes:
        face_id: the face.
        reasons: why; empty where the user has as many faces as it may have.
        user_id: the user that has the face, if another one has.
        similarity: 0 to 1, of the face and the user, where that was too low.
    """

    face_id: str
    reasons: tuple[FailureReason, ...]
    user_id: str | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class AssociationOutcome:
    """What became of the faces of one request.

    Attributes:
        changed: ids of the faces that were associated, or disassociated.
        failed: those that were not; faces that were so already are in neither.
        status: of the user afterwards.
    """

    changed: tuple[str, ...]
    failed: tuple[FailedAssociation, ...]
    status: UserStatus


@dataclass(frozen=True, slots=True)
class UserMatch:
    """A user found near a probe.

    Attributes:
        user: the user.
        distance: Euclidean, from the probe to the mean of the user's embeddings.
        similarity: 0 to 1.
    """

    user: User
    distance: float
    similarity: float


def status_of(user: User) -> UserStatus:
    """Return how far a user's vector is."""
    if user.version != user.vector_version:
        return UserStatus.UPDATING
    return UserStatus.ACTIVE if user.face_ids else UserStatus.CREATED


def associate_faces(
    faces: FaceStore,
    users: RecordStore,
    collection_id: str,
    user_id: str,
    face_ids: Sequence[str],
    *,
    min_similarity: float,
) -> AssociationOutcome:
    """Associate faces with a user; each face that cannot be says why.

    Args:
        faces: where the collection's faces are.
        users: where its users are.
        collection_id: the collection.
        user_id: the user.
        face_ids: the faces; those that the user has already are passed over.
        min_similarity: 0 to 1; faces less similar to the user's vector, if it has one, are
            refused.

    Raises:
        UserNotFoundError: there is no such user.
        QuotaExceededError: the user has ``MOST_FACES`` faces already.
        ConflictError: other callers changed the user all the time.
    """
    for _ in range(TRIES):
        user = users.get_user(collection_id, user_id)
        if len(user.face_ids) >= MOST_FACES:
            raise QuotaExceededError(f"a user has at most {MOST_FACES} faces")
        chosen, failed = _choose(faces, users, collection_id, user, face_ids, min_similarity)
        if not chosen:
            return AssociationOutcome((), failed, status_of(user))
        try:
            user = users.change_user(collection_id, user_id, version=user.version, add=chosen)
        except ConflictError:
            continue
        user = _refresh(faces, users, collection_id, user)
        missing = _missing(faces, collection_id, chosen)
        if missing:
            # deleted while they were associated: the deletion may not have seen the user
            outcome = disassociate_faces(faces, users, collection_id, user_id, missing)
            gone = tuple(
                FailedAssociation(face_id, (FailureReason.FACE_NOT_FOUND,)) for face_id in missing
            )
            kept = tuple(face_id for face_id in chosen if face_id not in missing)
            return AssociationOutcome(kept, failed + gone, outcome.status)
        return AssociationOutcome(chosen, failed, status_of(user))
    raise ConflictError(f"user {user_id!r} is being changed by others", "try again")


def disassociate_faces(
    faces: FaceStore,
    users: RecordStore,
    collection_id: str,
    user_id: str,
    face_ids: Sequence[str],
) -> AssociationOutcome:
    """Take faces away from a user; each face that cannot be says why.

    Raises:
        UserNotFoundError: there is no such user.
        ConflictError: other callers changed the user all the time.
    """
    for _ in range(TRIES):
        user = users.get_user(collection_id, user_id)
        asked = tuple(dict.fromkeys(face_ids))
        held = set(user.face_ids)
        chosen = tuple(face_id for face_id in asked if face_id in held)
        failed = _not_held(faces, users, collection_id, user_id, asked, held)
        if not chosen:
            return AssociationOutcome((), failed, status_of(user))
        try:
            user = users.change_user(collection_id, user_id, version=user.version, remove=chosen)
        except ConflictError:
            continue
        user = _refresh(faces, users, collection_id, user)
        return AssociationOutcome(chosen, failed, status_of(user))
    raise ConflictError(f"user {user_id!r} is being changed by others", "try again")


def delete_user(faces: FaceStore, users: RecordStore, collection_id: str, user_id: str) -> None:
    """Delete a user with its vector; its faces stay in the collection.

    Raises:
        UserNotFoundError: there is no such user.
    """
    users.delete_user(collection_id, user_id)
    _put_vector(faces, collection_id, user_id, None)


def delete_vectors(faces: FaceStore, collection_id: str) -> None:
    """Delete the vectors of all users of a collection."""
    faces.vectors.delete_namespace(_namespace(collection_id))


def user_vector(faces: FaceStore, collection_id: str, user: User) -> NDArray[np.float32] | None:
    """Return the mean of a user's embeddings, float32 of shape (128,).

    None if none of its faces is left in the collection.
    """
    stored = faces.get_faces(collection_id, user.face_ids) if user.face_ids else []
    if not stored:
        return None
    mean: NDArray[np.float64] = np.mean(
        np.stack([face.embedding for face in stored]), axis=0, dtype=np.float64
    )
    return mean.astype(np.float32)


def search_users(
    faces: FaceStore,
    users: RecordStore,
    collection_id: str,
    probe: NDArray[np.float32],
    *,
    top: int,
    min_similarity: float,
    but: str | None = None,
) -> list[UserMatch]:
    """Return the users nearest to a probe, the most similar first.

    Args:
        faces: where the users' vectors are.
        users: where the users are.
        collection_id: the collection.
        probe: float32, shape (128,).
        top: the most users.
        min_similarity: 0 to 1.
        but: a user to leave out.
    """
    (found,) = faces.vectors.search(
        _namespace(collection_id),
        probe[np.newaxis],
        limit=top + (but is not None),
        max_distance=distance_of(min_similarity),
    )
    matches = []
    for match in found:
        user_id = str(match.metadata.get(_USER_ID) or match.metadata[_EARLIER_USER_ID])
        if user_id == but:
            continue
        try:
            user = users.get_user(collection_id, user_id)
        except UserNotFoundError:
            # deleted since, or its vector outlived it when a store failed
            continue
        distance = match.distance
        matches.append(UserMatch(user, distance, similarity_of(distance)))
    return matches[:top]


def _choose(
    faces: FaceStore,
    users: RecordStore,
    collection_id: str,
    user: User,
    face_ids: Sequence[str],
    min_similarity: float,
) -> tuple[tuple[str, ...], tuple[FailedAssociation, ...]]:
    asked = [face_id for face_id in dict.fromkeys(face_ids) if face_id not in user.face_ids]
    stored = {face.record.face_id: face for face in faces.get_faces(collection_id, asked)}
    owners = users.users_of_faces(collection_id, asked)
    known = user_vector(faces, collection_id, user)
    chosen: list[str] = []
    failed: list[FailedAssociation] = []
    for face_id in asked:
        if face_id not in stored:
            failed.append(FailedAssociation(face_id, (FailureReason.FACE_NOT_FOUND,)))
            continue
        if face_id in owners:
            reason = FailureReason.ASSOCIATED_TO_A_DIFFERENT_USER
            failed.append(FailedAssociation(face_id, (reason,), user_id=owners[face_id]))
            continue
        if known is not None:
            apart = stored[face_id].embedding.astype(np.float64) - known
            similarity = similarity_of(float(np.linalg.norm(apart)))
            if similarity < min_similarity:
                reason = FailureReason.LOW_MATCH_CONFIDENCE
                failed.append(FailedAssociation(face_id, (reason,), similarity=similarity))
                continue
        if len(user.face_ids) + len(chosen) >= MOST_FACES:
            failed.append(FailedAssociation(face_id, ()))
            continue
        chosen.append(face_id)
    return tuple(chosen), tuple(failed)


def _missing(faces: FaceStore, collection_id: str, face_ids: Sequence[str]) -> tuple[str, ...]:
    stored = {face.record.face_id for face in faces.get_faces(collection_id, face_ids)}
    return tuple(face_id for face_id in face_ids if face_id not in stored)


def _not_held(
    faces: FaceStore,
    users: RecordStore,
    collection_id: str,
    user_id: str,
    asked: Sequence[str],
    held: set[str],
) -> tuple[FailedAssociation, ...]:
    others = [face_id for face_id in asked if face_id not in held]
    stored = {face.record.face_id for face in faces.get_faces(collection_id, others)}
    owners = users.users_of_faces(collection_id, others)
    failed = []
    for face_id in others:
        if face_id not in stored:
            failed.append(FailedAssociation(face_id, (FailureReason.FACE_NOT_FOUND,)))
        elif owners.get(face_id, user_id) != user_id:
            reason = FailureReason.ASSOCIATED_TO_A_DIFFERENT_USER
            failed.append(FailedAssociation(face_id, (reason,), user_id=owners[face_id]))
    return tuple(failed)


def _refresh(faces: FaceStore, users: RecordStore, collection_id: str, user: User) -> User:
    """Make the vector for the newest version of a user and return the user as it is then."""
    for _ in range(TRIES):
        _put_vector(faces, collection_id, user.user_id, user_vector(faces, collection_id, user))
        if users.mark_vector(collection_id, user.user_id, user.version):
            break
        # whoever changed the user may have put its vector before this one: put the newest again
        user = users.get_user(collection_id, user.user_id)
    return users.get_user(collection_id, user.user_id)


def _put_vector(
    faces: FaceStore, collection_id: str, user_id: str, vector: NDArray[np.float32] | None
) -> None:
    namespace = _namespace(collection_id)
    group = image_key(namespace, image_id(user_id.encode()), user_id, "user")
    vectors = []
    if vector is not None:
        vectors.append(Vector(first_of_group(group), {_USER_ID: user_id}, vector))
    faces.vectors.put_groups(namespace, {group: vectors})


def _namespace(collection_id: str) -> str:
    # a collection id never contains a slash
    return f"{collection_id}/users"
