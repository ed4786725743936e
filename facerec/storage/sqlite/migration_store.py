"""The migrations of collections in the embedded store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.migrations import MigrationState, migration_ended
from facerec.core.override import override
from facerec.core.protocols.migrations import MigrationStore
from facerec.storage.faces import FaceStore, to_face, to_vector
from facerec.storage.sqlite import collections, standby
from facerec.storage.sqlite.clearing import clear_deleted
from facerec.storage.sqlite.code_index import remove_indexes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.migrations import Migration
    from facerec.core.protocols.vectors import VectorStore
    from facerec.core.records import Collection, FaceRecord, StoredFace
    from facerec.storage.sqlite.database import Database


class SqliteMigrations(MigrationStore):
    """A ``MigrationStore`` in the same file as the faces."""

    def __init__(self, database: Database, vectors: VectorStore) -> None:
        self._database, self._stored_vectors = database, vectors

    @override
    def get_migration(self, collection_id: str) -> Migration | None:
        with self._database.reading() as connection:
            return standby.get(connection, collection_id)

    @override
    def begin_migration(self, migration: Migration) -> Migration:
        with self._database.writing() as connection:
            known = standby.get(connection, migration.collection_id)
            if known is None:
                standby.write(connection, migration)
            return known or migration

    @override
    def put_standby_faces(
        self, collection: Collection, described: Mapping[FaceRecord, StoredFace]
    ) -> int:
        collection_id = collection.collection_id
        vectors = {record: to_vector(face) for record, face in described.items()}
        versions = {face.record.model_version for face in described.values()}
        with self._database.writing() as connection:
            migration = standby.require(
                connection, collection_id, MigrationState.PREPARING, MigrationState.SWITCHED
            )
            other_version = versions != {migration.standby_version}
            if other_version or collections.is_deleted(connection, collection):
                raise migration_ended(collection_id)
            return standby.put(connection, collection_id, vectors)

    @override
    def get_standby_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[StoredFace]:
        name = standby.standby_of(collection_id)
        return list(map(to_face, self._stored_vectors.get_vectors(name, face_ids)))

    @override
    def count_standby_faces(self, collection_id: str) -> int:
        return self._stored_vectors.count_vectors(standby.standby_of(collection_id))

    @override
    def has_standby_embedding(
        self, collection_id: str, embedding: NDArray[np.float32], max_distance: float
    ) -> bool:
        name = standby.standby_of(collection_id)
        (found,) = self._stored_vectors.search(
            name, embedding[None], limit=1, max_distance=max_distance
        )
        return bool(found)

    @override
    def switch_version(
        self,
        collection_id: str,
        state: MigrationState,
        store_people: Callable[[FaceStore], None],
    ) -> Collection:
        del store_people
        with self._database.writing() as connection:
            standby.switch(connection, collection_id, state)
            return collections.get(connection, collection_id)

    @override
    def begin_finish(self, collection_id: str) -> None:
        with self._database.writing() as connection:
            migration = standby.require(
                connection, collection_id, MigrationState.SWITCHED, MigrationState.FINISHING
            )
            standby.write(connection, replace(migration, state=MigrationState.FINISHING))

    @override
    def end_migration(self, collection_id: str, state: MigrationState) -> None:
        with self._database.writing() as connection:
            standby.require(connection, collection_id, state)
            standby.remove(connection, collection_id)
        clear_deleted(self._database)
        remove_indexes(self._database.path)
        self._database.clear_log()
