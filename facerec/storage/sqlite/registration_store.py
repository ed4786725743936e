"""The registered people of the embedded store, and the events of their matches."""

from __future__ import annotations

from collections.abc import Collection as Members
from collections.abc import Sequence
from typing import TYPE_CHECKING

from facerec.core.override import override
from facerec.core.protocols.registrations import RegistrationStore
from facerec.storage.sqlite import events, users

if TYPE_CHECKING:
    from facerec.core.events import KeptEvent, MatchEvent
    from facerec.core.records import User
    from facerec.core.registrations import Registration
    from facerec.storage.sqlite.database import Database


class SqliteRegistrations(RegistrationStore):
    """A ``RegistrationStore`` in the same file as the faces."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    def set_registration(
        self, collection_id: str, user_id: str, registration: Registration | None
    ) -> User:
        with self._database.writing() as connection:
            return users.set_registration(connection, collection_id, user_id, registration)

    @override
    def list_registered(self, collection_id: str) -> list[User]:
        with self._database.reading() as connection:
            return users.list_registered(connection, collection_id)

    @override
    def put_events(self, new: Sequence[MatchEvent], now: float) -> None:
        with self._database.writing() as connection:
            events.put(connection, new, now)

    @override
    def claim_event(self, now: float, due_at: float) -> KeptEvent | None:
        # Usually nothing is due, and a read does not wait for writers.
        with self._database.reading() as connection:
            if not events.is_due(connection, now):
                return None
        with self._database.writing() as connection:
            return events.claim(connection, now, due_at)

    @override
    def note_delivered(self, event: MatchEvent, now: float) -> None:
        with self._database.writing() as connection:
            events.note_delivered(connection, event.event_id, now)

    @override
    def note_undelivered(self, event: MatchEvent, problem: str, due_at: float) -> None:
        with self._database.writing() as connection:
            events.note_undelivered(connection, event.event_id, problem, due_at)

    @override
    def delete_events(self, collection_id: str, face_ids: Members[str]) -> None:
        with self._database.writing() as connection:
            events.delete_of_faces(connection, collection_id, face_ids)

    @override
    def retry_events(self, collection_id: str, now: float) -> int:
        with self._database.writing() as connection:
            return events.retry(connection, collection_id, now)

    @override
    def list_events(
        self,
        collection_id: str,
        *,
        undelivered: bool = False,
        before: tuple[float, str] | None = None,
        limit: int = 100,
    ) -> list[KeptEvent]:
        with self._database.reading() as connection:
            return events.list_before(connection, collection_id, undelivered, before, limit)

    @override
    def events_about(
        self, collection_id: str, user_ids: Members[str], face_ids: Members[str]
    ) -> list[KeptEvent]:
        with self._database.reading() as connection:
            return events.about(connection, collection_id, user_ids, face_ids)
