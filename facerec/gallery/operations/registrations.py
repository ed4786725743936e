"""Operations on registered people, who are matched against new photos, and on the matches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.history import Action
from facerec.core.limits import DEFAULT_EVENTS, MAX_EVENTS
from facerec.core.names import checked_user_id
from facerec.core.records import creation_of, generation_of
from facerec.core.registrations import checked_registration
from facerec.errors import InvalidInputError
from facerec.gallery.base import GalleryBase
from facerec.gallery.deferred import collection_results
from facerec.gallery.operations.recorded import recorded
from facerec.gallery.paging import checked_limit, listing_of
from facerec.gallery.people.names import display_names

if TYPE_CHECKING:
    from datetime import date

    from facerec.core.protocols.registrations import RegistrationStore
    from facerec.core.records import User
    from facerec.gallery.collection_results import EventPage


class RegistrationOperations(GalleryBase):
    """The operations of a gallery on registered people."""

    @recorded(Action.REGISTER)
    def register_user(
        self, collection_id: str, user_id: str, *, consent: date | str, expires: date | str
    ) -> User:
        """Register a person to be matched against photos that are indexed from now on.

        Undelivered events of an earlier registration are deleted if that registration had expired
        on the day of the new consent.

        Args:
            collection_id: Id of the collection.
            user_id: Id of the person. If the person is already registered, the new days replace the
                earlier ones.
            consent: Day on which the person agreed to be matched, as a date or ``YYYY-MM-DD``.
            expires: First day, in UTC, on which the consent no longer holds.

        Raises:
            InvalidInputError: The id or a day is not valid, the consent is dated in the future or
                has expired, the stores do not support registered people, or the deployment does not
                match them.
            CollectionNotFoundError: The collection does not exist.
            UserNotFoundError: The person does not exist.
            ConflictError: Too many concurrent changes of the person, or the deletion of the
                collection is not finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
        """
        store = self._registration_store()
        if not self._matches_registered:
            raise InvalidInputError(
                "this deployment does not match photos against registered people",
                "set the parameter EventBusArn of the stack; see docs/people.md",
            )
        registration = checked_registration(consent, expires, self._clock())
        self._get_to_change(collection_id)
        return store.set_registration(collection_id, checked_user_id(user_id), registration)

    @recorded(Action.UNREGISTER)
    def unregister_user(self, collection_id: str, user_id: str) -> User:
        """Remove the registration of a person, if there is one, and undelivered events.

        From then on, new faces are not matched with the person.

        Raises:
            InvalidInputError: An id is not valid, or the stores do not support registered people.
            CollectionNotFoundError: The collection does not exist.
            UserNotFoundError: The person does not exist.
            ConflictError: Too many concurrent changes of the person.
        """
        store = self._registration_store()
        self._get(collection_id)
        return store.set_registration(collection_id, checked_user_id(user_id), None)

    def list_events(
        self,
        collection_id: str,
        *,
        undelivered: bool = False,
        next_token: str | None = None,
        limit: int = DEFAULT_EVENTS,
    ) -> EventPage:
        """Return a page of the matches of new faces with registered people, newest first.

        Args:
            collection_id: Id of the collection.
            undelivered: Whether to return only events that were not delivered.
            next_token: Token from the previous page; None for the first page.
            limit: Maximum number of events, 1 to ``MAX_EVENTS``.

        Raises:
            InvalidInputError: ``collection_id`` or ``limit`` is not valid, or the stores do not
                support registered people.
            CollectionNotFoundError: The collection does not exist.
            InvalidPageTokenError: The token belongs to another listing or has expired.
        """
        checked_limit(limit, MAX_EVENTS)
        store = self._registration_store()
        listing = listing_of("events", self._get(collection_id), undelivered)
        last_seen = self._after(listing, next_token)
        before = None
        if last_seen is not None:
            at, _, event_id = last_seen.partition(":")
            before = (creation_of(at), event_id)
        found = store.list_events(
            collection_id, undelivered=undelivered, before=before, limit=limit + 1
        )
        token = None
        if len(found) > limit:
            last = found[limit - 1].event
            token = self._token(listing, f"{generation_of(last.matched_at)}:{last.event_id}")
        page = tuple(found[:limit])
        people = (kept.event.user_id for kept in page)
        names = display_names(collection_id, people, records=self._records)
        return collection_results.EventPage(collection_id, page, token, names)

    def retry_events(self, collection_id: str) -> int:
        """Schedule undelivered events for another attempt now; return their number.

        They are delivered by a server with a webhook, or by the next job with a webhook on this
        machine; on AWS by a function of the stack.

        Raises:
            InvalidInputError: ``collection_id`` is not valid, or the stores do not support
                registered people.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: Too many concurrent changes of an event.
        """
        store = self._registration_store()
        self._get(collection_id)
        return store.retry_events(collection_id, self._clock())

    def _registration_store(self) -> RegistrationStore:
        if self._registrations is None:
            raise InvalidInputError(
                "the stores of this deployment do not support registered people",
                "keep the records in SQLite or DynamoDB; see docs/people.md",
            )
        return self._registrations
