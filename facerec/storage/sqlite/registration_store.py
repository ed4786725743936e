"""The registered people of the embedded store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.override import override
from facerec.core.protocols.registrations import RegistrationStore
from facerec.storage.sqlite import users

if TYPE_CHECKING:
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
