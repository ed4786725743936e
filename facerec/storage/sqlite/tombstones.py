"""The rows of tombstones and of their keys."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence

from facerec.storage.sqlite import collections


def get_key(connection: sqlite3.Connection, collection_id: str) -> bytes | None:
    """Return the key of a collection's tombstones; None if it never had a tombstone."""
    row = connection.execute(
        "SELECT key FROM tombstone_key WHERE collection_id = ?", (collection_id,)
    ).fetchone()
    return None if row is None else bytes(row[0])


def create_key(connection: sqlite3.Connection, collection_id: str, key: bytes) -> bytes:
    """Store the key of a collection's tombstones unless there is one; return the stored one.

    Raises:
        CollectionNotFoundError: The collection does not exist.
    """
    collections.get(connection, collection_id)
    connection.execute(
        "INSERT OR IGNORE INTO tombstone_key (collection_id, key) VALUES (?, ?)",
        (collection_id, key),
    )
    return get_key(connection, collection_id) or key


def get(
    connection: sqlite3.Connection, collection_id: str, photos: Sequence[str]
) -> dict[str, frozenset[str]]:
    """Return the texts of tombstones by photo; photos without any are omitted."""
    found: dict[str, set[str]] = {}
    rows = connection.execute(
        "SELECT photo, place FROM tombstone "
        "WHERE collection_id = ? AND photo IN (SELECT value FROM json_each(?))",
        (collection_id, json.dumps(list(photos))),
    )
    for photo, place in rows:
        found.setdefault(photo, set()).add(place)
    return {photo: frozenset(places) for photo, places in found.items()}


def list_photos(
    connection: sqlite3.Connection, collection_id: str, after: str, limit: int
) -> dict[str, frozenset[str]]:
    """Return the texts of tombstones by photo, in order, starting after a photo."""
    rows = connection.execute(
        "SELECT DISTINCT photo FROM tombstone WHERE collection_id = ? AND photo > ? "
        "ORDER BY photo LIMIT ?",
        (collection_id, after, limit),
    )
    photos = [photo for (photo,) in rows]
    found = get(connection, collection_id, photos)
    return {photo: found[photo] for photo in photos}


def put(
    connection: sqlite3.Connection, collection_id: str, places: Mapping[str, Collection[str]]
) -> None:
    """Add tombstones.

    Raises:
        CollectionNotFoundError: The collection does not exist.
    """
    collections.get(connection, collection_id)
    connection.executemany(
        "INSERT OR IGNORE INTO tombstone (collection_id, photo, place) VALUES (?, ?, ?)",
        ((collection_id, photo, place) for photo, own in places.items() for place in own),
    )


def delete(
    connection: sqlite3.Connection, collection_id: str, places: Mapping[str, Collection[str]]
) -> None:
    """Delete tombstones; unknown ones are ignored."""
    connection.executemany(
        "DELETE FROM tombstone WHERE collection_id = ? AND photo = ? AND place = ?",
        ((collection_id, photo, place) for photo, own in places.items() for place in own),
    )
