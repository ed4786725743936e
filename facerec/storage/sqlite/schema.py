"""The tables of the embedded store, and the check that a file contains them.

Embeddings are in blocks of up to 1024 slots, separate from the rows of the vectors, so that a
search reads them in a few large pieces. A slot's number is ``block * 1024 + index in the block``
and names the vector in table ``vector``; table ``vector_slot`` finds it by its id. Slots are
allocated in order (``block.used``); freed ones are listed in ``free_slot`` and used again first.
Rows of ``block_values`` are never deleted: cleared blocks wait in namespace 0.

Each write to a namespace has a number, higher than that of the previous write by a random amount.
``block.written`` is the number of the last write of an embedding, after which readers read the
block again; ``block.freed`` is the number of the last deletion, after which they only read which
slots are free.

``namespace.vectors`` counts the vectors of a namespace. A namespace without a name was deleted, and
is cleared piece by piece (see ``clearing``). ``vector_slot`` is a table and not an index of
``vector`` so that each can be cleared in its own order: an index would be rewritten at random.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from facerec.errors import ConfigurationError
from facerec.storage.sqlite.cluster_schema import CLUSTER_STATEMENTS, SUMMARY_STATEMENTS
from facerec.storage.sqlite.event_schema import EVENT_STATEMENTS
from facerec.storage.sqlite.history_schema import HISTORY_STATEMENTS
from facerec.storage.sqlite.migration import MIGRATIONS
from facerec.storage.sqlite.migration_schema import MIGRATION_STATEMENTS
from facerec.storage.sqlite.record_schema import RECORD_STATEMENTS
from facerec.storage.sqlite.thumbnail_schema import THUMBNAIL_STATEMENTS

APPLICATION_ID = 0x66726563
"""Marks the file as facerec's ("frec"); see https://www.sqlite.org/pragma.html."""

SCHEMA_VERSION = 12
"""Version of the layout that this module writes; stored in the file's ``user_version``."""

VECTOR_STATEMENTS = (
    """CREATE TABLE namespace (
        namespace INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT UNIQUE,
        vectors INTEGER NOT NULL,
        writes INTEGER NOT NULL
    )""",
    """CREATE TABLE block (
        block INTEGER PRIMARY KEY,
        namespace INTEGER NOT NULL,
        capacity INTEGER NOT NULL,
        used INTEGER NOT NULL,
        written INTEGER NOT NULL,
        freed INTEGER NOT NULL
    )""",
    "CREATE INDEX block_by_namespace ON block (namespace)",
    "CREATE TABLE block_values (block INTEGER PRIMARY KEY, embeddings BLOB NOT NULL)",
    """CREATE TABLE free_slot (
        namespace INTEGER NOT NULL,
        slot INTEGER NOT NULL,
        PRIMARY KEY (namespace, slot)
    ) WITHOUT ROWID""",
    "CREATE TABLE vector (slot INTEGER PRIMARY KEY, id TEXT NOT NULL, metadata TEXT NOT NULL)",
    """CREATE TABLE vector_slot (
        namespace INTEGER NOT NULL,
        id TEXT NOT NULL,
        slot INTEGER NOT NULL,
        PRIMARY KEY (namespace, id)
    ) WITHOUT ROWID""",
)

_STATEMENTS = (
    *VECTOR_STATEMENTS,
    *RECORD_STATEMENTS,
    *CLUSTER_STATEMENTS,
    *SUMMARY_STATEMENTS,
    *HISTORY_STATEMENTS,
    *MIGRATION_STATEMENTS,
    *EVENT_STATEMENTS,
    *THUMBNAIL_STATEMENTS,
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Create the tables if the file is empty, and migrate the tables of earlier releases.

    Several processes may do this concurrently; the file must be in WAL mode already.

    Raises:
        ConfigurationError: The file belongs to another program or to a later release of facerec.
    """
    connection.execute("BEGIN")
    try:
        if _version(connection, path) == SCHEMA_VERSION:
            return
    finally:
        connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    try:
        # another process may have created them while this one waited for the lock
        version = _version(connection, path)
        if version is None:
            for statement in _STATEMENTS:
                connection.execute(statement)
        else:
            for migrate in MIGRATIONS[version - 1 :]:
                migrate(connection)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, path: Path) -> int | None:
    """Return the version of the file's tables, or None if the file is empty."""
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application_id == 0 and version == 0 and tables == 0:
        return None
    if application_id != APPLICATION_ID:
        raise ConfigurationError(
            f"{path} is a database of another program", "choose another data folder"
        )
    if not 1 <= version <= SCHEMA_VERSION:
        raise ConfigurationError(
            f"{path} was written by a later release of facerec "
            f"(schema {version}, this one supports {SCHEMA_VERSION})",
            "update facerec, or choose another data folder",
        )
    return int(version)
