"""The tables of the embedded store, and the check that a file holds them.

Embeddings stand in blocks of up to 1024 slots, apart from the faces' records, so that a search
reads them in few large pieces. A slot's number is ``block * 1024 + place in the block`` and names
the face in table ``face``. Slots are handed out in order (``block.used``); freed ones are listed
in ``free_slot`` and used again first. ``block.generation`` grows within a namespace whenever an
embedding of the block changes, which tells readers what to read again. Rows of ``vectors`` are
never deleted: the blocks of a deleted namespace are cleared and wait in namespace 0.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from facerec.errors import InvalidInputError
from facerec.storage.columns import NUMBER_COLUMNS, TEXT_COLUMNS
from facerec.storage.sqlite.service_schema import SERVICE_STATEMENTS

APPLICATION_ID = 0x66726563
"""Marks the file as facerec's ("frec"); see https://www.sqlite.org/pragma.html."""

SCHEMA_VERSION = 1
"""The layout that this module writes; kept in the file's ``user_version``."""

_FACE_COLUMNS = ", ".join(
    [
        *(
            f"{column} TEXT" + ("" if column == "external_image_id" else " NOT NULL")
            for column in TEXT_COLUMNS
        ),
        *(f"{column} REAL NOT NULL" for column in NUMBER_COLUMNS),
    ]
)

_STATEMENTS = (
    """CREATE TABLE collection (
        collection_id TEXT PRIMARY KEY,
        model_version TEXT NOT NULL,
        created_at REAL NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE namespace (
        namespace INTEGER PRIMARY KEY AUTOINCREMENT,
        collection_id TEXT NOT NULL UNIQUE
    )""",
    """CREATE TABLE block (
        block INTEGER PRIMARY KEY,
        namespace INTEGER NOT NULL,
        capacity INTEGER NOT NULL,
        used INTEGER NOT NULL,
        generation INTEGER NOT NULL
    )""",
    "CREATE INDEX block_by_namespace ON block (namespace, generation)",
    "CREATE TABLE vectors (block INTEGER PRIMARY KEY, embeddings BLOB NOT NULL)",
    """CREATE TABLE free_slot (
        namespace INTEGER NOT NULL,
        slot INTEGER NOT NULL,
        PRIMARY KEY (namespace, slot)
    ) WITHOUT ROWID""",
    f"CREATE TABLE face (slot INTEGER PRIMARY KEY, namespace INTEGER NOT NULL, {_FACE_COLUMNS})",
    "CREATE UNIQUE INDEX face_by_id ON face (namespace, face_id)",
    *SERVICE_STATEMENTS,
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables if the file is empty, and check that they are facerec's otherwise.

    Several processes may do this at once; the file must be in WAL mode already.

    Raises:
        InvalidInputError: the file belongs to another program or to a later facerec.
    """
    connection.execute("BEGIN")
    try:
        if _is_current(connection, path):
            return
    finally:
        connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    try:
        # another process may have made the tables while this one waited for the lock
        if not _is_current(connection, path):
            for statement in _STATEMENTS:
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _is_current(connection: sqlite3.Connection, path: Path) -> bool:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application_id == 0 and version == 0 and tables == 0:
        return False
    if application_id != APPLICATION_ID:
        raise InvalidInputError(
            f"{path} is a database of another program", "choose another data folder"
        )
    if version > SCHEMA_VERSION:
        raise InvalidInputError(
            f"{path} was written by a later facerec "
            f"(schema {version}, this one knows {SCHEMA_VERSION})",
            "update facerec, or choose another data folder",
        )
    return True
