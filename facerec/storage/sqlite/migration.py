"""Migrates files of earlier releases; all steps that a file needs run in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from facerec.storage.columns import COLUMNS, from_columns
from facerec.storage.face_metadata import to_metadata
from facerec.storage.sqlite.cluster_schema import CLUSTER_STATEMENTS, SUMMARY_STATEMENTS
from facerec.storage.sqlite.event_schema import EVENT_STATEMENTS
from facerec.storage.sqlite.history_schema import HISTORY_STATEMENTS
from facerec.storage.sqlite.migration_schema import MIGRATION_STATEMENTS
from facerec.storage.sqlite.record_schema import (
    ASSOCIATION_INDEX,
    CORRECTION_STATEMENTS,
    DELETION_TRIGGER,
    REGISTERED_INDEX,
    TOMBSTONE_STATEMENTS,
    USER_NAME_INDEX,
)
from facerec.storage.sqlite.rows import encode
from facerec.storage.sqlite.thumbnail_schema import THUMBNAIL_STATEMENTS

_STATEMENTS = (
    "ALTER TABLE vectors RENAME TO block_values",
    "ALTER TABLE namespace RENAME TO earlier_namespace",
    "ALTER TABLE block RENAME TO earlier_block",
    "DROP INDEX block_by_namespace",
    """CREATE TABLE namespace (
        namespace INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT UNIQUE,
        vectors INTEGER NOT NULL,
        writes INTEGER NOT NULL
    )""",
    """INSERT INTO namespace (namespace, name, vectors, writes)
        SELECT namespace, collection_id,
            (SELECT count(*) FROM face WHERE face.namespace = earlier_namespace.namespace),
            (SELECT coalesce(max(generation), 0) FROM earlier_block
                WHERE earlier_block.namespace = earlier_namespace.namespace)
        FROM earlier_namespace""",
    """UPDATE sqlite_sequence SET seq = (
            SELECT seq FROM sqlite_sequence WHERE name = 'earlier_namespace'
        ) WHERE name = 'namespace'""",
    "DROP TABLE earlier_namespace",
    """CREATE TABLE block (
        block INTEGER PRIMARY KEY,
        namespace INTEGER NOT NULL,
        capacity INTEGER NOT NULL,
        used INTEGER NOT NULL,
        written INTEGER NOT NULL,
        freed INTEGER NOT NULL
    )""",
    """INSERT INTO block SELECT block, namespace, capacity, used, generation, generation
        FROM earlier_block""",
    "CREATE INDEX block_by_namespace ON block (namespace)",
    "DROP TABLE earlier_block",
    "CREATE TABLE vector (slot INTEGER PRIMARY KEY, id TEXT NOT NULL, metadata TEXT NOT NULL)",
    f"""INSERT INTO vector (slot, id, metadata)
        SELECT slot, face_id,
            CASE WHEN name LIKE '%/users' THEN user_metadata(external_image_id)
            ELSE face_metadata({", ".join(COLUMNS)}) END
        FROM face CROSS JOIN namespace USING (namespace)""",  # noqa: S608 - own names
    """CREATE TABLE vector_slot (
        namespace INTEGER NOT NULL,
        id TEXT NOT NULL,
        slot INTEGER NOT NULL,
        PRIMARY KEY (namespace, id)
    ) WITHOUT ROWID""",
    """INSERT INTO vector_slot (namespace, id, slot)
        SELECT namespace, face_id, slot FROM face ORDER BY namespace, face_id""",
    "DROP TABLE face",
    "DROP INDEX association_by_user",
    ASSOCIATION_INDEX,
)
"""SQL that converts the tables of schema 1 to those of schema 2. The names of namespaces with
vectors of people end in ``/users``."""


def _faces_to_vectors(connection: sqlite3.Connection) -> None:
    """Convert rows of typed columns to rows of metadata (schema 1 to 2)."""
    connection.create_function("face_metadata", len(COLUMNS), _face_metadata, deterministic=True)
    connection.create_function("user_metadata", 1, _user_metadata, deterministic=True)
    for statement in _STATEMENTS:
        connection.execute(statement)


def _face_metadata(*values: str | float | None) -> str:
    return encode(to_metadata(from_columns(dict(zip(COLUMNS, values, strict=True)))))


def _user_metadata(user_id: str) -> str:
    return encode({"user_id": user_id})


def _add_corrections(connection: sqlite3.Connection) -> None:
    """Add thresholds of collections, and corrections (schema 2 to 3)."""
    connection.execute("ALTER TABLE collection ADD COLUMN threshold REAL")
    for statement in CORRECTION_STATEMENTS:
        connection.execute(statement)
    connection.execute("DROP TRIGGER collection_deleted")
    connection.execute(DELETION_TRIGGER)


def _add_tombstones(connection: sqlite3.Connection) -> None:
    """Add the tables of tombstones (schema 3 to 4)."""
    for statement in TOMBSTONE_STATEMENTS:
        connection.execute(statement)


def _add_clusters(connection: sqlite3.Connection) -> None:
    """Add clusters (schema 4 to 5)."""
    for statement in CLUSTER_STATEMENTS:
        connection.execute(statement)


def _add_names(connection: sqlite3.Connection) -> None:
    """Add display names of people (schema 5 to 6)."""
    connection.execute("ALTER TABLE user ADD COLUMN name TEXT")
    connection.execute(USER_NAME_INDEX)


def _add_history(connection: sqlite3.Connection) -> None:
    """Add the history of people (schema 6 to 7)."""
    for statement in HISTORY_STATEMENTS:
        connection.execute(statement)


def _add_first_versions(connection: sqlite3.Connection) -> None:
    """Add the versions that ids are derived from (schema 7 to 8)."""
    connection.execute("ALTER TABLE collection ADD COLUMN first_version TEXT")


def _add_migrations(connection: sqlite3.Connection) -> None:
    """Add migrations of collections to another model version (schema 8 to 9)."""
    for statement in MIGRATION_STATEMENTS:
        connection.execute(statement)


def _add_face_summaries(connection: sqlite3.Connection) -> None:
    """Add the summaries of faces that clustering reads (schema 9 to 10)."""
    for statement in SUMMARY_STATEMENTS:
        connection.execute(statement)


def _add_registrations(connection: sqlite3.Connection) -> None:
    """Add registrations of people, and events (schema 10 to 11)."""
    for column in ("consent", "expires"):
        connection.execute(f"ALTER TABLE user ADD COLUMN {column} TEXT")
    for statement in (REGISTERED_INDEX, *EVENT_STATEMENTS):
        connection.execute(statement)


def _add_thumbnails(connection: sqlite3.Connection) -> None:
    """Add thumbnails of faces (schema 11 to 12)."""
    for statement in THUMBNAIL_STATEMENTS:
        connection.execute(statement)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _faces_to_vectors,
    _add_corrections,
    _add_tombstones,
    _add_clusters,
    _add_names,
    _add_history,
    _add_first_versions,
    _add_migrations,
    _add_face_summaries,
    _add_registrations,
    _add_thumbnails,
)
"""The step from each version of the schema to the next, beginning with version 1."""
