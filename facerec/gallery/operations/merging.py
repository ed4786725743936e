"""Merges and splits people; an interruption leaves no face without its person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.core.history import Action
from facerec.core.ids import is_uuid
from facerec.core.names import checked_new_id, checked_user_id, checked_user_name
from facerec.core.recording import recording
from facerec.core.records import Correction, User
from facerec.errors import (
    ConflictError,
    FaceInUseError,
    FaceNotFoundError,
    InvalidInputError,
    PersonChangeError,
    QuotaExceededError,
    UserExistsError,
)
from facerec.gallery.operations.recorded import recorded
from facerec.gallery.operations.users import UserOperations
from facerec.gallery.people.user_vectors import MAX_ATTEMPTS, refresh_vector

if TYPE_CHECKING:
    from facerec.gallery.people import associations
    from facerec.storage.faces import FaceStore
else:
    associations = DeferredModule("facerec.gallery.people.associations")


class MergeOperations(UserOperations):
    """The operations of a gallery that merge and split people."""

    def merge_users(self, collection_id: str, user_id: str, other_id: str) -> User:
        """Move all faces of one person to another, and delete the person left without faces.

        Corrections about the deleted person become corrections about the remaining one, except
        those stating that the two are different people. A registration of the deleted person is
        lost, with its undelivered events. After an interruption, the same call completes the merge.

        Args:
            collection_id: Id of the collection.
            user_id: Id of the person who gets the faces, and keeps the id and the display name.
            other_id: Id of the person to delete.

        Returns:
            The person with all faces.

        Raises:
            InvalidInputError: An id is not valid.
            PersonChangeError: Both ids are the same.
            CollectionNotFoundError: The collection does not exist.
            UserNotFoundError: A person does not exist.
            QuotaExceededError: The two together exceed the maximum number of faces of a person.
            ConflictError: Too many concurrent changes of the people, or the collection is being
                deleted or switched to another model version.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            FacerecError: A store fails while the person is deleted; ``resume_erasures`` completes
                the deletion.
        """
        self._get(collection_id)
        checked_user_id(user_id)
        checked_user_id(other_id)
        if user_id == other_id:
            raise PersonChangeError(
                f"person {user_id!r} cannot be merged with itself", "name two different people"
            )
        with recording(Action.MERGE, self._clock(), into=user_id):
            return self._merge(collection_id, user_id, other_id)

    def _merge(self, collection_id: str, user_id: str, other_id: str) -> User:
        faces = self._faces.of(self._get_to_change(collection_id))
        for _ in range(MAX_ATTEMPTS):
            merged = self._merge_faces(faces, collection_id, user_id, other_id)
            self._delete_if_empty(collection_id, [other_id])
            # A face that the other person was given in the meantime is moved too.
            if not self._records.get_users(collection_id, [other_id]):
                return merged
        raise associations.too_many_changes(other_id)

    def _merge_faces(
        self, faces: FaceStore, collection_id: str, user_id: str, other_id: str
    ) -> User:
        """Move the faces and corrections of another person to a person; return the person."""
        merged = self._move_all(collection_id, user_id, other_id)
        own = [Correction(face_id, user_id) for face_id in merged.face_ids]
        about = self._records.corrections_of_people(collection_id, [other_id])
        others = [each.face_id for each in about if each.face_id not in merged.face_ids]
        self._records.add_corrections(
            collection_id, [Correction(face_id, user_id) for face_id in others]
        )
        self._records.remove_corrections(collection_id, own)
        # Searches find the faces as this person's before the other person is deleted.
        return refresh_vector(faces, self._records, collection_id, merged)

    @recorded(Action.SPLIT)
    def split_user(
        self,
        collection_id: str,
        user_id: str,
        face_ids: Sequence[str],
        new_user_id: str,
        *,
        name: str | None = None,
    ) -> User:
        """Move some faces of a person to a new person, and return the new person.

        Args:
            collection_id: Id of the collection.
            user_id: Id of the person.
            face_ids: Ids of the faces that show somebody else.
            new_user_id: Id of the new person. An existing person must have no faces, except those
                that an interrupted call of this split has already moved.
            name: Display name of a person who is created.

        Raises:
            InvalidInputError: An id or the name is not valid, the new person has the id of a face,
                or the request does not have 1 to ``MAX_FACES_OF_REQUEST`` faces.
            PersonChangeError: A face has no person, or the person would have no face left.
            CollectionNotFoundError: The collection does not exist.
            UserNotFoundError: The person does not exist.
            UserExistsError: The new person has other faces.
            UserNameExistsError: Another person has the name, perhaps in a different case.
            FaceNotFoundError: The collection has no such face.
            FaceInUseError: A face belongs to another person.
            ConflictError: Too many concurrent changes of the people, or the collection is being
                deleted or switched to another model version.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
        """
        checked_user_id(user_id)
        checked_new_id(checked_user_id(new_user_id))
        kept_name = None if name is None else checked_user_name(name)
        chosen = list(dict.fromkeys(face_ids))
        associations.checked_faces(face_ids)
        faces = self._faces.of(self._get_to_change(collection_id))
        self._check_no_face(collection_id, new_user_id)
        moved = [user.face_ids for user in self._records.get_users(collection_id, [new_user_id])]
        source = self._records.get_user(collection_id, user_id)
        self._left_to_split(collection_id, source, chosen, moved[0] if moved else ())
        new = User(new_user_id, self._clock(), name=kept_name)
        for _ in range(MAX_ATTEMPTS):
            # An interrupted split leaves a person without faces, or with some of these.
            if not self._records.get_users(collection_id, [new_user_id]):
                self._require_other_name(collection_id, new_user_id, kept_name)
                self._records.create_user(collection_id, new)
            source = self._records.get_user(collection_id, user_id)
            target = self._records.get_user(collection_id, new_user_id)
            left = self._left_to_split(collection_id, source, chosen, target.face_ids)
            if not set(target.face_ids) < set(chosen):
                raise UserExistsError(new_user_id)
            try:
                source, target = self._records.move_faces(
                    collection_id, left, source=source, target=target
                )
            except ConflictError:
                continue
            refresh_vector(faces, self._records, collection_id, source)
            return refresh_vector(faces, self._records, collection_id, target)
        raise associations.too_many_changes(user_id)

    def _move_all(self, collection_id: str, user_id: str, other_id: str) -> User:
        for _ in range(MAX_ATTEMPTS):
            target = self._records.get_user(collection_id, user_id)
            source = self._records.get_user(collection_id, other_id)
            if not source.face_ids:
                return target
            if len(target.face_ids) + len(source.face_ids) > associations.MAX_FACES_OF_USER:
                raise QuotaExceededError(
                    f"the two people together have over {associations.MAX_FACES_OF_USER} faces",
                    "remove some faces of one of them first",
                )
            try:
                _, target = self._records.move_faces(
                    collection_id, source.face_ids, source=source, target=target
                )
            except ConflictError:
                continue
            return target
        raise associations.too_many_changes(user_id)

    def _check_no_face(self, collection_id: str, new_user_id: str) -> None:
        """Check that the id of a new person is not also the id of a face.

        A caller who forgets the id of the new person passes the id of a face instead.

        Raises:
            InvalidInputError: A face has this id.
        """
        if is_uuid(new_user_id) and self._faces.get_faces(collection_id, [new_user_id]):
            raise InvalidInputError(
                f"the id {new_user_id!r} of the new person is that of a face",
                "specify both an id for the new person and the ids of the faces",
            )

    def _left_to_split(
        self, collection_id: str, source: User, chosen: Sequence[str], moved: Sequence[str]
    ) -> list[str]:
        """Return the faces that a split still has to move to the new person.

        Args:
            collection_id: The collection.
            source: The person who is split.
            chosen: Ids of all faces of the split.
            moved: Ids of the faces of the new person.

        Raises:
            FaceInUseError: A face belongs to another person.
            FaceNotFoundError: The collection has no such face.
            PersonChangeError: A face has no person, or the person would have no face left.
        """
        held = source.face_ids
        others = [face_id for face_id in chosen if face_id not in held]
        if others and not (set(moved) == set(others) and len(others) < len(chosen)):
            owners = self._records.users_of_faces(collection_id, others)
            if others[0] in owners:
                raise FaceInUseError(others[0], owners[others[0]])
            if not self._faces.get_faces(collection_id, others[:1]):
                raise FaceNotFoundError(others[0])
            raise PersonChangeError(
                f"face {others[0]} is not associated with person {source.user_id!r}",
                "check the id, or associate the face with a person directly",
            )
        left = [face_id for face_id in chosen if face_id in held]
        if len(left) == len(held):
            raise PersonChangeError(
                f"the split would leave person {source.user_id!r} without faces",
                "rename the person instead",
            )
        return left
