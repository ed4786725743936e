"""The rows of collections."""

from __future__ import annotations

import sqlite3

from facerec.core.records import Collection
from facerec.errors import CollectionExistsError, CollectionNotFoundError
from facerec.storage.sqlite import requests

_COLUMNS = "collection_id, model_version, created_at, threshold, first_version"


def create(connection: sqlite3.Connection, collection: Collection) -> None:
    """Write a new collection.

    Raises:
        CollectionExistsError: A collection with this id exists.
    """
    written = connection.execute(
        f"INSERT OR IGNORE INTO collection ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - own names
        (
            collection.collection_id,
            collection.model_version,
            collection.created_at,
            collection.threshold,
            collection.first_version,
        ),
    ).rowcount
    if not written:
        raise CollectionExistsError(collection.collection_id)


def get(connection: sqlite3.Connection, collection_id: str) -> Collection:
    """Return a collection.

    Raises:
        CollectionNotFoundError: The collection does not exist.
    """
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM collection WHERE collection_id = ?",  # noqa: S608 - own names
        (collection_id,),
    ).fetchone()
    if row is None:
        raise CollectionNotFoundError(collection_id)
    return _collection(row)


def is_deleted(connection: sqlite3.Connection, collection: Collection) -> bool:
    """Return whether a collection was deleted, even if another with its id was created later."""
    return _created_at(connection, collection.collection_id) != collection.created_at


def is_created_again(connection: sqlite3.Connection, collection: Collection) -> bool:
    """Return whether another collection with the same id exists."""
    current = _created_at(connection, collection.collection_id)
    return current is not None and current != collection.created_at


def _created_at(connection: sqlite3.Connection, collection_id: str) -> float | None:
    row = connection.execute(
        "SELECT created_at FROM collection WHERE collection_id = ?", (collection_id,)
    ).fetchone()
    return None if row is None else float(row[0])


def set_threshold(
    connection: sqlite3.Connection, collection_id: str, threshold: float | None
) -> None:
    """Set or remove a collection's threshold.

    Raises:
        CollectionNotFoundError: The collection does not exist.
    """
    changed = connection.execute(
        "UPDATE collection SET threshold = ? WHERE collection_id = ?", (threshold, collection_id)
    ).rowcount
    if not changed:
        raise CollectionNotFoundError(collection_id)


def set_version(
    connection: sqlite3.Connection,
    collection_id: str,
    model_version: str,
    threshold: float | None,
) -> None:
    """Set a collection's model version and threshold.

    Its first version, from which ids are derived, is kept.
    """
    connection.execute(
        "UPDATE collection SET first_version = coalesce(first_version, model_version), "
        "model_version = ?, threshold = ? WHERE collection_id = ?",
        (model_version, threshold, collection_id),
    )


def list_after(connection: sqlite3.Connection, after: str | None, limit: int) -> list[Collection]:
    """Return collections in the order of their ids, starting after the id ``after``."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM collection "  # noqa: S608 - own names
        "WHERE collection_id > ? ORDER BY collection_id LIMIT ?",
        (after or "", limit),
    )
    return [_collection(row) for row in rows]


def _collection(row: tuple[str, str, float, float | None, str | None]) -> Collection:
    collection_id, model_version, created_at, threshold, first_version = row
    return Collection(
        collection_id, model_version, created_at, threshold, first_version=first_version
    )


def delete(
    connection: sqlite3.Connection, collection_id: str, created_at: float | None = None
) -> None:
    """Delete a collection's row, and the stored answers that name its people.

    Raises:
        CollectionNotFoundError: The collection does not exist, or was created at another time.
    """
    if created_at not in (None, get(connection, collection_id).created_at):
        raise CollectionNotFoundError(collection_id)
    users = connection.execute("SELECT user_id FROM user WHERE collection_id = ?", (collection_id,))
    requests.forget_answers(connection, [user_id for (user_id,) in users.fetchall()])
    connection.execute("DELETE FROM collection WHERE collection_id = ?", (collection_id,))
