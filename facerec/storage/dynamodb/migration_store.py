"""The records of migrations of a ``DynamoDBStore``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.override import override
from facerec.core.protocols.migrations import MigrationRecords
from facerec.storage.dynamodb import migrations

if TYPE_CHECKING:
    from facerec.core.migrations import Migration, MigrationState
    from facerec.core.records import Collection
    from facerec.storage.dynamodb.table import Table


class DynamoDBMigrations(MigrationRecords):
    """The migrations of collections, in the items of the collections."""

    _table: Table

    @override
    def get_migration(self, collection_id: str) -> Migration | None:
        return migrations.get(self._table, collection_id)

    @override
    def begin_migration(self, migration: Migration, *, first_side: int = 1) -> Migration:
        return migrations.begin(self._table, migration, first_side)

    @override
    def begin_switch(
        self, collection_id: str, state: MigrationState, *, first_side: int = 1
    ) -> Collection:
        return migrations.begin_switch(self._table, collection_id, state, first_side)

    @override
    def abort_switch(self, collection: Collection) -> None:
        migrations.abort_switch(self._table, collection)

    @override
    def abort_old_switch(self, collection_id: str, now: float) -> bool:
        return migrations.abort_old_switch(self._table, collection_id, now)

    @override
    def end_switch(self, collection: Collection) -> Collection:
        return migrations.end_switch(self._table, collection)

    @override
    def begin_finish(self, collection_id: str) -> None:
        migrations.begin_finish(self._table, collection_id)

    @override
    def end_migration(self, collection_id: str, state: MigrationState) -> Collection:
        return migrations.end(self._table, collection_id, state)
