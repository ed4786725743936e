"""The rows of access keys."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

from facerec.errors import AccessKeyNotFoundError

if TYPE_CHECKING:
    from facerec.storage import access_keys
    from facerec.storage.access_keys import AccessKey
else:
    from facerec.core.deferred import DeferredModule

    access_keys = DeferredModule("facerec.storage.access_keys")

_SELECTED = "access_key_id, secret, collections, writes, note, created_at"


def put(connection: sqlite3.Connection, key: AccessKey) -> None:
    """Write a new key."""
    connection.execute(
        f"INSERT INTO access_key ({_SELECTED}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            key.access_key_id,
            key.secret,
            json.dumps(key.collections),
            key.writes,
            key.note,
            key.created_at,
        ),
    )


def get(connection: sqlite3.Connection, access_key_id: str) -> AccessKey:
    """Return a key.

    Raises:
        AccessKeyNotFoundError: The key does not exist.
    """
    row = connection.execute(
        f"SELECT {_SELECTED} FROM access_key WHERE access_key_id = ?",  # noqa: S608
        (access_key_id,),
    ).fetchone()
    if row is None:
        raise AccessKeyNotFoundError(access_key_id)
    return _key(row)


def list_all(connection: sqlite3.Connection) -> list[AccessKey]:
    """Return all keys in the order of their creation."""
    rows = connection.execute(
        f"SELECT {_SELECTED} FROM access_key ORDER BY created_at, access_key_id"  # noqa: S608
    )
    return [_key(row) for row in rows]


def delete(connection: sqlite3.Connection, access_key_id: str) -> None:
    """Delete a key.

    Raises:
        AccessKeyNotFoundError: The key does not exist.
    """
    deleted = connection.execute(
        "DELETE FROM access_key WHERE access_key_id = ?", (access_key_id,)
    ).rowcount
    if not deleted:
        raise AccessKeyNotFoundError(access_key_id)


def _key(row: tuple[str, str, str, int, str, float]) -> AccessKey:
    access_key_id, secret, collections, writes, note, created_at = row
    return access_keys.AccessKey(
        access_key_id, secret, tuple(json.loads(collections)), bool(writes), note, created_at
    )
