"""The registered people of a DynamoDB table, and the events of their matches."""

from __future__ import annotations

from collections.abc import Collection as Members
from collections.abc import Sequence
from typing import TYPE_CHECKING

from facerec.core.override import override
from facerec.core.protocols.registrations import RegistrationStore
from facerec.storage.dynamodb import events, registrations, requests

if TYPE_CHECKING:
    from facerec.core.events import KeptEvent, MatchEvent
    from facerec.core.records import User
    from facerec.core.registrations import Registration
    from facerec.storage.dynamodb.table import Table


class DynamoDBRegistrations(RegistrationStore):
    """A ``RegistrationStore`` in the table of the records.

    Faces are in another store: code that deletes faces must also call ``delete_events``.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    @override
    def set_registration(
        self, collection_id: str, user_id: str, registration: Registration | None
    ) -> User:
        user = registrations.set_registration(self._table, collection_id, user_id, registration)
        requests.forget(self._table, [user_id])
        return user

    @override
    def list_registered(self, collection_id: str) -> list[User]:
        return registrations.list_registered(self._table, collection_id)

    @override
    def put_events(self, new: Sequence[MatchEvent], now: float) -> None:
        events.put(self._table, new, now)

    @override
    def claim_event(self, now: float, due_at: float) -> KeptEvent | None:
        return events.claim(self._table, now, due_at)

    @override
    def note_delivered(self, event: MatchEvent, now: float) -> None:
        events.note_delivered(self._table, event, now)

    @override
    def note_undelivered(self, event: MatchEvent, problem: str, due_at: float) -> None:
        events.note_undelivered(self._table, event, problem, due_at)

    @override
    def delete_events(self, collection_id: str, face_ids: Members[str]) -> None:
        events.delete_of_faces(self._table, collection_id, face_ids)

    @override
    def retry_events(self, collection_id: str, now: float) -> int:
        return events.retry(self._table, collection_id, now)

    @override
    def list_events(
        self,
        collection_id: str,
        *,
        undelivered: bool = False,
        before: tuple[float, str] | None = None,
        limit: int = 100,
    ) -> list[KeptEvent]:
        return events.list_before(self._table, collection_id, undelivered, before, limit)

    @override
    def events_about(
        self, collection_id: str, user_ids: Members[str], face_ids: Members[str]
    ) -> list[KeptEvent]:
        return events.about(self._table, collection_id, user_ids, face_ids)
