"""The protocol of stores of registered people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from facerec.core.records import User
    from facerec.core.registrations import Registration


class RegistrationStore(Protocol):
    """Registrations of people. They are deleted with the person and with the collection."""

    def set_registration(
        self, collection_id: str, user_id: str, registration: Registration | None
    ) -> User:
        """Set or remove the registration of a person, and return the person.

        Raises:
            UserNotFoundError: the person does not exist.
        """
        ...

    def list_registered(self, collection_id: str) -> list[User]:
        """Return the people with a registration, also an expired one, ordered by id."""
        ...
