"""A search index, derived from the file and beside it, for collections too large to scan.

It contains codes of 32 bytes (``code_index``). A search selects the 1,000 nearest faces by these
codes, reads their embeddings from the file, and compares exact distances. Blocks that have changed
since the index was built are scanned exactly. So distances are always exact, and no deleted face is
found; a neighbour is missed only if its code is not among the nearest.

The index lists the blocks that it was built from. Once too many of them have changed, it is
rebuilt. Deleting faces removes it, since codes are biometric data too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.storage.scan import (
    PROBES_AT_ONCE,
    Chunk,
    Nearest,
    free_rows,
    make_chunk,
    scan,
)
from facerec.storage.sqlite import blocks as embedding_blocks
from facerec.storage.sqlite import namespaces
from facerec.storage.sqlite.blocks import BLOCK_SLOTS, Block
from facerec.storage.sqlite.code_index import (
    MAX_CHANGE,
    MIN_FACES,
    CodeIndex,
    covers,
    index_path,
    load_index,
    make_index,
    save_index,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.storage.sqlite.database import Database

LARGE = 300_000
"""Minimum number of faces for an index; a new process reads this many faces in a second."""

CANDIDATES = 1_000
"""Number of nearest codes of a probe whose embeddings are compared."""

MAPPED_BYTES = 2**40
"""Maximum number of bytes of the file to map into memory; SQLite maps at most 2 GiB
(https://www.sqlite.org/mmap.html)."""


class ApproximateSearch:
    """The indexes beside one file. Safe to share between threads."""

    def __init__(self, database: Database, large: int = LARGE) -> None:
        """Create the indexes of a file.

        Args:
            database: The file.
            large: Minimum number of faces of a collection with an index.
        """
        self._database, self._large = database, large
        self._indexes: dict[int, CodeIndex] = {}
        self._tails: dict[int, tuple[int, dict[Block, Chunk]]] = {}
        self._searched: set[int] = set()
        self._locks: dict[int, Lock] = {}
        self._lock = Lock()

    def search(
        self,
        connection: sqlite3.Connection,
        collection_id: str,
        probes: NDArray[np.float32],
        *,
        limit: int,
        max_distance: float,
    ) -> list[Nearest] | None:
        """Return the nearest faces, or None if the collection needs an exact scan.

        Args:
            connection: A connection within a transaction.
            collection_id: The collection.
            probes: float32, shape (n, 128), finite.
            limit: Maximum number of neighbours of a probe.
            max_distance: Maximum Euclidean distance, inclusive.
        """
        found_namespace = namespaces.writes(connection, collection_id)
        if found_namespace is None or 2 * limit > CANDIDATES:
            return None
        if namespaces.count(connection, collection_id) < max(self._large, MIN_FACES):
            return None
        namespace, write = found_namespace
        blocks = embedding_blocks.list_blocks(connection, namespace)
        with self._lock_of(namespace):
            index = self._current(connection, namespace, blocks, write)
            if index is None:
                return self._scan_once(connection, blocks, probes, limit, max_distance)
            changed = set(blocks).difference(index.blocks)
            tail = self._tail(connection, namespace, changed, write)
        # Candidates are read ten times as fast from the system's cache as through SQLite's own
        # pages.
        connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
        found = self._candidates(index, set(blocks).difference(changed), probes)
        # Read for all probes together, since probes of one photo share candidates.
        slots = np.unique(np.concatenate(found))
        near = make_chunk(embedding_blocks.read_in_order(connection, slots.tolist()), slots)
        return scan((near, *tail), probes, limit=limit, max_distance=max_distance)

    def _current(
        self, connection: sqlite3.Connection, namespace: int, blocks: Sequence[Block], write: int
    ) -> CodeIndex | None:
        """Return a usable index; None if there is none and this is the process's first search.

        Later searches build a missing index. The first one scans the vectors instead, because
        building an index takes several times as long.
        """
        index = self._indexes.get(namespace)
        if index is None or not covers(index, blocks):
            index = load_index(index_path(self._database.path, namespace))
        if index is None or not covers(index, blocks):
            if self._is_first_search(namespace):
                return None
            index = make_index(connection, blocks)
            self._keep(namespace, index, write)
        self._indexes[namespace] = index
        return index

    def _is_first_search(self, namespace: int) -> bool:
        first = namespace not in self._searched
        self._searched.add(namespace)
        return first

    def _lock_of(self, namespace: int) -> Lock:
        """Return the lock of a namespace; building an index delays only that namespace."""
        with self._lock:
            return self._locks.setdefault(namespace, Lock())

    @staticmethod
    def _scan_once(
        connection: sqlite3.Connection,
        blocks: Sequence[Block],
        probes: NDArray[np.float32],
        limit: int,
        max_distance: float,
    ) -> list[Nearest] | None:
        """Scan all embeddings without keeping them in memory; None for too many probes."""
        if len(probes) > PROBES_AT_ONCE:
            return None
        chunks = (_block_chunk(connection, block) for block in blocks if block.used)
        return scan(chunks, probes, limit=limit, max_distance=max_distance)

    def _keep(self, namespace: int, index: CodeIndex, write: int) -> None:
        """Write an index for other processes; if the disk is full, each process builds its own."""
        path = index_path(self._database.path, namespace)
        with suppress(OSError):
            save_index(index, path)
        with self._database.reading() as connection:
            unchanged = namespaces.last_write(connection, namespace) == write
        if not unchanged:
            # Faces may have been deleted while the index was built; their codes must not stay on
            # disk.
            path.unlink(missing_ok=True)

    def _tail(
        self, connection: sqlite3.Connection, namespace: int, changed: Iterable[Block], write: int
    ) -> list[Chunk]:
        """Return the embeddings that are not in the index, for an exact scan."""
        since, held = self._tails.get(namespace, (0, {}))
        if held and since != write:
            freed = embedding_blocks.slots_freed_since(connection, namespace, since)
            for chunk in held.values():
                free_rows(chunk, freed)
        tail = {
            block: held.get(block) or _block_chunk(connection, block)
            for block in changed
            if block.used
        }
        self._tails[namespace] = (write, tail)
        return list(tail.values())

    @staticmethod
    def _candidates(
        index: CodeIndex, current: set[Block], probes: NDArray[np.float32]
    ) -> list[NDArray[np.int64]]:
        """Return the slots of the nearest codes of each probe, without those of changed blocks."""
        import faiss

        faiss.omp_set_num_threads(1)
        # Codes of changed blocks are dropped, so more are requested.
        wanted = min(len(index.slots), round(CANDIDATES / (1 - MAX_CHANGE)))
        _, rows = index.codes.search(np.ascontiguousarray(probes), wanted)
        numbers = np.array([block.number for block in current], np.int64)
        found = []
        for of_probe in rows:
            slots = index.slots[of_probe[of_probe >= 0]]
            found.append(slots[np.isin(slots // BLOCK_SLOTS, numbers)][:CANDIDATES])
        return found


def _block_chunk(connection: sqlite3.Connection, block: Block) -> Chunk:
    slots = np.arange(block.first_slot, block.first_slot + block.used)
    return make_chunk(embedding_blocks.read_block(connection, block).copy(), slots)
