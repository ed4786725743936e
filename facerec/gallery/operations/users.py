"""Operations that manage people and associate faces with them."""

from __future__ import annotations

from collections.abc import Collection as Members
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.core.derived_names import derived_user_id
from facerec.core.history import Action
from facerec.core.limits import MAX_USER_PAGE
from facerec.core.names import checked_new_id, checked_user_id, checked_user_name, folded_name
from facerec.core.records import Correction, User
from facerec.errors import (
    AmbiguousPersonError,
    InvalidInputError,
    UserNameExistsError,
    UserNotFoundError,
)
from facerec.gallery.defaults import ASSOCIATION_THRESHOLD
from facerec.gallery.deferred import erasures
from facerec.gallery.erasing.eraser import Eraser
from facerec.gallery.listing import all_users
from facerec.gallery.operations.recorded import recorded
from facerec.gallery.paging import checked_limit, listing_of
from facerec.gallery.scores.similarity import checked_threshold

if TYPE_CHECKING:
    from facerec.core.erasures import Receipt
    from facerec.gallery.people import associations, person_search
    from facerec.gallery.people.associations import AssociationOutcome
    from facerec.gallery.people.person_search import UserPage
else:
    associations = DeferredModule("facerec.gallery.people.associations")
    person_search = DeferredModule("facerec.gallery.people.person_search")

MAX_SIMILAR = 5
"""Maximum number of similar names in the error for an unknown person."""


def shown_user(user: User) -> str:
    """Return the id of a person, with the display name if there is one."""
    return user.user_id if user.name is None else f"{user.user_id} ({user.name})"


class UserOperations(Eraser):
    """The operations of a gallery that manage people and their faces."""

    @recorded(Action.CREATE)
    def create_user(
        self,
        collection_id: str,
        user_id: str | None = None,
        *,
        name: str | None = None,
        any_case: bool = False,
    ) -> User:
        """Create a person without faces.

        Args:
            collection_id: Id of the collection.
            user_id: Id of the person; by default derived from the name, one-to-one.
            name: Display name in any script, which no other person of the collection may have.
            any_case: Whether another person may have the same name in a different case, such as
                "ann" beside "Ann".

        Raises:
            InvalidInputError: An id or the name is not valid, or the person has neither.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: Too many concurrent changes, or the deletion of the collection is not
                finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            UserExistsError: A person of this id exists.
            UserNameExistsError: Another person has the name, perhaps in a different case.
        """
        if user_id is None:
            if name is None:
                raise InvalidInputError("a new person needs an id or a name")
            user_id = derived_user_id(checked_user_name(name))
        user = self._new_user(user_id, name)
        self._get_to_change(collection_id)
        if not any_case:
            self._require_other_name(collection_id, user_id, user.name)
        self._records.create_user(collection_id, user)
        return user

    def _require_other_name(self, collection_id: str, user_id: str, name: str | None) -> None:
        """Check that a new name differs from those of other people in more than case.

        The stores check for equal names, even of concurrent requests.

        Raises:
            UserNameExistsError: Another person has the name in a different case.
        """
        if name is None:
            return
        folded = folded_name(name)
        names = self._records.list_names(collection_id)
        # Two people who already have names that differ only in case keep them.
        if name in names:
            return
        for other, owner in names.items():
            if owner != user_id and folded_name(other) == folded:
                raise UserNameExistsError(name, f"{owner} ({other})")

    def _new_user(self, user_id: str, name: str | None) -> User:
        if name is not None:
            name = checked_user_name(name)
        return User(checked_new_id(checked_user_id(user_id)), self._clock(), name=name)

    def describe_user(self, collection_id: str, user_id: str) -> User:
        """Return a person with the ids of their faces.

        Raises:
            InvalidInputError: An id is not valid.
            CollectionNotFoundError: The collection does not exist.
            UserNotFoundError: The person does not exist.
        """
        self._get(collection_id)
        return self._get_user(collection_id, user_id)

    @recorded(Action.RENAME)
    def rename_user(self, collection_id: str, user_id: str, name: str | None) -> User:
        """Set the display name of a person, or remove it; the id stays.

        Raises:
            InvalidInputError: The id or the name is not valid.
            CollectionNotFoundError: The collection does not exist.
            UserNotFoundError: The person does not exist.
            UserNameExistsError: Another person has the name, perhaps in a different case.
            ConflictError: Too many concurrent changes of the person, or the collection is being
                deleted or switched to another model version.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
        """
        if name is not None:
            name = checked_user_name(name)
        self._get_to_change(collection_id)
        self._require_other_name(collection_id, checked_user_id(user_id), name)
        return self._records.set_user_name(collection_id, user_id, name)

    def resolve_user(self, collection_id: str, text: str) -> User:
        """Return the person who has a text as id or display name.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
            UserNotFoundError: No person has this id or name; the message lists similar ones.
            AmbiguousPersonError: One person has this id, and another has this name.
        """
        self._get(collection_id)
        by_name = None
        with suppress(InvalidInputError):
            by_name = self._records.get_user_named(collection_id, checked_user_name(text))
        try:
            by_id = self._get_user(collection_id, text)
        except (InvalidInputError, UserNotFoundError):
            if by_name is not None:
                return by_name
            similar = self._users_named(collection_id, text, None) if text else ()
            raise UserNotFoundError(
                text, [shown_user(user) for user in islice(similar, MAX_SIMILAR)]
            ) from None
        if by_name is None or by_name.user_id == by_id.user_id:
            return by_id
        raise AmbiguousPersonError(text, [shown_user(by_id), shown_user(by_name)])

    @recorded(Action.DELETE)
    def delete_user(self, collection_id: str, user_id: str) -> Receipt:
        """Delete a person and the person's vector; the faces stay in the collection.

        The name and the id are erased from the history too, so this cannot be undone. An
        interrupted deletion is completed, even if the person no longer exists.

        Returns:
            Counts of the data removed from each store; see ``erase``.

        Raises:
            InvalidInputError: An id is not valid.
            CollectionNotFoundError: The collection does not exist.
            UserNotFoundError: The person does not exist.
            FacerecError: A job folder or a store fails; ``resume_erasures`` completes the deletion.
        """
        self._get(collection_id)
        if self._erasures.person_of(collection_id, checked_user_id(user_id)) is None:
            self._records.get_user(collection_id, user_id)
        selection = erasures.Selection(user_ids=frozenset((user_id,)))
        return self._erase(collection_id, erasures.SubjectKind.USER, selection)[0]

    def _delete_if_empty(self, collection_id: str, user_ids: Members[str]) -> bool:
        """Delete the people who still have no face; return whether anybody was deleted.

        Raises:
            FacerecError: A job folder or a store fails; ``resume_erasures`` completes the deletion.
        """
        selection = erasures.Selection(user_ids=frozenset(user_ids), only_empty_users=True)
        return self._erase(collection_id, erasures.SubjectKind.USER, selection)[0].users > 0

    def list_users(
        self,
        collection_id: str,
        *,
        name_contains: str | None = None,
        next_token: str | None = None,
        limit: int = MAX_USER_PAGE,
    ) -> UserPage:
        """Return a page of a collection's people, in the order of their ids.

        Args:
            collection_id: Id of the collection.
            name_contains: List only people whose display name or id contains this text; case is
                ignored.
            next_token: Token from the previous page; None for the first page.
            limit: Maximum number of people, 1 to 500.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id, ``limit`` is not
                between 1 and 500, or ``name_contains`` is empty.
            CollectionNotFoundError: The collection does not exist.
            InvalidPageTokenError: The token belongs to another listing or has expired.
        """
        checked_limit(limit, MAX_USER_PAGE)
        if name_contains is not None and not name_contains:
            raise InvalidInputError("name_contains must not be empty")
        listing = listing_of("people", self._get(collection_id), name_contains)
        after = self._after(listing, next_token)
        if name_contains is None:
            found = self._records.list_users(collection_id, after=after, limit=limit + 1)
        else:
            found = list(islice(self._users_named(collection_id, name_contains, after), limit + 1))
        page = tuple(found[:limit])
        token = self._token(listing, page[-1].user_id) if page and len(found) > limit else None
        return person_search.UserPage(collection_id, page, token)

    @recorded(Action.ADD_FACES)
    def associate_faces(
        self,
        collection_id: str,
        user_id: str,
        face_ids: Sequence[str],
        *,
        min_similarity: float = ASSOCIATION_THRESHOLD,
    ) -> AssociationOutcome:
        """Associate faces with a person; the outcome contains the reason for each failure.

        Corrections that exclude this person for these faces are removed.

        Args:
            collection_id: Id of the collection.
            user_id: Id of the person.
            face_ids: Ids of the faces; faces that already belong to the person are ignored.
            min_similarity: Minimum similarity to the person's vector, 0 to 1; not checked if the
                person has no vector.

        Raises:
            InvalidInputError: An id or ``min_similarity`` is not valid, or the request does not
                have 1 to ``MAX_FACES_OF_REQUEST`` face ids.
            CollectionNotFoundError: The collection does not exist.
            UserNotFoundError: The person does not exist.
            QuotaExceededError: The person has the maximum number of faces.
            ConflictError: Too many concurrent changes of the person, or the collection is being
                deleted or switched to another model version.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
        """
        checked_user_id(user_id)
        associations.checked_faces(face_ids)
        checked_threshold(min_similarity)
        return self._associate(collection_id, user_id, face_ids, min_similarity=min_similarity)

    def _associate(
        self, collection_id: str, user_id: str, face_ids: Sequence[str], *, min_similarity: float
    ) -> AssociationOutcome:
        """Associate any number of faces with a person.

        Raises:
            FacerecError: See ``associate_faces``.
        """
        collection = self._get_to_change(collection_id)
        outcome = associations.associate(
            self._faces.of(collection),
            self._records,
            collection_id,
            user_id,
            face_ids,
            min_similarity=min_similarity,
            cohort=self._engine_of(collection),
        )
        return self._without_corrections(outcome)

    def _create_with_faces(
        self, collection_id: str, user: User, face_ids: Sequence[str]
    ) -> AssociationOutcome:
        """Create a person together with the given faces that belong to nobody yet."""
        collection = self._get_to_change(collection_id)
        outcome = associations.create_with_faces(
            self._faces.of(collection),
            self._records,
            collection_id,
            user,
            face_ids,
            cohort=self._engine_of(collection),
        )
        return self._without_corrections(outcome)

    def _without_corrections(self, outcome: AssociationOutcome) -> AssociationOutcome:
        """Remove the corrections that exclude the person for faces that were associated."""
        lifted = [Correction(face_id, outcome.user_id) for face_id in outcome.changed]
        self._records.remove_corrections(outcome.collection_id, lifted)
        return outcome

    @recorded(Action.REMOVE_FACES)
    def disassociate_faces(
        self, collection_id: str, user_id: str, face_ids: Sequence[str]
    ) -> AssociationOutcome:
        """Disassociate faces from a person; the outcome contains the reason for each failure.

        Raises:
            InvalidInputError: An id is not valid, or the request does not have 1 to
                ``MAX_FACES_OF_REQUEST`` face ids.
            CollectionNotFoundError: The collection does not exist.
            UserNotFoundError: The person does not exist.
            ConflictError: Too many concurrent changes of the person, or the collection is being
                switched to another model version.
        """
        checked_user_id(user_id)
        associations.checked_faces(face_ids)
        faces = self._faces.of(self._get(collection_id))
        return associations.disassociate(faces, self._records, collection_id, user_id, face_ids)

    def _users_named(self, collection_id: str, name: str, after: str | None) -> Iterator[User]:
        text = folded_name(name)
        for user in all_users(collection_id, records=self._records, after=after):
            if text in folded_name(user.name or "") or text in folded_name(user.user_id):
                yield user
