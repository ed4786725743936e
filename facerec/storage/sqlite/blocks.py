"""Blocks of embeddings: allocates slots, writes them in place, and reads them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from facerec.core.arrays import np
from facerec.core.faces import EMBEDDING_SIZE
from facerec.storage.scan import FAR, MAX_NORM
from facerec.storage.sqlite.errors import damaged

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_SLOTS = 1024
"""Number of slots in a full-size block; a slot number is the block number times this, plus an
offset."""

MIN_BLOCK_SLOTS = 32
"""Number of slots in a namespace's first block. Further blocks double the namespace up to the full
block size, so that small collections take little space."""

_STORED = "<f4"
"""Type of the stored values, in numpy's notation: float32, lowest byte first."""

_SLOT_BYTES = EMBEDDING_SIZE * 4
_NOBODY = 0


class Block(NamedTuple):
    """The state of a block.

    Two equal states mean equal embeddings, except in slots that were freed in between.

    Attributes:
        number: Number of the block.
        used: Number of slots that were ever used: the first slots of the block.
        written: Number of the last write into the block.
    """

    number: int
    used: int
    written: int

    @property
    def first_slot(self) -> int:
        """The number of the block's first slot; the ``used`` slots are consecutive."""
        return self.number * BLOCK_SLOTS


def allocate(connection: sqlite3.Connection, namespace: int, count: int) -> list[int]:
    """Allocate slots: first freed slots, then unused ones, then slots of new blocks."""
    slots = [
        slot
        for (slot,) in connection.execute(
            "SELECT slot FROM free_slot WHERE namespace = ? ORDER BY slot LIMIT ?",
            (namespace, count),
        )
    ]
    connection.executemany(
        "DELETE FROM free_slot WHERE namespace = ? AND slot = ?",
        ((namespace, slot) for slot in slots),
    )
    while len(slots) < count:
        block, capacity, used = _block_with_room(connection, namespace)
        take = min(capacity - used, count - len(slots))
        first = block * BLOCK_SLOTS + used
        slots += range(first, first + take)
        connection.execute("UPDATE block SET used = used + ? WHERE block = ?", (take, block))
    return slots


def release(
    connection: sqlite3.Connection, namespace: int, slots: Sequence[int], write: int
) -> None:
    """Overwrite the embeddings of slots and make the slots free.

    Args:
        connection: The connection, within a transaction.
        namespace: Number of the namespace.
        slots: The slots.
        write: Number of the write.
    """
    _overwrite(connection, dict.fromkeys(slots, np.full(EMBEDDING_SIZE, FAR, np.float32)))
    connection.executemany(
        "INSERT INTO free_slot (namespace, slot) VALUES (?, ?)",
        ((namespace, slot) for slot in slots),
    )
    connection.executemany(
        "UPDATE block SET freed = ? WHERE block = ?",
        ((write, block) for block in {_block_of(slot) for slot in slots}),
    )


def put(
    connection: sqlite3.Connection, embeddings: Mapping[int, NDArray[np.float32]], write: int
) -> None:
    """Write embeddings (float32, shape (128,)) by slot, in place.

    Args:
        connection: The connection, within a transaction.
        embeddings: Embeddings by slot.
        write: Number of the write.
    """
    _overwrite(connection, embeddings)
    connection.executemany(
        "UPDATE block SET written = ? WHERE block = ?",
        ((write, block) for block in {_block_of(slot) for slot in embeddings}),
    )


def _overwrite(
    connection: sqlite3.Connection, embeddings: Mapping[int, NDArray[np.float32]]
) -> None:
    for block, slots in groupby(sorted(embeddings), _block_of):
        with connection.blobopen("block_values", "embeddings", block) as blob:
            for slot in slots:
                blob.seek(slot % BLOCK_SLOTS * _SLOT_BYTES)
                blob.write(embeddings[slot].astype(_STORED, copy=False).tobytes())


def read(connection: sqlite3.Connection, slots: Iterable[int]) -> dict[int, NDArray[np.float32]]:
    """Return embeddings by slot: float32, shape (128,) each.

    Raises:
        sqlite3.DatabaseError: An embedding is not finite, or far too large.
    """
    ordered = sorted(slots)
    embeddings = read_in_order(connection, ordered)
    # Also false if a value is NaN.
    if not (np.linalg.norm(embeddings, axis=1) < MAX_NORM).all():
        raise damaged("an embedding")
    return dict(zip(ordered, embeddings, strict=True))


def read_in_order(connection: sqlite3.Connection, slots: Sequence[int]) -> NDArray[np.float32]:
    """Return the embeddings of slots, which must be in ascending order: float32, shape (n, 128)."""
    content = bytearray()
    for block, members in groupby(slots, _block_of):
        with connection.blobopen("block_values", "embeddings", block, readonly=True) as blob:
            for slot in members:
                blob.seek(slot % BLOCK_SLOTS * _SLOT_BYTES)
                content += blob.read(_SLOT_BYTES)
    return _embeddings(bytes(content))


def read_block(connection: sqlite3.Connection, block: Block) -> NDArray[np.float32]:
    """Return the used slots of a block: float32, shape (used, 128); free ones are ``FAR``."""
    with connection.blobopen("block_values", "embeddings", block.number, readonly=True) as blob:
        return _embeddings(blob.read(block.used * _SLOT_BYTES))


def read_slots(
    connection: sqlite3.Connection, block: int, start: int, end: int
) -> NDArray[np.float32]:
    """Return consecutive slots of a block, by their offsets: float32, shape (end - start, 128)."""
    with connection.blobopen("block_values", "embeddings", block, readonly=True) as blob:
        blob.seek(start * _SLOT_BYTES)
        return _embeddings(blob.read((end - start) * _SLOT_BYTES))


def list_blocks(connection: sqlite3.Connection, namespace: int) -> list[Block]:
    """Return the blocks of a namespace in the order of their creation."""
    rows = connection.execute(
        "SELECT block, used, written FROM block WHERE namespace = ? ORDER BY block", (namespace,)
    )
    return [Block(*row) for row in rows]


def slots_freed_since(
    connection: sqlite3.Connection, namespace: int, write: int
) -> NDArray[np.int64]:
    """Return, in order, the free slots of blocks in which slots were freed after a write."""
    rows = connection.execute(
        "SELECT slot FROM block CROSS JOIN free_slot "
        "ON free_slot.namespace = block.namespace AND slot >= block * ? AND slot < (block + 1) * ? "
        "WHERE block.namespace = ? AND freed > ? ORDER BY slot",
        (BLOCK_SLOTS, BLOCK_SLOTS, namespace, write),
    )
    return np.array([slot for (slot,) in rows], np.int64)


def clear(connection: sqlite3.Connection, block: int) -> None:
    """Overwrite a block of a deleted namespace and let other namespaces use it.

    The row stays: when SQLite deletes rows, it may move their neighbours and leave copies of them
    in parts of the file that it does not clear.
    """
    (capacity,) = connection.execute(
        "SELECT capacity FROM block WHERE block = ?", (block,)
    ).fetchone()
    with connection.blobopen("block_values", "embeddings", block) as blob:
        blob.write(bytes(capacity * _SLOT_BYTES))
    connection.execute(
        "UPDATE block SET namespace = ?, used = 0, written = 0, freed = 0 WHERE block = ?",
        (_NOBODY, block),
    )


def _block_with_room(connection: sqlite3.Connection, namespace: int) -> tuple[int, int, int]:
    """Return the number, capacity and used slots of a block with unused slots."""
    with_room = connection.execute(
        "SELECT block, capacity, used FROM block WHERE namespace = ? AND used < capacity",
        (namespace,),
    ).fetchone()
    if with_room:
        return with_room  # type: ignore[no-any-return]
    (slots,) = connection.execute(
        "SELECT coalesce(sum(capacity), 0) FROM block WHERE namespace = ?", (namespace,)
    ).fetchone()
    capacity = min(BLOCK_SLOTS, max(MIN_BLOCK_SLOTS, slots))
    return _add_block(connection, namespace, capacity), capacity, 0


def _add_block(connection: sqlite3.Connection, namespace: int, capacity: int) -> int:
    left = connection.execute(
        "SELECT block FROM block WHERE namespace = ? AND capacity = ?", (_NOBODY, capacity)
    ).fetchone()
    if left:
        connection.execute("UPDATE block SET namespace = ? WHERE block = ?", (namespace, left[0]))
        return int(left[0])
    block = connection.execute(
        "INSERT INTO block (namespace, capacity, used, written, freed) VALUES (?, ?, 0, 0, 0)",
        (namespace, capacity),
    ).lastrowid
    connection.execute(
        "INSERT INTO block_values (block, embeddings) VALUES (?, zeroblob(?))",
        (block, capacity * _SLOT_BYTES),
    )
    return int(block or 0)


def _block_of(slot: int) -> int:
    return slot // BLOCK_SLOTS


def _embeddings(stored: bytes) -> NDArray[np.float32]:
    return np.frombuffer(stored, _STORED).reshape(-1, EMBEDDING_SIZE).astype(np.float32, copy=False)
