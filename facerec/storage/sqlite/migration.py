"""Migrations of files that an earlier facerec wrote; each runs within one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from facerec.storage.columns import COLUMNS, from_columns
from facerec.storage.face_metadata import to_metadata
from facerec.storage.sqlite.record_schema import ASSOCIATION_INDEX
from facerec.storage.sqlite.rows import encode

_INSERT_VECTORS = f"""INSERT INTO vector (slot, namespace, id, metadata)
    SELECT slot, namespace, face_id,
        CASE WHEN name LIKE '%/users' THEN user_metadata(external_image_id)
        ELSE face_metadata({", ".join(COLUMNS)}) END
    FROM face CROSS JOIN namespace USING (namespace)"""  # noqa: S608 - own names
"""Namespaces of the vectors of users had names that ended in ``/users``."""


def _faces_to_vectors(connection: sqlite3.Connection) -> None:
    """Turn rows of typed columns into rows of metadata (schema 1 to 2)."""
    connection.create_function("face_metadata", len(COLUMNS), _face_metadata, deterministic=True)
    connection.create_function("user_metadata", 1, _user_metadata, deterministic=True)
    for statement in (
        "ALTER TABLE vectors RENAME TO block_values",
        "ALTER TABLE namespace RENAME COLUMN collection_id TO name",
        "ALTER TABLE namespace ADD COLUMN vectors INTEGER NOT NULL DEFAULT 0",
        """CREATE TABLE vector (
            slot INTEGER PRIMARY KEY,
            namespace INTEGER NOT NULL,
            id TEXT NOT NULL,
            metadata TEXT NOT NULL
        )""",
        _INSERT_VECTORS,
        "CREATE UNIQUE INDEX vector_by_id ON vector (namespace, id)",
        """UPDATE namespace SET vectors =
            (SELECT count(*) FROM vector WHERE vector.namespace = namespace.namespace)
        """,
        "DROP TABLE face",
    ):
        connection.execute(statement)


def _face_metadata(*values: str | float | None) -> str:
    return encode(to_metadata(from_columns(dict(zip(COLUMNS, values, strict=True)))))


def _user_metadata(user_id: str) -> str:
    return encode({"user_id": user_id})


def _cover_associations(connection: sqlite3.Connection) -> None:
    """Index all that is read of a user's associations (schema 2 to 3)."""
    connection.execute("DROP INDEX association_by_user")
    connection.execute(ASSOCIATION_INDEX)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _faces_to_vectors,
    _cover_associations,
)
"""The step from each version of the schema to the next, beginning with version 1."""
