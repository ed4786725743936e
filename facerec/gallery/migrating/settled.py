"""Refuses operations that must wait until a migration has finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.migrations import MigrationState
from facerec.errors import MigrationError, MigrationRemedy

if TYPE_CHECKING:
    from facerec.core.protocols.migrations import MigrationRecords, MigrationStore


def require_settled(collection_id: str, migrations: MigrationStore | MigrationRecords) -> None:
    """Check that a collection serves the model version of its job folders.

    Between the switch and the end of a migration, job folders contain the earlier version: a job
    with the new version, or a repair, would mix the two.

    Raises:
        MigrationError: The collection serves the new version, and the migration is not finished.
    """
    migration = migrations.get_migration(collection_id)
    if migration is not None and migration.state is not MigrationState.PREPARING:
        finishing = migration.state is MigrationState.FINISHING
        raise MigrationError(
            f"the migration of collection {collection_id!r} is not finished: its jobs may have the "
            "earlier model version",
            MigrationRemedy.FINISH if finishing else MigrationRemedy.END,
        )
