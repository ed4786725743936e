"""The rows of collections."""

from __future__ import annotations

import sqlite3

from facerec.core.records import Collection
from facerec.errors import CollectionExistsError, CollectionNotFoundError
from facerec.storage.sqlite import requests


def create(connection: sqlite3.Connection, collection: Collection) -> None:
    """Write a new collection.

    Raises:
        CollectionExistsError: there is one of this name.
    """
    written = connection.execute(
        "INSERT OR IGNORE INTO collection (collection_id, model_version, created_at) "
        "VALUES (?, ?, ?)",
        (collection.collection_id, collection.model_version, collection.created_at),
    ).rowcount
    if not written:
        raise CollectionExistsError(collection.collection_id)


def get(connection: sqlite3.Connection, collection_id: str) -> Collection:
    """Return a collection.

    Raises:
        CollectionNotFoundError: it does not exist.
    """
    row = connection.execute(
        "SELECT collection_id, model_version, created_at FROM collection WHERE collection_id = ?",
        (collection_id,),
    ).fetchone()
    if row is None:
        raise CollectionNotFoundError(collection_id)
    return Collection(*row)


def list_after(connection: sqlite3.Connection, after: str | None, limit: int) -> list[Collection]:
    """Return collections in the order of their names, starting after ``after``."""
    rows = connection.execute(
        "SELECT collection_id, model_version, created_at FROM collection "
        "WHERE collection_id > ? ORDER BY collection_id LIMIT ?",
        (after or "", limit),
    )
    return [Collection(*row) for row in rows]


def delete(connection: sqlite3.Connection, collection_id: str) -> None:
    """Delete a collection's row.

    Raises:
        CollectionNotFoundError: it does not exist.
    """
    users = connection.execute("SELECT user_id FROM user WHERE collection_id = ?", (collection_id,))
    requests.forget_answers(connection, [user_id for (user_id,) in users.fetchall()])
    deleted = connection.execute(
        "DELETE FROM collection WHERE collection_id = ?", (collection_id,)
    ).rowcount
    if not deleted:
        raise CollectionNotFoundError(collection_id)
