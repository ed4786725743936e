"""Migrations of collections whose vectors are in a store without transactions.

Standby faces are on the side that the collection does not serve (``facerec.storage.generations``).
They may outlive served faces for a moment, so they are compared with the served ones before a
switch, while writers get conflicts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from facerec.core.batches import batches
from facerec.core.ids import group_of
from facerec.core.limits import MAX_PAGE
from facerec.core.migrations import migration_ended
from facerec.core.override import override
from facerec.core.protocols.migrations import MigrationStore
from facerec.errors import MigrationError, MigrationRemedy
from facerec.storage.faces import FaceStore, people_namespace
from facerec.storage.generations import SIDES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.migrations import Migration, MigrationState
    from facerec.core.protocols.collections import CollectionRecords
    from facerec.core.protocols.migrations import MigrationRecords
    from facerec.core.records import Collection, FaceRecord, StoredFace
    from facerec.storage.generations import FacesByGeneration

    class _Records(CollectionRecords, MigrationRecords, Protocol):
        pass


class StandbySides(MigrationStore):
    """A ``MigrationStore`` of faces and records that are in two services."""

    counts_lag = True

    def __init__(
        self,
        faces: FacesByGeneration,
        records: _Records,
        *,
        lag: float = 0.0,
        sleep: Callable[[float], None] = time.sleep,
        begins: bool = True,
    ) -> None:
        """Create the store.

        Args:
            faces: the faces of the collections.
            records: the records of the collections and their migrations.
            lag: seconds for which reads of vectors may miss writes.
            sleep: waits for some seconds.
            begins: whether migrations begin; those that were started earlier are continued.
        """
        self._begins = begins
        self._faces, self._records, self._lag, self._sleep = faces, records, lag, sleep

    @override
    def get_migration(self, collection_id: str) -> Migration | None:
        return self._records.get_migration(collection_id)

    @override
    def begin_migration(self, migration: Migration) -> Migration:
        known = self._records.get_migration(migration.collection_id)
        if known is not None:
            return known
        if not self._begins:
            raise MigrationError(
                "collections on AWS cannot be migrated yet", MigrationRemedy.NEW_COLLECTION
            )
        # A writer that was late may have left faces of an earlier migration.
        self._clear(self._records.get_collection(migration.collection_id))
        return self._records.begin_migration(migration)

    @override
    def put_standby_faces(
        self, collection: Collection, described: Mapping[FaceRecord, StoredFace]
    ) -> int:
        collection_id = collection.collection_id
        versions = {face.record.model_version for face in described.values()}
        current = self._require_unchanged(collection, versions)
        standby = self._standby(current)
        groups: dict[str, list[StoredFace]] = {}
        for face in described.values():
            groups.setdefault(group_of(face.record.face_id), []).append(face)
        standby.add_to_images(collection_id, groups)
        # A face may have been deleted or changed before its standby face was stored.
        ids = [record.face_id for record in described]
        served = {face.record for face in self._faces.of(current).get_faces(collection_id, ids)}
        outdated = [record.face_id for record in described if record not in served]
        if outdated:
            standby.delete_faces(collection_id, outdated)
        self._require_unchanged(collection, versions)
        return len(ids) - len(outdated)

    @override
    def get_standby_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[StoredFace]:
        migration = self._records.get_migration(collection_id)
        if migration is None:
            return []
        collection = self._faces.current(collection_id)
        if collection is None:
            return []
        standby = self._standby(collection)
        return [
            face
            for face in standby.get_faces(collection_id, face_ids)
            if face.record.model_version == migration.standby_version
        ]

    @override
    def count_standby_faces(self, collection_id: str) -> int:
        if self._records.get_migration(collection_id) is None:
            return 0
        return self._standby(self._records.get_collection(collection_id)).count_faces(collection_id)

    @override
    def has_standby_embedding(
        self, collection_id: str, embedding: NDArray[np.float32], max_distance: float
    ) -> bool:
        collection = self._faces.current(collection_id)
        if collection is None:
            return False
        standby = self._standby(collection)
        (found,) = standby.search(
            collection_id, embedding[None], limit=1, max_distance=max_distance
        )
        return bool(found)

    @override
    def switch_version(
        self,
        collection_id: str,
        state: MigrationState,
        store_people: Callable[[FaceStore], None],
    ) -> Collection:
        token = self._records.begin_switch(collection_id, state)
        try:
            self._sleep(self._lag)
            collection = self._records.get_collection(collection_id)
            migration = self._records.get_migration(collection_id)
            if migration is None:
                raise migration_ended(collection_id)
            lacking, faces = self._compare(collection, migration.standby_version)
            if lacking:
                raise MigrationError(
                    f"{lacking} of {faces} faces of {collection_id!r} are not described with the "
                    "other version yet",
                    MigrationRemedy.PREPARE,
                )
            standby = self._standby(collection)
            standby.vectors.delete_namespace(people_namespace(collection_id))
            store_people(standby)
            self._sleep(self._lag)
            return self._records.end_switch(collection_id, token)
        except BaseException:
            self._records.abort_switch(collection_id, token)
            raise

    @override
    def end_old_switch(self, collection_id: str, now: float) -> bool:
        return self._records.abort_old_switch(collection_id, now)

    @override
    def begin_finish(self, collection_id: str) -> None:
        self._records.begin_finish(collection_id)

    @override
    def end_migration(self, collection_id: str, state: MigrationState) -> None:
        collection = self._records.get_collection(collection_id)
        migration = self._records.get_migration(collection_id)
        if migration is None or migration.state is not state:
            raise migration_ended(collection_id)
        # First, so that a process that is killed leaves a migration that can be ended again.
        self._clear(collection)
        self._records.end_migration(collection_id, state)
        self._clear(collection)

    def _compare(self, collection: Collection, version: str) -> tuple[int, int]:
        """Erase standby faces that are not those of served faces.

        Returns:
            The number of served faces without standby faces, and of all served faces.
        """
        collection_id, standby = collection.collection_id, self._standby(collection)
        wrong: list[str] = []
        lacking = faces = 0
        described = _Ordered(standby.all_faces(collection_id))
        for record in self._faces.of(collection).all_faces(collection_id):
            faces += 1
            wrong += described.before(record.face_id)
            other = described.take(record.face_id)
            if other is None:
                lacking += 1
            elif other.model_version != version or _shown(other) != _shown(record):
                wrong.append(record.face_id)
                lacking += 1
        wrong += described.rest()
        for batch in batches(wrong, MAX_PAGE):
            standby.delete_faces(collection_id, batch)
        return lacking, faces

    def _standby(self, collection: Collection) -> FaceStore:
        """Return the faces on the side that a collection does not serve."""
        (side,) = (side for side in SIDES if side != collection.side)
        return self._faces.on_side(collection, side)

    def _clear(self, collection: Collection) -> None:
        """Erase all vectors on the side that a collection does not serve."""
        vectors = self._standby(collection).vectors
        vectors.delete_namespace(people_namespace(collection.collection_id))
        vectors.delete_namespace(collection.collection_id)

    def _require_unchanged(self, collection: Collection, versions: set[str]) -> Collection:
        """Return the record of a collection that serves what it served when it was read.

        Raises:
            ConflictError: it was deleted or switched, is being switched, or is not migrated to
                these versions.
        """
        collection_id = collection.collection_id
        migration = self._records.get_migration(collection_id)
        current = self._faces.current(collection_id)
        if (
            migration is None
            or current is None
            or current.created_at != collection.created_at
            or (current.side, current.model_version) != (collection.side, collection.model_version)
            or current.is_switching
            or versions - {migration.standby_version}
        ):
            raise migration_ended(collection_id)
        return current


class _Ordered:
    """Faces in the order of their ids, of which some are taken out."""

    def __init__(self, records: Iterator[FaceRecord]) -> None:
        self._records = records
        self._next = next(records, None)

    def before(self, face_id: str) -> Iterator[str]:
        """Yield the ids of the faces before an id, and drop them."""
        while self._next is not None and self._next.face_id < face_id:
            yield self._next.face_id
            self._next = next(self._records, None)

    def take(self, face_id: str) -> FaceRecord | None:
        """Return the next face if it has this id, and drop it."""
        found = self._next
        if found is None or found.face_id != face_id:
            return None
        self._next = next(self._records, None)
        return found

    def rest(self) -> Iterator[str]:
        """Yield the ids of all faces that are left."""
        while self._next is not None:
            yield self._next.face_id
            self._next = next(self._records, None)


def _shown(record: FaceRecord) -> FaceRecord:
    """Return a face without what belongs to a model version."""
    return replace(record, model_version="", stats=None)
