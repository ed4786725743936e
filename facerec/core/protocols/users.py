"""The protocol of stores of people."""

from __future__ import annotations

from collections.abc import Collection as Members
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from facerec.core.records import User


class UserRecords(Protocol):
    """The people of collections, and which faces are associated with them."""

    def create_user(self, collection_id: str, user: User) -> None:
        """Create a person together with their faces, which belong to nobody yet.

        Adding the faces is a change of the person, which increases the version.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            UserExistsError: The person already exists; exactly one of two concurrent callers gets
                this.
            UserNameExistsError: Another person has this name; exactly one of two concurrent callers
                gets this.
            ConflictError: A face already belongs to a person, or there are too many concurrent
                changes. Nothing was changed, or the person was created with some of the faces.
        """
        ...

    def get_user(self, collection_id: str, user_id: str) -> User:
        """Return a person.

        Raises:
            UserNotFoundError: The person does not exist.
        """
        ...

    def get_users(self, collection_id: str, user_ids: Sequence[str]) -> list[User]:
        """Return the existing people in the order of ``user_ids``."""
        ...

    def get_user_named(self, collection_id: str, name: str) -> User | None:
        """Return the person who has a display name; None if there is none."""
        ...

    def list_names(self, collection_id: str) -> dict[str, str]:
        """Return the ids of the people who have a display name, by this name."""
        ...

    def list_users(
        self, collection_id: str, *, after: str | None = None, limit: int = 1000
    ) -> list[User]:
        """Return people ordered by id, starting after the id ``after``."""
        ...

    def count_users(self, collection_id: str) -> int:
        """Return the number of people of a collection."""
        ...

    def delete_user(
        self,
        collection_id: str,
        user_id: str,
        *,
        created_at: float | None = None,
        no_faces_but: Members[str] | None = None,
    ) -> bool:
        """Delete a person and their associations, but not their faces.

        The registration, the events, and the stored answers that name the person are deleted too.

        Args:
            collection_id: The person's collection.
            user_id: The person.
            created_at: When the person was created, in seconds since 1970; somebody who was created
                at another time, with the same id, does not count. None deletes anybody.
            no_faces_but: Keep the person, with the registration, if they have faces other than
                these, even one that was added concurrently; None deletes the person in any case.

        Returns:
            Whether the person was deleted; False only with ``no_faces_but``.

        Raises:
            UserNotFoundError: The person does not exist, or was created at another time.
            ConflictError: There are too many concurrent changes.
        """
        ...

    def change_user(
        self,
        collection_id: str,
        user_id: str,
        *,
        version: int,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
    ) -> User:
        """Associate and disassociate faces, and return the changed person.

        A store with transactions makes all changes or none; others, up to 97 faces at a time.

        Args:
            collection_id: The person's collection.
            user_id: The person.
            version: The version of the person that the caller has read.
            add: Ids of faces that belong to no person.
            remove: Ids of faces that belong to this person.

        Raises:
            UserNotFoundError: The person does not exist.
            ConflictError: The version has changed, or a face already belongs to a person; nothing,
                or only a part, was changed.
        """
        ...

    def set_user_name(self, collection_id: str, user_id: str, name: str | None) -> User:
        """Set or remove the display name of a person, and return the person.

        Stored answers that name the person are deleted.

        Raises:
            UserNotFoundError: The person does not exist.
            UserNameExistsError: Another person has the name; nothing was changed.
            ConflictError: There are too many concurrent changes.
        """
        ...

    def move_faces(
        self, collection_id: str, face_ids: Sequence[str], *, source: User, target: User
    ) -> tuple[User, User]:
        """Associate faces of one person with another, and return both people.

        At any moment, each face belongs to exactly one of the two people.

        Args:
            collection_id: The people's collection.
            face_ids: Ids of faces of the source.
            source: The person who loses the faces, as last read by the caller.
            target: The person who gains the faces, as last read by the caller.

        Raises:
            UserNotFoundError: A person does not exist.
            ConflictError: A version has changed, or a face is not the source's. No faces, or only
                some of them, were moved.
        """
        ...

    def set_vector_version(self, collection_id: str, user: User) -> bool:
        """Record that a person's vector was computed from this version of the person.

        Returns False if the version is stale, or if the person was deleted in the meantime, even if
        the person was created again.
        """
        ...

    def free_faces(self, collection_id: str, face_ids: Sequence[str]) -> None:
        """Remove associations of faces with people who do not exist.

        Interrupted deletions of earlier releases have left them. Associations with people who exist
        stay.

        Raises:
            ConflictError: There are too many concurrent changes.
        """
        ...

    def users_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> dict[str, str]:
        """Return the user ids of faces by face id; faces without a person are omitted."""
        ...
