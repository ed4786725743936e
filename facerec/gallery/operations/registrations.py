"""Operations on registered people, who agreed to be matched against new photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.history import Action
from facerec.core.names import checked_user_id
from facerec.core.registrations import checked_registration
from facerec.errors import InvalidInputError
from facerec.gallery.base import GalleryBase
from facerec.gallery.operations.recorded import recorded

if TYPE_CHECKING:
    from datetime import date

    from facerec.core.protocols.registrations import RegistrationStore
    from facerec.core.records import User


class RegistrationOperations(GalleryBase):
    """The operations of a gallery on registered people."""

    @recorded(Action.REGISTER)
    def register_user(
        self, collection_id: str, user_id: str, *, consent: date | str, expires: date | str
    ) -> User:
        """Register a person to be matched against photos that are indexed from now on.

        Args:
            collection_id: Id of the collection.
            user_id: Id of the person; one who is registered gets the new days.
            consent: Day on which the person agreed to it, as a date or ``YYYY-MM-DD``.
            expires: First day, in UTC, on which the consent no longer holds.

        Raises:
            InvalidInputError: The id or a day is not valid, the consent has expired, or the stores
                do not support registered people.
            CollectionNotFoundError: The collection does not exist.
            UserNotFoundError: The person does not exist.
            ConflictError: The deletion of the collection is not finished.
        """
        store = self._registration_store()
        registration = checked_registration(consent, expires, self._clock())
        self._to_change(collection_id)
        return store.set_registration(collection_id, checked_user_id(user_id), registration)

    @recorded(Action.UNREGISTER)
    def unregister_user(self, collection_id: str, user_id: str) -> User:
        """Remove the registration of a person, if there is one; from now on nothing matches.

        Raises:
            InvalidInputError: The id is not valid, or the stores do not support registered people.
            CollectionNotFoundError: The collection does not exist.
            UserNotFoundError: The person does not exist.
        """
        store = self._registration_store()
        self._get(collection_id)
        return store.set_registration(collection_id, checked_user_id(user_id), None)

    def _registration_store(self) -> RegistrationStore:
        if self._registrations is None:
            raise InvalidInputError(
                "the stores of this deployment do not support registered people",
                "register people in the store of one machine; see docs/people.md",
            )
        return self._registrations
