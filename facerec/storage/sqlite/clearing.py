"""Clears deleted namespaces in transactions of bounded size, between which other writers can write.

A deletion first removes the name of the namespace, so that it is no longer found. Its contents are
then erased piece by piece: the ids in their order, and the rows in the order of their blocks, so
that each page of the file is written about once. A process that ends between two pieces leaves a
namespace without a name; the next write or deletion continues the work.
"""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

from facerec.errors import NoSpaceError
from facerec.storage.sqlite import blocks, namespaces
from facerec.storage.sqlite.blocks import BLOCK_SLOTS

if TYPE_CHECKING:
    from facerec.storage.sqlite.database import Database

IDS_AT_ONCE = 8_192
"""Number of ids to delete in one transaction, about 0.5 MB."""

BLOCKS_AT_ONCE = 2
"""Number of blocks to clear in one transaction: 1 MiB of embeddings and about 1.5 MB of rows."""


def clear_deleted(database: Database) -> None:
    """Erase what remains of deleted namespaces, leaving half of the time to other writers."""
    while True:
        started = time.monotonic()
        try:
            is_left = clear_piece(database)
        except NoSpaceError:
            # The log grows with each piece, and its pages have their place in the file already.
            database.clear_log()
            is_left = clear_piece(database)
        if not is_left:
            return
        # SQLite does not queue writers: a waiting one tries the lock about ten times per second.
        time.sleep(time.monotonic() - started)


def clear_piece(database: Database) -> bool:
    """Erase a piece of a deleted namespace, and return whether there was one."""
    with database.reading() as connection:
        if namespaces.get_deleted(connection) is None:
            return False
    with database.writing() as connection:
        namespace = namespaces.get_deleted(connection)
        if namespace is None:
            return False
        if not (_clear_ids(connection, namespace) or _clear_blocks(connection, namespace)):
            connection.execute("DELETE FROM free_slot WHERE namespace = ?", (namespace,))
            namespaces.remove(connection, namespace)
    return True


def _clear_ids(connection: sqlite3.Connection, namespace: int) -> bool:
    last = connection.execute(
        "SELECT id FROM vector_slot WHERE namespace = ? ORDER BY id LIMIT 1 OFFSET ?",
        (namespace, IDS_AT_ONCE),
    ).fetchone()
    if last is None:
        deleted = connection.execute(
            "DELETE FROM vector_slot WHERE namespace = ?", (namespace,)
        ).rowcount
    else:
        deleted = connection.execute(
            "DELETE FROM vector_slot WHERE namespace = ? AND id < ?", (namespace, last[0])
        ).rowcount
    return deleted > 0


def _clear_blocks(connection: sqlite3.Connection, namespace: int) -> bool:
    numbers = [
        number
        for (number,) in connection.execute(
            "SELECT block FROM block WHERE namespace = ? ORDER BY block LIMIT ?",
            (namespace, BLOCKS_AT_ONCE),
        )
    ]
    for number in numbers:
        connection.execute(
            "DELETE FROM vector WHERE slot >= ? AND slot < ?",
            (number * BLOCK_SLOTS, (number + 1) * BLOCK_SLOTS),
        )
        blocks.clear(connection, number)
    return bool(numbers)
