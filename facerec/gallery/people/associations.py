"""Associates faces with people and disassociates them, with a reason for each failure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.core.ids import checked_face_id
from facerec.errors import (
    ConflictError,
    DissimilarFaceError,
    FaceInUseError,
    FaceNotFoundError,
    FacerecError,
    InvalidInputError,
    QuotaExceededError,
    UserNotFoundError,
)
from facerec.gallery.people.user_vectors import MAX_ATTEMPTS, refresh_vector, user_vector
from facerec.gallery.scores.scoring import is_match, similarity_between, stats_of, stats_of_stored

if TYPE_CHECKING:
    from facerec.core.protocols.engine import Cohort
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import User
    from facerec.storage.faces import FaceStore

MAX_FACES_OF_USER = 100
"""Maximum number of faces of one person, as in Rekognition
(https://docs.aws.amazon.com/rekognition/latest/APIReference/API_AssociateFaces.html)."""


MAX_FACES_OF_REQUEST = 100
"""Maximum number of faces that a request associates or disassociates, as in Rekognition (same
page)."""


class UserStatus(StrEnum):
    """State of a person's vector; the names are Rekognition's."""

    CREATED = "CREATED"
    """The person has no faces, and so no vector."""
    UPDATING = "UPDATING"
    """The vector does not include the latest change of the faces."""
    ACTIVE = "ACTIVE"
    """The vector is up to date."""


class AssociationFailureReason(StrEnum):
    """Why a face was not associated or disassociated; the names are Rekognition's."""

    FACE_NOT_FOUND = "FACE_NOT_FOUND"
    ASSOCIATED_TO_A_DIFFERENT_USER = "ASSOCIATED_TO_A_DIFFERENT_USER"
    LOW_MATCH_CONFIDENCE = "LOW_MATCH_CONFIDENCE"


@dataclass(frozen=True, slots=True)
class FailedAssociation:
    """A face that was not associated or disassociated.

    Attributes:
        face_id: Id of the face.
        reasons: The reasons; empty if the person already has the maximum number of faces.
        user_id: The other person that the face is associated with, if that is the reason.
        similarity: Similarity of face and person, 0 to 1, if that is the reason.
    """

    face_id: str
    reasons: tuple[AssociationFailureReason, ...]
    user_id: str | None = None
    similarity: float | None = None

    def to_error(self) -> FacerecError:
        """Return the failure as an error, for callers that requested only this face."""
        if self.user_id is not None:
            return FaceInUseError(self.face_id, self.user_id)
        if self.similarity is not None:
            return DissimilarFaceError(self.face_id, self.similarity)
        if AssociationFailureReason.FACE_NOT_FOUND in self.reasons:
            return FaceNotFoundError(self.face_id)
        return _too_many_faces()


@dataclass(frozen=True, slots=True)
class AssociationOutcome:
    """The outcome of a request to associate or disassociate faces.

    Attributes:
        collection_id: Id of the collection.
        user_id: Id of the person.
        changed: Ids of the faces that were associated or disassociated.
        failed: Faces that were not changed, with reasons. Faces that needed no change are in
            neither list.
        status: State of the person afterwards.
    """

    collection_id: str
    user_id: str
    changed: tuple[str, ...]
    failed: tuple[FailedAssociation, ...]
    status: UserStatus


def checked_faces(face_ids: Sequence[str]) -> None:
    """Check the faces of a request.

    Raises:
        InvalidInputError: An id is not valid, or there are too few or too many ids.
    """
    if isinstance(face_ids, str):
        raise InvalidInputError("face_ids must be a list of face ids, not a string")
    if not 1 <= len(face_ids) <= MAX_FACES_OF_REQUEST:
        raise InvalidInputError(
            f"a request must name 1 to {MAX_FACES_OF_REQUEST} faces, got {len(face_ids)}"
        )
    for face_id in face_ids:
        checked_face_id(face_id)


def status_of(user: User) -> UserStatus:
    """Return the status of a person's vector."""
    if user.version != user.vector_version:
        return UserStatus.UPDATING
    return UserStatus.ACTIVE if user.face_ids else UserStatus.CREATED


def associate(
    faces: FaceStore,
    records: RecordStore,
    collection_id: str,
    user_id: str,
    face_ids: Sequence[str],
    *,
    min_similarity: float,
    cohort: Cohort,
) -> AssociationOutcome:
    """Associate faces with a person; see ``Gallery.associate_faces``.

    Raises:
        CollectionNotFoundError: The collection was deleted concurrently.
        UserNotFoundError: The person does not exist.
        QuotaExceededError: The person has the maximum number of faces.
        ConflictError: Too many concurrent changes of the person, or the collection is being
            switched to another model version.
    """
    for _ in range(MAX_ATTEMPTS):
        user = records.get_user(collection_id, user_id)
        new = [face_id for face_id in dict.fromkeys(face_ids) if face_id not in user.face_ids]
        if new and len(user.face_ids) >= MAX_FACES_OF_USER:
            raise _too_many_faces()
        chosen, failed = _choose(faces, records, collection_id, user, new, min_similarity, cohort)
        if not chosen:
            return AssociationOutcome(collection_id, user_id, (), failed, status_of(user))
        try:
            user = records.change_user(collection_id, user_id, version=user.version, add=chosen)
        except ConflictError:
            continue
        user = refresh_vector(faces, records, collection_id, user)
        outcome = AssociationOutcome(collection_id, user_id, chosen, failed, status_of(user))
        return _without_deleted(faces, records, collection_id, user_id, outcome)
    raise too_many_changes(user_id)


def create_with_faces(
    faces: FaceStore,
    records: RecordStore,
    collection_id: str,
    user: User,
    face_ids: Sequence[str],
    *,
    cohort: Cohort,
) -> AssociationOutcome:
    """Create a person together with faces, so that the person never exists without any.

    If no face can be associated, the person is not created.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        UserExistsError: A person of this id exists.
        UserNameExistsError: Another person has the name.
        ConflictError: Too many concurrent changes of the faces, or the collection is being switched
            to another model version.
    """
    for _ in range(MAX_ATTEMPTS):
        chosen, failed = _choose(faces, records, collection_id, user, face_ids, 0.0, cohort)
        if not chosen:
            return AssociationOutcome(collection_id, user.user_id, (), failed, status_of(user))
        try:
            records.create_user(collection_id, replace(user, face_ids=chosen))
        except ConflictError:
            continue
        created = records.get_user(collection_id, user.user_id)
        created = refresh_vector(faces, records, collection_id, created)
        outcome = AssociationOutcome(
            collection_id, user.user_id, chosen, failed, status_of(created)
        )
        return _without_deleted(faces, records, collection_id, user.user_id, outcome)
    raise too_many_changes(user.user_id)


def disassociate(
    faces: FaceStore,
    records: RecordStore,
    collection_id: str,
    user_id: str,
    face_ids: Sequence[str],
) -> AssociationOutcome:
    """Disassociate faces from a person; see ``Gallery.disassociate_faces``.

    Raises:
        CollectionNotFoundError: The collection was deleted concurrently.
        UserNotFoundError: The person does not exist.
        ConflictError: Too many concurrent changes of the person, or the collection is being
            switched to another model version.
    """
    requested = tuple(dict.fromkeys(face_ids))
    for _ in range(MAX_ATTEMPTS):
        user = records.get_user(collection_id, user_id)
        held = frozenset(user.face_ids)
        chosen = tuple(face_id for face_id in requested if face_id in held)
        others = [face_id for face_id in requested if face_id not in held]
        failed = tuple(_not_associated(faces, records, collection_id, user_id, others))
        if not chosen:
            return AssociationOutcome(collection_id, user_id, (), failed, status_of(user))
        try:
            user = records.change_user(collection_id, user_id, version=user.version, remove=chosen)
        except ConflictError:
            continue
        user = refresh_vector(faces, records, collection_id, user)
        return AssociationOutcome(collection_id, user_id, chosen, failed, status_of(user))
    raise too_many_changes(user_id)


def update_owners(
    faces: FaceStore,
    records: RecordStore,
    collection_id: str,
    face_ids: Collection[str],
    removed: Collection[str],
) -> frozenset[str]:
    """Recompute the vectors of the people whose faces changed; return the ids of these people.

    Args:
        faces: Store of faces and of the people's vectors.
        records: Store of the people.
        collection_id: Id of the collection.
        face_ids: Ids of the faces that changed or were removed.
        removed: Ids of the faces that are no longer stored, to disassociate from their people.

    Raises:
        CollectionNotFoundError: The collection was deleted concurrently.
        ConflictError: Too many concurrent changes of a person.
    """
    owners = records.users_of_faces(collection_id, sorted(face_ids)) if face_ids else {}
    lost: dict[str, list[str]] = {user_id: [] for user_id in owners.values()}
    for face_id in removed:
        if face_id in owners:
            lost[owners[face_id]].append(face_id)
    for user_id in sorted(lost):
        update_user(faces, records, collection_id, user_id, lost[user_id])
    if removed and owners:
        records.free_faces(collection_id, sorted(owners.keys() & set(removed)))
    return frozenset(lost)


def update_user(
    faces: FaceStore,
    records: RecordStore,
    collection_id: str,
    user_id: str,
    removed: Collection[str],
) -> None:
    """Recompute a person's vector after faces of the person changed or were removed.

    Args:
        faces: Store of faces and of the people's vectors.
        records: Store of the people.
        collection_id: Id of the collection.
        user_id: Id of the person, who may have been deleted.
        removed: Ids of faces that are no longer stored, to disassociate from the person.

    Raises:
        CollectionNotFoundError: The collection was deleted concurrently.
        ConflictError: Too many concurrent changes of the person.
    """
    with suppress(UserNotFoundError):
        for _ in range(MAX_ATTEMPTS):
            user = records.get_user(collection_id, user_id)
            gone = tuple(face_id for face_id in user.face_ids if face_id in removed)
            # Even without a face to remove, the version increases: a concurrent caller that
            # computed the vector from the earlier faces then computes it again.
            try:
                user = records.change_user(
                    collection_id, user_id, version=user.version, remove=gone
                )
            except ConflictError:
                continue
            # During a switch to another model version, the store refuses the vector. The process
            # that ends or resumes the switch stores the vectors of all people whose records have a
            # newer version.
            with suppress(ConflictError):
                refresh_vector(faces, records, collection_id, user)
            return
        raise too_many_changes(user_id)


def _choose(
    faces: FaceStore,
    records: RecordStore,
    collection_id: str,
    user: User,
    face_ids: Sequence[str],
    min_similarity: float,
    cohort: Cohort,
) -> tuple[tuple[str, ...], tuple[FailedAssociation, ...]]:
    """Return the ids of the faces that can be associated, and the failures."""
    stored = {face.record.face_id: face for face in faces.get_faces(collection_id, face_ids)}
    owners = records.users_of_faces(collection_id, face_ids)
    vector = user_vector(faces, collection_id, user)
    stats = None if vector is None else stats_of(vector, cohort)
    chosen: list[str] = []
    failed: list[FailedAssociation] = []
    for face_id in face_ids:
        if face_id not in stored:
            failed.append(_not_found(face_id))
            continue
        if face_id in owners:
            failed.append(_other_user(face_id, owners[face_id]))
            continue
        if vector is not None and stats is not None:
            face = stored[face_id]
            distance = float(np.linalg.norm(face.embedding.astype(np.float64) - vector))
            similarity = similarity_between(distance, stats, stats_of_stored(face, cohort))
            if not is_match(similarity, min_similarity):
                reason = AssociationFailureReason.LOW_MATCH_CONFIDENCE
                failed.append(FailedAssociation(face_id, (reason,), similarity=similarity))
                continue
        if len(user.face_ids) + len(chosen) >= MAX_FACES_OF_USER:
            failed.append(FailedAssociation(face_id, ()))
            continue
        chosen.append(face_id)
    return tuple(chosen), tuple(failed)


def _without_deleted(
    faces: FaceStore,
    records: RecordStore,
    collection_id: str,
    user_id: str,
    outcome: AssociationOutcome,
) -> AssociationOutcome:
    """Disassociate faces that were deleted while they were associated."""
    stored = {face.record.face_id for face in faces.get_faces(collection_id, outcome.changed)}
    deleted = tuple(face_id for face_id in outcome.changed if face_id not in stored)
    if not deleted:
        return outcome
    status = disassociate(faces, records, collection_id, user_id, deleted).status
    return AssociationOutcome(
        collection_id,
        user_id,
        tuple(face_id for face_id in outcome.changed if face_id in stored),
        outcome.failed + tuple(_not_found(face_id) for face_id in deleted),
        status,
    )


def _not_associated(
    faces: FaceStore,
    records: RecordStore,
    collection_id: str,
    user_id: str,
    face_ids: Sequence[str],
) -> Iterator[FailedAssociation]:
    """Yield a failure for each face that cannot be disassociated from the person."""
    stored = {face.record.face_id for face in faces.get_faces(collection_id, face_ids)}
    owners = records.users_of_faces(collection_id, face_ids)
    for face_id in face_ids:
        if face_id not in stored:
            yield _not_found(face_id)
        elif owners.get(face_id, user_id) != user_id:
            yield _other_user(face_id, owners[face_id])


def _not_found(face_id: str) -> FailedAssociation:
    return FailedAssociation(face_id, (AssociationFailureReason.FACE_NOT_FOUND,))


def _other_user(face_id: str, user_id: str) -> FailedAssociation:
    reason = AssociationFailureReason.ASSOCIATED_TO_A_DIFFERENT_USER
    return FailedAssociation(face_id, (reason,), user_id=user_id)


def _too_many_faces() -> QuotaExceededError:
    return QuotaExceededError(
        f"a person has at most {MAX_FACES_OF_USER} faces",
        "disassociate faces that are similar to others of this person",
    )


def too_many_changes(user_id: str) -> ConflictError:
    """Return the error for a change of a person that failed because of concurrent changes."""
    return ConflictError(f"person {user_id!r} is being changed by other callers", "try again")
