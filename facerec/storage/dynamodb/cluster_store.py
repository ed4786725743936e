"""Clusters in a DynamoDB table; their faces are in another store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from facerec.core.arrays import np
from facerec.core.batches import batches
from facerec.core.clusters import Cluster, FaceArrays
from facerec.core.history import Step, StepKind
from facerec.core.override import override
from facerec.core.protocols.clusters import ClusterStore
from facerec.errors import CollectionNotFoundError
from facerec.storage.dynamodb import history
from facerec.storage.dynamodb.cluster_head import read_head, write_decision
from facerec.storage.dynamodb.cluster_items import (
    IGNORED,
    NOT_A_FACE,
    by_shard,
    cluster_key,
    ignored_key,
    members_of,
    not_face_key,
)
from facerec.storage.dynamodb.cluster_membership import (
    Membership,
    face_id_array,
    read_membership,
)
from facerec.storage.dynamodb.cluster_reading import Reading, read_faces
from facerec.storage.dynamodb.cluster_saving import save
from facerec.storage.dynamodb.cluster_shards import forget_faces, remove_from_shards
from facerec.storage.dynamodb.collections import get_item
from facerec.storage.dynamodb.items import (
    association_key,
    associations_partition,
    clusters_partition,
    to_collection,
)
from facerec.storage.dynamodb.table import TRIES
from facerec.storage.dynamodb.users import too_many_changes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core.clusters import ClusterChanges
    from facerec.core.faces import Quality
    from facerec.core.records import Collection
    from facerec.storage.dynamodb.table import Table
    from facerec.storage.faces import FaceStore

MARKED_AT_ONCE = 97
"""Number of marks per transaction; with the collection, the head and a step of the history, 100
items: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html."""

MAX_SHARDS_BY_KEY = 400
"""Maximum number of shards that are read by their keys; for more, all shards are read."""


class DynamoDBClusters(ClusterStore):
    """A ``ClusterStore`` beside the records; the faces are in another store.

    Code that deletes faces must also call ``DynamoDBStore.forget_faces``. Slots are indices of the
    faces that ``read_face_arrays`` has read last; they and the embeddings are in the memory of the
    process.
    """

    def __init__(self, table: Table, faces: FaceStore) -> None:
        self._table, self._faces = table, faces
        self._reading: Reading | None = None
        self._is_current = False

    @override
    def read_face_arrays(
        self,
        collection_id: str,
        cohort_version: str,
        is_clear: Callable[[Quality], bool],
        rule: str,
    ) -> FaceArrays:
        """Return the faces of a collection as arrays.

        All faces are read from their store, and stay in memory with their embeddings until clusters
        are saved.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            ConflictError: The collection was switched to another model version concurrently, or
                there are too many concurrent changes.
        """
        del rule
        self._reading = None
        collection = self._collection(collection_id)
        reading = read_faces(
            collection,
            self._faces,
            read_membership(self._table, collection_id),
            self.list_not_faces(collection_id),
            cohort_version=cohort_version,
            is_clear=is_clear,
            state=self._state(collection),
        )
        self._forget_deleted(reading)
        self._reading, self._is_current = reading, True
        return reading.arrays

    @override
    def read_embeddings(self, slots: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        if self._reading is None:
            raise ValueError("read the arrays of the faces first")
        embeddings: NDArray[np.float32] = self._reading.embeddings[np.asarray(slots, np.int64)]
        return embeddings

    @override
    def read_state(self, collection_id: str) -> tuple[int, int, int] | None:
        try:
            return self._state(self._collection(collection_id))
        except CollectionNotFoundError:
            return None

    @override
    def face_ids_of_slots(self, slots: Sequence[int]) -> dict[int, str]:
        return {} if self._reading is None else self._reading.ids_at(slots)

    @override
    def slots_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> dict[str, int]:
        reading = self._reading_of(collection_id)
        return {} if reading is None else reading.slots_of(face_ids)

    @override
    def clusters_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> dict[str, int]:
        found: Iterable[tuple[str, int | None]]
        shards = by_shard(face_ids)
        if len(shards) > MAX_SHARDS_BY_KEY or self._known(collection_id) is not None:
            numbers = self._membership(collection_id).numbers_of(face_ids)
            found = zip(face_ids, numbers, strict=True)
        else:
            keys = (cluster_key(collection_id, sort) for sort in shards)
            wanted = set(face_ids)
            found = (
                each
                for item in self._table.get_many(keys)
                for each in members_of(item)
                if each[0] in wanted
            )
        return {face_id: number for face_id, number in found if number}

    @override
    def faces_with_data(self, collection_id: str, face_ids: Sequence[str]) -> set[str]:
        keys = (cluster_key(collection_id, sort) for sort in by_shard(face_ids))
        found = {each for item in self._table.get_many(keys) for each, _ in members_of(item)}
        return found.union(self.list_not_faces(collection_id)).intersection(face_ids)

    @override
    def members_of_clusters(
        self, collection_id: str, numbers: Sequence[int]
    ) -> dict[int, list[str]]:
        return self._membership(collection_id).members(numbers) if numbers else {}

    @override
    def mixed_clusters(self, collection_id: str) -> list[int]:
        owners = self._owners(collection_id)
        numbers = self._membership(collection_id).numbers_of(list(owners))
        people: dict[int, set[str]] = {}
        for number, user_id in zip(numbers, owners.values(), strict=True):
            if number:
                people.setdefault(number, set()).add(user_id)
        return sorted(number for number, own in people.items() if len(own) > 1)

    @override
    def ignored_clusters(self, collection_id: str) -> set[int]:
        items = self._table.beginning(clusters_partition(collection_id), IGNORED)
        return {int(item["sk"]["S"].removeprefix(IGNORED)) for item in items}

    @override
    def list_clusters(
        self,
        collection_id: str,
        *,
        after: tuple[int, int] | None = None,
        limit: int = 100,
        max_faces: int | None = None,
    ) -> list[Cluster]:
        """Return clusters; each call reads the clusters and the people of all faces."""
        known = self._membership(collection_id)
        owners = self._owners(collection_id)
        owned = np.isin(known.ids, face_id_array(owners))
        numbers, rows, sizes = np.unique(known.numbers, return_inverse=True, return_counts=True)
        free = np.bincount(rows, weights=~owned, minlength=len(numbers)).astype(np.int64)
        shown = (numbers > 0) & (free > 0) & (sizes > 1)
        shown &= ~np.isin(numbers, list(self.ignored_clusters(collection_id)))
        if max_faces is not None:
            sizes_of_people = Counter(owners.values())
            full = [face for face, user in owners.items() if sizes_of_people[user] >= max_faces]
            shown &= ~np.isin(numbers, known.numbers[np.isin(known.ids, face_id_array(full))])
        if after is not None:
            shown &= (free < after[0]) | ((free == after[0]) & (numbers > after[1]))
        order = np.lexsort((numbers[shown], -free[shown]))[:limit]
        return self._clusters(collection_id, numbers[shown][order].tolist(), known)

    @override
    def get_clusters(self, collection_id: str, numbers: Sequence[int]) -> list[Cluster]:
        return self._clusters(collection_id, numbers, self._membership(collection_id))

    @override
    def read_version(self, collection_id: str) -> str:
        return read_head(self._table, collection_id).version

    @override
    def save_clusters(
        self,
        collection_id: str,
        changes: ClusterChanges,
        state: tuple[int, int, int] | None,
        *,
        version: str | None = None,
    ) -> list[int]:
        """Change clusters; see ``facerec.storage.dynamodb.cluster_saving``."""
        collection = self._collection(collection_id)
        reading, considered = self._reading_of(collection_id), list[str]()
        if reading is not None and state is not None and reading.arrays.state == state:
            # A later collection with the same id has other faces.
            collection, considered = reading.collection, reading.changed_ids
        self._reading = None
        return save(self._table, self._faces, collection, changes, considered, version)

    @override
    def leave_clusters(self, collection_id: str, face_ids: Sequence[str]) -> None:
        self._is_current = False
        with suppress(CollectionNotFoundError):
            write_decision(self._table, collection_id)
            remove_from_shards(self._table, collection_id, face_ids)

    @override
    def set_ignored(self, collection_id: str, number: int, *, ignored: bool) -> None:
        item_key = ignored_key(collection_id, number)
        kind = StepKind.IGNORED if ignored else StepKind.IGNORED_LIFTED
        change = self._mark_change(item_key, lift=not ignored)
        noted = history.notes(self._table, collection_id, Step(kind, cluster=number))
        # If the mark would not change, nothing is written.
        write_decision(self._table, collection_id, [change, *noted])

    @override
    def set_not_faces(
        self, collection_id: str, face_ids: Sequence[str], *, lift: bool
    ) -> tuple[str, ...]:
        changed = list[str]()
        for some in batches(dict.fromkeys(face_ids), MARKED_AT_ONCE):
            changed += self._set_not_faces(collection_id, some, lift=lift)
        self._is_current = False
        if lift:
            remove_from_shards(self._table, collection_id, changed)
        elif changed:
            # Remove the mark of a face that was deleted before it was marked.
            own = self._faces.of(self._collection(collection_id))
            stored = own.vectors.stored_ids(collection_id, changed)
            gone = [face_id for face_id in changed if face_id not in stored]
            forget_faces(self._table, collection_id, gone)
        return tuple(changed)

    @override
    def list_not_faces(self, collection_id: str) -> list[str]:
        items = self._table.beginning(clusters_partition(collection_id), NOT_A_FACE)
        return [item["sk"]["S"].removeprefix(NOT_A_FACE) for item in items]

    def _collection(self, collection_id: str) -> Collection:
        return to_collection(get_item(self._table, collection_id))

    def _state(self, collection: Collection) -> tuple[int, int, int]:
        head = read_head(self._table, collection.collection_id)
        return round(1e6 * collection.created_at), head.saves, head.last_number

    def _reading_of(self, collection_id: str) -> Reading | None:
        reading = self._reading
        own = reading is not None and reading.collection.collection_id == collection_id
        return reading if own else None

    def _known(self, collection_id: str) -> Membership | None:
        """Return the clusters of a collection if they are in memory and have not changed since."""
        reading = self._reading_of(collection_id)
        return reading.known if reading is not None and self._is_current else None

    def _membership(self, collection_id: str) -> Membership:
        return self._known(collection_id) or read_membership(self._table, collection_id)

    def _owners(self, collection_id: str) -> dict[str, str]:
        """Return the id of the person of each face in a collection, by face id."""
        items = self._table.all_items(associations_partition(collection_id))
        return {item["sk"]["S"]: item["user_id"]["S"] for item in items}

    def _clusters(
        self, collection_id: str, numbers: Sequence[int], known: Membership
    ) -> list[Cluster]:
        members = known.members(numbers)
        keys = (association_key(collection_id, each) for own in members.values() for each in own)
        owners = {item["sk"]["S"]: item["user_id"]["S"] for item in self._table.get_many(keys)}
        ignored = self.ignored_clusters(collection_id)
        found = []
        for number in numbers:
            own = members.get(number, [])
            free = tuple(face_id for face_id in own if face_id not in owners)
            user_id = next((owners[each] for each in reversed(own) if each in owners), None)
            if free:
                found.append(Cluster(number, free, user_id, number in ignored))
        return found

    def _forget_deleted(self, reading: Reading) -> None:
        """Remove data about faces that are no longer stored: their deletion was interrupted."""
        collection = reading.collection
        listed = np.isin(reading.known.ids, reading.ids)
        missing = [each.decode() for each in reading.known.ids[~listed].tolist()]
        own = self._faces.of(collection)
        # A store with eventually consistent reads may not have listed them.
        stored = own.vectors.stored_ids(collection.collection_id, missing)
        gone = [each for each in missing if each not in stored]
        forget_faces(self._table, collection.collection_id, gone)

    def _set_not_faces(
        self, collection_id: str, face_ids: Sequence[str], *, lift: bool
    ) -> list[str]:
        """Change marks in one transaction; return the ids of those that changed.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            ConflictError: The clusters are being saved, or there are too many concurrent changes.
        """
        kind = StepKind.NOT_A_FACE_LIFTED if lift else StepKind.NOT_A_FACE
        for _ in range(TRIES):
            keys = (not_face_key(collection_id, face_id) for face_id in face_ids)
            marked = {
                item["sk"]["S"].removeprefix(NOT_A_FACE) for item in self._table.get_many(keys)
            }
            changed = [face_id for face_id in face_ids if (face_id in marked) == lift]
            actions = [
                self._mark_change(not_face_key(collection_id, face_id), lift=lift)
                for face_id in changed
            ]
            if changed:
                step = Step(kind, face_ids=tuple(changed))
                actions += history.notes(self._table, collection_id, step)
            if write_decision(self._table, collection_id, actions) is None:
                return changed
        raise too_many_changes()

    def _mark_change(self, item_key: dict[str, Any], *, lift: bool) -> dict[str, Any]:
        """Return the action that writes or deletes a mark; it fails if nothing would change."""
        if lift:
            condition = {"ConditionExpression": "attribute_exists(pk)"}
            return {"Delete": {"TableName": self._table.name, "Key": item_key, **condition}}
        condition = {"ConditionExpression": "attribute_not_exists(pk)"}
        return {"Put": {"TableName": self._table.name, "Item": item_key, **condition}}
