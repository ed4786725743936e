"""Numbers for the namespaces that hold the faces of collections.

A deleted namespace's number is never given again, so whatever is kept by number cannot be taken
for that of a later namespace of the same name.
"""

from __future__ import annotations

import sqlite3


def find(connection: sqlite3.Connection, collection_id: str) -> int | None:
    """Return the number of a collection's namespace, or None if it has none."""
    row = connection.execute(
        "SELECT namespace FROM namespace WHERE collection_id = ?", (collection_id,)
    ).fetchone()
    return None if row is None else int(row[0])


def obtain(connection: sqlite3.Connection, collection_id: str) -> int:
    """Return the number of a collection's namespace, which is made if it has none."""
    found = find(connection, collection_id)
    if found is not None:
        return found
    made = connection.execute(
        "INSERT INTO namespace (collection_id) VALUES (?)", (collection_id,)
    ).lastrowid
    return int(made or 0)


def delete(connection: sqlite3.Connection, namespace: int) -> None:
    """Delete a namespace's row."""
    connection.execute("DELETE FROM namespace WHERE namespace = ?", (namespace,))
