"""Users, tags, answered requests and access keys in the embedded store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from facerec.core.records import AnsweredRequest, User
from facerec.storage.access_keys import AccessKey
from facerec.storage.sqlite import access_keys, requests, tags, users
from facerec.storage.sqlite.database import Database


class ServiceRecords:
    """A ``UserStore``, ``TagStore``, ``RequestStore`` and ``AccessKeyStore`` in one file.

    What belongs to a collection is deleted with it, by a trigger of the schema.
    """

    _database: Database

    def create_user(self, collection_id: str, user: User) -> None:
        """See ``UserStore``."""
        with self._database.writing() as connection:
            users.create(connection, collection_id, user)

    def get_user(self, collection_id: str, user_id: str) -> User:
        """See ``UserStore``."""
        with self._database.reading() as connection:
            return users.get(connection, collection_id, user_id)

    def list_users(
        self, collection_id: str, *, after: str | None = None, limit: int = 1000
    ) -> list[User]:
        """See ``UserStore``."""
        with self._database.reading() as connection:
            return users.list_behind(connection, collection_id, after, limit)

    def count_users(self, collection_id: str) -> int:
        """See ``UserStore``."""
        with self._database.reading() as connection:
            return users.count(connection, collection_id)

    def delete_user(self, collection_id: str, user_id: str) -> None:
        """See ``UserStore``."""
        with self._database.writing() as connection:
            users.delete(connection, collection_id, user_id)

    def change_user(
        self,
        collection_id: str,
        user_id: str,
        *,
        version: int,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
    ) -> User:
        """See ``UserStore``."""
        with self._database.writing() as connection:
            return users.change(connection, collection_id, user_id, version, add, remove)

    def mark_vector(self, collection_id: str, user_id: str, version: int) -> bool:
        """See ``UserStore``."""
        with self._database.writing() as connection:
            return users.mark_vector(connection, collection_id, user_id, version)

    def users_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> dict[str, str]:
        """See ``UserStore``."""
        with self._database.reading() as connection:
            return users.users_of_faces(connection, collection_id, face_ids)

    def get_tags(self, collection_id: str) -> dict[str, str]:
        """See ``TagStore``."""
        with self._database.reading() as connection:
            return tags.get(connection, collection_id)

    def change_tags(
        self,
        collection_id: str,
        *,
        put: Mapping[str, str] | None = None,
        remove: Sequence[str] = (),
        most: int = 200,
    ) -> None:
        """See ``TagStore``."""
        with self._database.writing() as connection:
            tags.change(connection, collection_id, put or {}, remove, most)

    def find_request(self, token: str, now: float) -> AnsweredRequest | None:
        """See ``RequestStore``."""
        with self._database.reading() as connection:
            return requests.find(connection, token, now)

    def keep_request(self, token: str, request: AnsweredRequest, now: float) -> None:
        """See ``RequestStore``."""
        with self._database.writing() as connection:
            requests.keep(connection, token, request, now)

    def put_access_key(self, key: AccessKey) -> None:
        """See ``AccessKeyStore``."""
        with self._database.writing() as connection:
            access_keys.put(connection, key)

    def get_access_key(self, access_key_id: str) -> AccessKey:
        """See ``AccessKeyStore``."""
        with self._database.reading() as connection:
            return access_keys.get(connection, access_key_id)

    def list_access_keys(self) -> list[AccessKey]:
        """See ``AccessKeyStore``."""
        with self._database.reading() as connection:
            return access_keys.list_all(connection)

    def delete_access_key(self, access_key_id: str) -> None:
        """See ``AccessKeyStore``."""
        with self._database.writing() as connection:
            access_keys.delete(connection, access_key_id)
        self._database.clear_log()
