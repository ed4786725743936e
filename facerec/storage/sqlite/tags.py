"""The rows of the tags of collections."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from facerec.core.names import check_number_of_tags
from facerec.storage.sqlite import collections


def get(connection: sqlite3.Connection, collection_id: str) -> dict[str, str]:
    """Return a collection's tags.

    Raises:
        CollectionNotFoundError: The collection does not exist.
    """
    collections.get(connection, collection_id)
    rows = connection.execute(
        "SELECT key, value FROM tag WHERE collection_id = ? ORDER BY key", (collection_id,)
    )
    return dict(rows.fetchall())


def put_tags(connection: sqlite3.Connection, collection_id: str, values: Mapping[str, str]) -> None:
    """Set tags of a collection that exists; their number is not checked."""
    connection.executemany(
        "INSERT OR REPLACE INTO tag (collection_id, key, value) VALUES (?, ?, ?)",
        ((collection_id, key, value) for key, value in values.items()),
    )


def change(
    connection: sqlite3.Connection,
    collection_id: str,
    put: Mapping[str, str],
    remove: Sequence[str],
    limit: int,
) -> None:
    """Set and remove tags.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        QuotaExceededError: There would be more than ``limit`` tags.
    """
    connection.executemany(
        "DELETE FROM tag WHERE collection_id = ? AND key = ?",
        ((collection_id, key) for key in remove),
    )
    put_tags(connection, collection_id, put)
    check_number_of_tags(get(connection, collection_id), limit)
