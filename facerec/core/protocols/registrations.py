"""The protocol of stores of registered people and of the events of their matches."""

from __future__ import annotations

from collections.abc import Collection as Members
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from facerec.core.events import KeptEvent, MatchEvent
    from facerec.core.records import User
    from facerec.core.registrations import Registration


class RegistrationStore(Protocol):
    """Registrations of people, and the outbox of events.

    Both are deleted with the person and with the collection, and an event also with its face. If
    the faces are in another store, code that deletes faces must call ``delete_events``. Times are
    in seconds since 1970. Each method raises a ``FacerecError``, such as ``StoreUnavailableError``,
    if the store fails.
    """

    def set_registration(
        self, collection_id: str, user_id: str, registration: Registration | None
    ) -> User:
        """Set or remove the registration of a person, and return the person.

        Undelivered events of the person are deleted, unless the new consent continues the earlier
        one (``Registration.continues``). If the registration changes, stored answers that name the
        person are deleted.

        Raises:
            UserNotFoundError: The person does not exist.
            ConflictError: There are too many concurrent changes.
        """
        ...

    def list_registered(self, collection_id: str) -> list[User]:
        """Return the people with a registration, including expired ones, ordered by id."""
        ...

    def put_events(self, new: Sequence[MatchEvent], now: float) -> None:
        """Add events to the outbox.

        Events that it contains already are ignored, as are those of people whose consent does not
        hold at ``now``.

        Raises:
            ConflictError: There are too many concurrent changes.
        """
        ...

    def claim_event(self, now: float, due_at: float) -> KeptEvent | None:
        """Return the event of any collection that has been due longest at ``now``.

        Returns None if no event is due. The event counts as attempted, and is due again at
        ``due_at``, so that no other process delivers it until then. An event is deleted instead if
        the person's consent no longer holds, or a later correction states that the face does not
        show the person.

        Raises:
            ConflictError: There are too many concurrent changes.
        """
        ...

    def note_delivered(self, event: MatchEvent, now: float) -> None:
        """Note that an event was delivered at ``now``; do nothing if it has since been deleted.

        Raises:
            ConflictError: There are too many concurrent changes.
        """
        ...

    def note_undelivered(self, event: MatchEvent, problem: str, due_at: float) -> None:
        """Note why an event was not delivered, and when the next attempt is due.

        Does nothing if the event has since been deleted.

        Raises:
            ConflictError: There are too many concurrent changes.
        """
        ...

    def delete_events(self, collection_id: str, face_ids: Members[str]) -> None:
        """Delete the events of faces, whether or not the faces still exist.

        Raises:
            ConflictError: There are too many concurrent changes.
        """
        ...

    def retry_events(self, collection_id: str, now: float) -> int:
        """Schedule the next attempt at ``now`` for all events whose delivery failed.

        Returns:
            The number of these events.

        Raises:
            ConflictError: There are too many concurrent changes.
        """
        ...

    def list_events(
        self,
        collection_id: str,
        *,
        undelivered: bool = False,
        before: tuple[float, str] | None = None,
        limit: int = 100,
    ) -> list[KeptEvent]:
        """Return events, newest first.

        Args:
            collection_id: The collection.
            undelivered: Whether to return only events that were not delivered.
            before: ``matched_at`` and id of the last event of the previous page.
            limit: Maximum number of events.
        """
        ...

    def events_about(
        self, collection_id: str, user_ids: Members[str], face_ids: Members[str]
    ) -> list[KeptEvent]:
        """Return the events of people and of faces, oldest first."""
        ...
