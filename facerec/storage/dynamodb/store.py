"""Records, registered people, events, migrations and clusters in one DynamoDB table.

Every item has a partition key ``pk`` and a sort key ``sk``, both text:

| what | pk | sk |
| --- | --- | --- |
| a collection, with its tags | ``collections`` | the collection's id |
| a person, with the ids of their faces | ``users#`` and the collection's id | the person's id |
| the person who has a display name | ``names#`` and the collection's id | the name |
| a face's person | ``faces#`` and the collection's id | the face's id |
| the people that a face does not show | ``corrections#`` and the collection's id | the face's id |
| the faces that do not show a person | ``corrected#`` and the collection's id | the person |
| a step of the history of people | ``history#`` and the collection's id | see ``history`` |
| deleted faces of a photo | ``deleted#`` and the collection's id | keyed hash of the photo |
| the key of these hashes | ``deleted#`` and the collection's id | ``key`` |
| the mark that a person is registered | ``registered#`` and the collection's id | the person's id |
| an event, with its delivery | ``events#`` and the collection's id | its time and id |
| the event of a face and a person | ``matched#`` and the collection's id | both ids |
| clusters and marks of faces | ``clusters#`` and the collection's id | see ``cluster_items`` |
| an event that was not delivered | ``outbox`` | when it is due, and its id |
| an answered request | ``requests`` | the token |
| where a sweep stopped | ``sweep`` | ``place`` |

A time to live of the table must use the attribute ``ttl``, which only answered requests have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Members
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from facerec.core.aws_region import aws_region
from facerec.core.override import override
from facerec.core.protocols.records import RecordStore
from facerec.errors import UserNotFoundError
from facerec.storage.dynamodb import (
    cluster_shards,
    collections,
    corrections,
    events,
    history,
    requests,
    tags,
    tombstones,
    unowned,
    users,
)
from facerec.storage.dynamodb.items import (
    association_key,
    face_corrections_key,
    person_corrections_key,
    to_collection,
    to_user,
    user_key,
    user_name_key,
    user_names_partition,
    users_partition,
)
from facerec.storage.dynamodb.migration_store import DynamoDBMigrations
from facerec.storage.dynamodb.registration_store import DynamoDBRegistrations
from facerec.storage.dynamodb.table import Table, repeat_conflicts

if TYPE_CHECKING:
    from facerec.core.history import Entry
    from facerec.core.records import AnsweredRequest, Collection, Correction, User
    from facerec.storage.dynamodb.cluster_store import DynamoDBClusters
    from facerec.storage.dynamodb.clustering_claims import ClusteringClaims
    from facerec.storage.faces import FaceStore


def open_dynamodb_store(table: str, region: str | None = None) -> DynamoDBStore:
    """Open the records in a table with the credentials of the environment.

    Without a region, the region of the environment is used.
    """
    import boto3
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "total_max_attempts": 5}, max_pool_connections=32)
    return DynamoDBStore(
        boto3.client("dynamodb", region_name=aws_region(region), config=config), table
    )


class DynamoDBStore(DynamoDBRegistrations, DynamoDBMigrations, RecordStore):
    """A ``RecordStore`` with registered people and migrations; threads may share it.

    All reads are consistent.
    """

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - boto3 has no types
        repeat_conflicts(client)
        super().__init__(Table(client, table))

    def open_clusters(self, faces: FaceStore) -> DynamoDBClusters:
        """Return the clusters of the collections, whose faces are in another store."""
        from facerec.storage.dynamodb.cluster_store import DynamoDBClusters

        return DynamoDBClusters(self._table, faces)

    def open_clustering_claims(self) -> ClusteringClaims:
        """Return the claims to start clusterings."""
        from facerec.storage.dynamodb.clustering_claims import ClusteringClaims

        return ClusteringClaims(self._table)

    def forget_faces(self, collection_id: str, face_ids: Sequence[str]) -> None:
        """Remove all data about deleted faces from the clusters of a collection.

        Raises:
            ConflictError: There are too many concurrent changes.
        """
        cluster_shards.forget_faces(self._table, collection_id, face_ids)

    @override
    def create_collection(
        self, collection: Collection, *, tags: Mapping[str, str] | None = None
    ) -> None:
        collections.create(self._table, collection, tags or {})

    @override
    def get_collection(self, collection_id: str) -> Collection:
        return to_collection(collections.get_item(self._table, collection_id))

    @override
    def list_collections(self, *, after: str | None = None, limit: int = 1000) -> list[Collection]:
        return collections.list_after(self._table, after, limit)

    @override
    def delete_collection(self, collection_id: str, created_at: float | None = None) -> None:
        self.forget_answers(collections.delete(self._table, collection_id, created_at))

    @override
    def delete_unowned(self, *, stop: Callable[[], bool] = lambda: False) -> dict[str, int]:
        return unowned.delete_everywhere(self._table, stop)

    @override
    def set_threshold(self, collection_id: str, threshold: float | None) -> None:
        collections.set_threshold(self._table, collection_id, threshold)

    @override
    def create_user(self, collection_id: str, user: User) -> None:
        users.create_user(self._table, collection_id, user)

    @override
    def get_user(self, collection_id: str, user_id: str) -> User:
        return users.get_user(self._table, collection_id, user_id)

    @override
    def get_users(self, collection_id: str, user_ids: Sequence[str]) -> list[User]:
        keys = (user_key(collection_id, user_id) for user_id in user_ids)
        found = {item["sk"]["S"]: to_user(item) for item in self._table.get_many(keys)}
        return [found[user_id] for user_id in user_ids if user_id in found]

    @override
    def list_users(
        self, collection_id: str, *, after: str | None = None, limit: int = 1000
    ) -> list[User]:
        items = self._table.items(users_partition(collection_id), after, limit)
        return [to_user(item) for item in items]

    @override
    def get_user_named(self, collection_id: str, name: str) -> User | None:
        item = self._table.get(user_name_key(collection_id, name))
        found = [] if item is None else self.get_users(collection_id, [item["user_id"]["S"]])
        return found[0] if found else None

    @override
    def list_names(self, collection_id: str) -> dict[str, str]:
        items = self._table.all_items(user_names_partition(collection_id))
        return {item["sk"]["S"]: item["user_id"]["S"] for item in items}

    @override
    def count_users(self, collection_id: str) -> int:
        return self._table.count(users_partition(collection_id))

    @override
    def delete_user(
        self,
        collection_id: str,
        user_id: str,
        *,
        created_at: float | None = None,
        no_faces_but: Members[str] | None = None,
    ) -> bool:
        try:
            deleted = users.delete_user(
                self._table, collection_id, user_id, created_at, no_faces_but
            )
        except UserNotFoundError:
            # An attempt that was killed may have left events of the person.
            if not self.get_users(collection_id, [user_id]):
                events.delete_of_person(self._table, collection_id, user_id)
            raise
        if not deleted:
            return False
        # No process can add or claim an event of a person who does not exist.
        events.delete_of_person(self._table, collection_id, user_id)
        self.forget_answers([user_id])
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
        """Change a person's faces; over 97 take several transactions, and a later one can fail."""
        user = self.get_user(collection_id, user_id)
        return users.change_user(self._table, collection_id, user, version, add, remove)

    @override
    def set_user_name(self, collection_id: str, user_id: str, name: str | None) -> User:
        user = users.set_name(self._table, collection_id, user_id, name)
        self.forget_answers([user_id])
        return user

    @override
    def move_faces(
        self, collection_id: str, face_ids: Sequence[str], *, source: User, target: User
    ) -> tuple[User, User]:
        """Move faces; more than 97 take several transactions, and a later one can fail."""
        return users.move_faces(self._table, collection_id, face_ids, source, target)

    @override
    def set_vector_version(self, collection_id: str, user: User) -> bool:
        return users.set_vector_version(self._table, collection_id, user)

    @override
    def users_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> dict[str, str]:
        keys = (association_key(collection_id, face_id) for face_id in face_ids)
        return {item["sk"]["S"]: item["user_id"]["S"] for item in self._table.get_many(keys)}

    @override
    def free_faces(self, collection_id: str, face_ids: Sequence[str]) -> None:
        unowned.free_faces(self._table, collection_id, face_ids)

    @override
    def add_corrections(self, collection_id: str, corrected: Sequence[Correction]) -> None:
        """Add corrections; more than 33 take several transactions, and a later one can fail."""
        corrections.add_corrections(self._table, collection_id, corrected)

    @override
    def remove_corrections(self, collection_id: str, corrected: Sequence[Correction]) -> int:
        return corrections.remove_corrections(self._table, collection_id, corrected)

    @override
    def corrections_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[Correction]:
        keys = (face_corrections_key(collection_id, face_id) for face_id in face_ids)
        return corrections.read_corrections(self._table, keys)

    @override
    def corrections_of_people(self, collection_id: str, people: Sequence[str]) -> list[Correction]:
        keys = (person_corrections_key(collection_id, person) for person in people)
        return corrections.read_corrections(self._table, keys)

    @override
    def list_corrections(
        self, collection_id: str, *, after: Correction | None = None, limit: int = 1000
    ) -> list[Correction]:
        return corrections.list_corrections(self._table, collection_id, after, limit)

    @override
    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()

    @override
    def list_history(
        self,
        collection_id: str,
        *,
        subject: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> list[Entry]:
        return history.list_before(self._table, collection_id, subject, before, limit)

    @override
    def get_history(self, collection_id: str, entry_id: str) -> Entry | None:
        return history.get(self._table, collection_id, entry_id)

    @override
    def get_history_subjects(self, collection_id: str, subjects: Members[str]) -> frozenset[str]:
        return history.get_subjects(self._table, collection_id, subjects)

    @override
    def put_history(self, collection_id: str, entries: Sequence[Entry]) -> None:
        history.put(self._table, collection_id, entries)

    @override
    def erase_history(
        self, collection_id: str, *, people: Members[str], face_ids: Members[str]
    ) -> tuple[int, frozenset[str]]:
        return history.erase(self._table, collection_id, people, face_ids)

    @override
    def expire_history(self, collection_id: str, before: float) -> int:
        return history.expire(self._table, collection_id, before)

    @override
    def get_tags(self, collection_id: str) -> dict[str, str]:
        return tags.get_tags(self._table, collection_id)

    @override
    def change_tags(
        self,
        collection_id: str,
        *,
        put: Mapping[str, str] | None = None,
        remove: Sequence[str] = (),
        limit: int = 200,
    ) -> None:
        tags.change_tags(self._table, collection_id, put, remove, limit)

    @override
    def get_tombstone_key(self, collection_id: str) -> bytes | None:
        return tombstones.get_key(self._table, collection_id)

    @override
    def create_tombstone_key(self, collection_id: str, key: bytes) -> bytes:
        return tombstones.create_key(self._table, collection_id, key)

    @override
    def get_tombstones(
        self, collection_id: str, photos: Sequence[str]
    ) -> dict[str, frozenset[str]]:
        return tombstones.get(self._table, collection_id, photos)

    @override
    def list_tombstones(
        self, collection_id: str, *, after: str | None = None, limit: int = 1000
    ) -> dict[str, frozenset[str]]:
        return tombstones.list_photos(self._table, collection_id, after, limit)

    @override
    def put_tombstones(self, collection_id: str, places: Mapping[str, Members[str]]) -> None:
        tombstones.put(self._table, collection_id, places)

    @override
    def delete_tombstones(self, collection_id: str, places: Mapping[str, Members[str]]) -> None:
        tombstones.delete(self._table, collection_id, places)

    @override
    def get_request(self, token: str, now: float) -> AnsweredRequest | None:
        return requests.get(self._table, token, now)

    @override
    def keep_request(self, token: str, request: AnsweredRequest, now: float) -> None:
        requests.keep(self._table, token, request, now)

    @override
    def get_answers(self, ids: Sequence[str]) -> list[str]:
        return requests.get_answers(self._table, ids)

    @override
    def forget_answers(self, ids: Sequence[str]) -> int:
        return requests.forget(self._table, ids)
