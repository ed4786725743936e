"""The faces of standby versions, in a namespace beside the namespace of the served faces.

Every transaction that deletes or changes a served vector also removes its standby vector
(``forget``). So the number of standby vectors shows whether a switch would lose a face.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from facerec.core.migrations import Migration, MigrationState, faces_lacking, migration_ended
from facerec.errors import ConflictError
from facerec.storage.face_metadata import from_metadata
from facerec.storage.sqlite import blocks, collections, namespaces, rows

if TYPE_CHECKING:
    from facerec.core.records import FaceRecord
    from facerec.core.vectors import Vector


def standby_of(namespace: str) -> str:
    """Return the name of the namespace of standby vectors."""
    # No collection id contains a slash.
    return f"{namespace}/standby"


def get(connection: sqlite3.Connection, collection_id: str) -> Migration | None:
    """Return the migration of a collection; None if there is none."""
    row = connection.execute(
        "SELECT standby_version, state, started_at, threshold FROM migration "
        "WHERE collection_id = ?",
        (collection_id,),
    ).fetchone()
    if row is None:
        return None
    version, state, started_at, threshold = row
    return Migration(collection_id, version, MigrationState(state), started_at, threshold)


def require(
    connection: sqlite3.Connection, collection_id: str, *states: MigrationState
) -> Migration:
    """Return the migration of a collection, which must have one of these states.

    Raises:
        ConflictError: The migration has none of these states, or has ended.
    """
    migration = get(connection, collection_id)
    if migration is None or migration.state not in states:
        raise migration_ended(collection_id)
    return migration


def write(connection: sqlite3.Connection, migration: Migration) -> None:
    """Write a migration, or replace it.

    Raises:
        CollectionNotFoundError: The collection does not exist.
    """
    collections.get(connection, migration.collection_id)
    connection.execute(
        "INSERT OR REPLACE INTO migration "
        "(collection_id, standby_version, state, started_at, threshold) VALUES (?, ?, ?, ?, ?)",
        (
            migration.collection_id,
            migration.standby_version,
            migration.state,
            migration.started_at,
            migration.threshold,
        ),
    )


def remove(connection: sqlite3.Connection, collection_id: str) -> None:
    """Remove a migration, and mark its vectors for clearing."""
    connection.execute("DELETE FROM migration WHERE collection_id = ?", (collection_id,))
    namespaces.mark_deleted(connection, standby_of(collection_id))


def put(
    connection: sqlite3.Connection,
    collection_id: str,
    described: Mapping[FaceRecord, Vector],
) -> int:
    """Write standby vectors whose served faces have not changed, and return their number.

    Args:
        connection: The connection, within a transaction.
        collection_id: The collection.
        described: Standby vectors, each with its served face as it was read.
    """
    served = namespaces.get(connection, collection_id)
    if served is None:
        return 0
    slots = rows.slots_of_ids(connection, served, [record.face_id for record in described])
    stored = rows.records_of_slots(connection, slots.values())
    current = {from_metadata(each.id, each.metadata) for each in stored.values()}
    chosen = {record.face_id: described[record] for record in described if record in current}
    forget(connection, collection_id, chosen)
    number = namespaces.get_or_create(connection, standby_of(collection_id))
    written = namespaces.begin_write(connection, number, added=len(chosen))
    by_slot = dict(
        zip(blocks.allocate(connection, number, len(chosen)), chosen.values(), strict=True)
    )
    blocks.put(connection, {slot: vector.values for slot, vector in by_slot.items()}, written)
    rows.put(connection, number, by_slot)
    return len(chosen)


def forget(connection: sqlite3.Connection, namespace: str, ids: Iterable[str]) -> None:
    """Erase the standby vectors with the given ids, if there are any."""
    delete_vectors(connection, standby_of(namespace), list(ids))


def delete_vectors(connection: sqlite3.Connection, namespace: str, ids: Sequence[str]) -> list[str]:
    """Erase the vectors of one namespace by their ids; return the ids that it had."""
    number = namespaces.get(connection, namespace)
    slots = {} if number is None else rows.slots_of_ids(connection, number, ids)
    if number is not None and slots:
        written = namespaces.begin_write(connection, number, added=-len(slots))
        rows.delete(connection, number, slots)
        blocks.release(connection, number, list(slots.values()), written)
    return list(slots)


def switch(connection: sqlite3.Connection, collection_id: str, state: MigrationState) -> None:
    """Exchange served and standby vectors, with their versions and thresholds.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: The migration has another state.
        MigrationError: A served face has no standby face.
    """
    collection = collections.get(connection, collection_id)
    migration = require(connection, collection_id, state)
    standby = standby_of(collection_id)
    # All standby vectors belong to served faces.
    faces = namespaces.count(connection, collection_id)
    lacking = faces - namespaces.count(connection, standby)
    if lacking:
        raise faces_lacking(collection_id, lacking, faces)
    served_number = namespaces.get_or_create(connection, collection_id)
    standby_number = namespaces.get_or_create(connection, standby)
    for name, number in (
        (None, served_number),
        (collection_id, standby_number),
        (standby, served_number),
    ):
        connection.execute("UPDATE namespace SET name = ? WHERE namespace = ?", (name, number))
    # All faces are clustered again; their clusters stay.
    connection.execute(
        "UPDATE clustering SET namespace = ?, write = -1 WHERE collection_id = ?",
        (standby_number, collection_id),
    )
    collections.set_version(
        connection, collection_id, migration.standby_version, migration.threshold
    )
    # A person's vector that is being computed from faces of the earlier version is computed again.
    connection.execute(
        "UPDATE user SET version = version + 1 WHERE collection_id = ?", (collection_id,)
    )
    switched = migration.state is MigrationState.PREPARING
    write(
        connection,
        Migration(
            collection_id,
            collection.model_version,
            MigrationState.SWITCHED if switched else MigrationState.PREPARING,
            migration.started_at,
            collection.threshold,
        ),
    )


def require_version(connection: sqlite3.Connection, collection_id: str, version: str) -> None:
    """Check that a collection serves a model version.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: The collection serves another version.
    """
    served = collections.get(connection, collection_id).model_version
    if served != version:
        raise ConflictError(
            f"collection {collection_id!r} serves model version {served!r} now, not {version!r}",
            "try again; if the database was restored from an older copy, migrate the collection "
            "again",
        )
