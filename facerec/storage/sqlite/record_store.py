"""The records of the embedded store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Members
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING

from facerec.core.override import override
from facerec.core.protocols.records import RecordStore
from facerec.errors import StoreUnavailableError, UserNotFoundError
from facerec.storage.access_key_store import AccessKeyStore
from facerec.storage.sqlite import (
    access_keys,
    collections,
    corrections,
    history,
    requests,
    tags,
    tombstones,
    users,
)
from facerec.storage.sqlite.tags import put_tags

if TYPE_CHECKING:
    from facerec.core.history import Entry
    from facerec.core.records import AnsweredRequest, Collection, Correction, User
    from facerec.storage.access_keys import AccessKey
    from facerec.storage.sqlite.database import Database


class SqliteRecords(RecordStore, AccessKeyStore):
    """A ``RecordStore`` and ``AccessKeyStore`` in one file.

    The records of a collection are deleted with it, by triggers of the schema. Its faces are not.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    def create_collection(
        self, collection: Collection, *, tags: Mapping[str, str] | None = None
    ) -> None:
        with self._database.writing() as connection:
            collections.create(connection, collection)
            put_tags(connection, collection.collection_id, tags or {})

    @override
    def get_collection(self, collection_id: str) -> Collection:
        with self._database.reading() as connection:
            return collections.get(connection, collection_id)

    @override
    def list_collections(self, *, after: str | None = None, limit: int = 1000) -> list[Collection]:
        with self._database.reading() as connection:
            return collections.list_after(connection, after, limit)

    @override
    def delete_collection(self, collection_id: str, created_at: float | None = None) -> None:
        with self._database.writing() as connection:
            collections.delete(connection, collection_id, created_at)
        self._clear_log()

    @override
    def delete_unowned(self, *, stop: Callable[[], bool] = lambda: False) -> dict[str, int]:
        """Do nothing: each deletion is one transaction, which leaves nothing."""
        return {}

    @override
    def set_threshold(self, collection_id: str, threshold: float | None) -> None:
        with self._database.writing() as connection:
            collections.set_threshold(connection, collection_id, threshold)

    @override
    def create_user(self, collection_id: str, user: User) -> None:
        with self._database.writing() as connection:
            users.create(connection, collection_id, user)

    @override
    def get_user(self, collection_id: str, user_id: str) -> User:
        with self._database.reading() as connection:
            return users.get(connection, collection_id, user_id)

    @override
    def get_users(self, collection_id: str, user_ids: Sequence[str]) -> list[User]:
        with self._database.reading() as connection:
            return users.get_many(connection, collection_id, user_ids)

    @override
    def list_users(
        self, collection_id: str, *, after: str | None = None, limit: int = 1000
    ) -> list[User]:
        with self._database.reading() as connection:
            return users.list_after(connection, collection_id, after, limit)

    @override
    def get_user_named(self, collection_id: str, name: str) -> User | None:
        with self._database.reading() as connection:
            return users.get_named(connection, collection_id, name)

    @override
    def list_names(self, collection_id: str) -> dict[str, str]:
        with self._database.reading() as connection:
            return users.list_names(connection, collection_id)

    @override
    def count_users(self, collection_id: str) -> int:
        with self._database.reading() as connection:
            return users.count(connection, collection_id)

    @override
    def delete_user(
        self,
        collection_id: str,
        user_id: str,
        *,
        created_at: float | None = None,
        no_faces_but: Members[str] | None = None,
    ) -> bool:
        with self._database.writing() as connection:
            user = users.get(connection, collection_id, user_id)
            if created_at not in (None, user.created_at):
                raise UserNotFoundError(user_id)
            if no_faces_but is not None and not set(user.face_ids) <= set(no_faces_but):
                return False
            users.delete(connection, collection_id, user_id)
        self._clear_log()
        return True

    @override
    def change_user(
        self,
        collection_id: str,
        user_id: str,
        *,
        version: int,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
    ) -> User:
        with self._database.writing() as connection:
            return users.change(connection, collection_id, user_id, version, add, remove)

    @override
    def set_user_name(self, collection_id: str, user_id: str, name: str | None) -> User:
        with self._database.writing() as connection:
            user = users.set_name(connection, collection_id, user_id, name)
        self._clear_log()
        return user

    @override
    def move_faces(
        self, collection_id: str, face_ids: Sequence[str], *, source: User, target: User
    ) -> tuple[User, User]:
        with self._database.writing() as connection:
            return users.move(connection, collection_id, face_ids, source, target)

    @override
    def set_vector_version(self, collection_id: str, user: User) -> bool:
        with self._database.writing() as connection:
            return users.set_vector_version(connection, collection_id, user)

    @override
    def free_faces(self, collection_id: str, face_ids: Sequence[str]) -> None:
        """Do nothing: people are deleted with their associations, in one transaction."""

    @override
    def users_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> dict[str, str]:
        with self._database.reading() as connection:
            return users.users_of_faces(connection, collection_id, face_ids)

    @override
    def add_corrections(self, collection_id: str, corrected: Sequence[Correction]) -> None:
        with self._database.writing() as connection:
            corrections.add(connection, collection_id, corrected)

    @override
    def remove_corrections(self, collection_id: str, corrected: Sequence[Correction]) -> int:
        with self._database.writing() as connection:
            removed = corrections.remove(connection, collection_id, corrected)
        if removed:
            self._clear_log()
        return removed

    @override
    def corrections_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[Correction]:
        with self._database.reading() as connection:
            return corrections.of_faces(connection, collection_id, face_ids)

    @override
    def corrections_of_people(self, collection_id: str, people: Sequence[str]) -> list[Correction]:
        with self._database.reading() as connection:
            return corrections.of_people(connection, collection_id, people)

    @override
    def list_corrections(
        self, collection_id: str, *, after: Correction | None = None, limit: int = 1000
    ) -> list[Correction]:
        with self._database.reading() as connection:
            return corrections.list_after(connection, collection_id, after, limit)

    @override
    def transaction(self) -> AbstractContextManager[None]:
        return self._database.transaction()

    @override
    def list_history(
        self,
        collection_id: str,
        *,
        subject: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> list[Entry]:
        with self._database.reading() as connection:
            return history.list_before(connection, collection_id, subject, before, limit)

    @override
    def get_history(self, collection_id: str, entry_id: str) -> Entry | None:
        with self._database.reading() as connection:
            return history.get(connection, collection_id, entry_id)

    @override
    def get_history_subjects(self, collection_id: str, subjects: Members[str]) -> frozenset[str]:
        with self._database.reading() as connection:
            return history.get_subjects(connection, collection_id, subjects)

    @override
    def put_history(self, collection_id: str, entries: Sequence[Entry]) -> None:
        with self._database.writing() as connection:
            history.put(connection, collection_id, entries)

    @override
    def erase_history(
        self, collection_id: str, *, people: Members[str], face_ids: Members[str]
    ) -> tuple[int, frozenset[str]]:
        with self._database.writing() as connection:
            erased = history.erase(connection, collection_id, people, face_ids)
        if erased[0]:
            self._clear_log()
        return erased

    @override
    def expire_history(self, collection_id: str, before: float) -> int:
        with self._database.writing() as connection:
            expired = history.expire(connection, collection_id, before)
        if expired:
            self._clear_log()
        return expired

    @override
    def get_tags(self, collection_id: str) -> dict[str, str]:
        with self._database.reading() as connection:
            return tags.get(connection, collection_id)

    @override
    def change_tags(
        self,
        collection_id: str,
        *,
        put: Mapping[str, str] | None = None,
        remove: Sequence[str] = (),
        limit: int = 200,
    ) -> None:
        with self._database.writing() as connection:
            tags.change(connection, collection_id, put or {}, remove, limit)
        if remove:
            self._clear_log()

    def _clear_log(self) -> None:
        """Empty the write-ahead log, which may contain deleted names.

        If another process is reading it, the next deletion empties it.
        """
        with suppress(StoreUnavailableError):
            self._database.clear_log()

    @override
    def get_tombstone_key(self, collection_id: str) -> bytes | None:
        with self._database.reading() as connection:
            return tombstones.get_key(connection, collection_id)

    @override
    def create_tombstone_key(self, collection_id: str, key: bytes) -> bytes:
        with self._database.writing() as connection:
            return tombstones.create_key(connection, collection_id, key)

    @override
    def get_tombstones(
        self, collection_id: str, photos: Sequence[str]
    ) -> dict[str, frozenset[str]]:
        with self._database.reading() as connection:
            return tombstones.get(connection, collection_id, photos)

    @override
    def list_tombstones(
        self, collection_id: str, *, after: str | None = None, limit: int = 1000
    ) -> dict[str, frozenset[str]]:
        with self._database.reading() as connection:
            return tombstones.list_photos(connection, collection_id, after or "", limit)

    @override
    def put_tombstones(self, collection_id: str, places: Mapping[str, Members[str]]) -> None:
        with self._database.writing() as connection:
            tombstones.put(connection, collection_id, places)

    @override
    def delete_tombstones(self, collection_id: str, places: Mapping[str, Members[str]]) -> None:
        with self._database.writing() as connection:
            tombstones.delete(connection, collection_id, places)

    @override
    def get_request(self, token: str, now: float) -> AnsweredRequest | None:
        with self._database.reading() as connection:
            return requests.get(connection, token, now)

    @override
    def keep_request(self, token: str, request: AnsweredRequest, now: float) -> None:
        with self._database.writing() as connection:
            requests.keep(connection, token, request, now)

    @override
    def get_answers(self, ids: Sequence[str]) -> list[str]:
        with self._database.reading() as connection:
            return requests.get_answers(connection, ids)

    @override
    def forget_answers(self, ids: Sequence[str]) -> int:
        with self._database.writing() as connection:
            forgotten = requests.forget_answers(connection, ids)
        if forgotten:
            self._clear_log()
        return forgotten

    @override
    def put_access_key(self, key: AccessKey) -> None:
        with self._database.writing() as connection:
            access_keys.put(connection, key)

    @override
    def get_access_key(self, access_key_id: str) -> AccessKey:
        with self._database.reading() as connection:
            return access_keys.get(connection, access_key_id)

    @override
    def list_access_keys(self) -> list[AccessKey]:
        with self._database.reading() as connection:
            return access_keys.list_all(connection)

    @override
    def delete_access_key(self, access_key_id: str) -> None:
        with self._database.writing() as connection:
            access_keys.delete(connection, access_key_id)
        self._database.clear_log()
