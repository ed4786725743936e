"""Numbers of namespaces, and counts of their vectors and writes.

The number of a deleted namespace is never reused, so data stored under a number cannot be mistaken
for data of a later namespace with the same name.
"""

from __future__ import annotations

import sqlite3

MAX_STEP = 2**30
"""Maximum difference of the numbers of two consecutive writes. Numbers fit into 8 bytes for at
least 2**33 writes."""


def get(connection: sqlite3.Connection, name: str) -> int | None:
    """Return the number of a namespace, or None if it does not exist."""
    row = connection.execute("SELECT namespace FROM namespace WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def get_or_create(connection: sqlite3.Connection, name: str) -> int:
    """Return the number of a namespace; create it if it does not exist."""
    found = get(connection, name)
    if found is not None:
        return found
    created = connection.execute(
        "INSERT INTO namespace (name, vectors, writes) VALUES (?, 0, 0)", (name,)
    ).lastrowid
    return int(created or 0)


def count(connection: sqlite3.Connection, name: str) -> int:
    """Return the number of vectors of a namespace; 0 if it does not exist."""
    row = connection.execute("SELECT vectors FROM namespace WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else int(row[0])


def writes(connection: sqlite3.Connection, name: str) -> tuple[int, int] | None:
    """Return the numbers of a namespace and its last write; None if it does not exist."""
    row: tuple[int, int] | None = connection.execute(
        "SELECT namespace, writes FROM namespace WHERE name = ?", (name,)
    ).fetchone()
    return row


def last_write(connection: sqlite3.Connection, namespace: int) -> int | None:
    """Return the number of a namespace's last write; None if it was deleted."""
    row = connection.execute(
        "SELECT writes FROM namespace WHERE namespace = ? AND name IS NOT NULL", (namespace,)
    ).fetchone()
    return None if row is None else int(row[0])


def begin_write(connection: sqlite3.Connection, namespace: int, *, added: int) -> int:
    """Add to the count of vectors, and return the number of this write.

    ``added`` is negative if vectors are removed. The difference from the previous number is random.
    Otherwise, a copy of the database that is restored and then changed would use the same numbers
    for other writes.
    """
    (write,) = connection.execute(
        "UPDATE namespace SET vectors = vectors + ?, writes = writes + 1 + abs(random() % ?) "
        "WHERE namespace = ? RETURNING writes",
        (added, MAX_STEP, namespace),
    ).fetchone()
    return int(write)


def names(connection: sqlite3.Connection) -> list[str]:
    """Return the names of all namespaces."""
    rows = connection.execute("SELECT name FROM namespace WHERE name IS NOT NULL")
    return [name for (name,) in rows]


def without_collection(connection: sqlite3.Connection) -> list[str]:
    """Return the ids of collections that have namespaces but do not exist, in order."""
    existing = connection.execute("SELECT collection_id FROM collection")
    return sorted({name.partition("/")[0] for name in names(connection)} - {i for (i,) in existing})


def mark_deleted(connection: sqlite3.Connection, name: str) -> None:
    """Remove the name of a namespace, so that it is no longer found."""
    connection.execute("UPDATE namespace SET name = NULL WHERE name = ?", (name,))


def get_deleted(connection: sqlite3.Connection) -> int | None:
    """Return the number of a deleted namespace that is not cleared yet, or None."""
    row = connection.execute(
        "SELECT namespace FROM namespace WHERE name IS NULL LIMIT 1"
    ).fetchone()
    return None if row is None else int(row[0])


def remove(connection: sqlite3.Connection, namespace: int) -> None:
    """Remove the row of a cleared namespace."""
    connection.execute("DELETE FROM namespace WHERE namespace = ?", (namespace,))
