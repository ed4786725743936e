"""Numbers for namespaces, and the count of the vectors in each.

The number of a deleted namespace is never used again, so whatever is kept by number cannot be
taken for that of a later namespace of the same name.
"""

from __future__ import annotations

import sqlite3


def find(connection: sqlite3.Connection, name: str) -> int | None:
    """Return the number of a namespace, or None if it does not exist."""
    row = connection.execute("SELECT namespace FROM namespace WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def find_or_create(connection: sqlite3.Connection, name: str) -> int:
    """Return the number of a namespace, created if it does not exist."""
    found = find(connection, name)
    if found is not None:
        return found
    created = connection.execute(
        "INSERT INTO namespace (name, vectors) VALUES (?, 0)", (name,)
    ).lastrowid
    return int(created or 0)


def count(connection: sqlite3.Connection, name: str) -> int:
    """Return the number of vectors of a namespace."""
    row = connection.execute("SELECT vectors FROM namespace WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else int(row[0])


def add_to_count(connection: sqlite3.Connection, namespace: int, change: int) -> None:
    """Change the number of vectors of a namespace."""
    connection.execute(
        "UPDATE namespace SET vectors = vectors + ? WHERE namespace = ?", (change, namespace)
    )


def delete(connection: sqlite3.Connection, namespace: int) -> None:
    """Delete a namespace's row."""
    connection.execute("DELETE FROM namespace WHERE namespace = ?", (namespace,))
