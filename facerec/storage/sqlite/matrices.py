"""The embeddings of namespaces in memory, kept up to date with the file.

A matrix is a list of chunks. After a write, a new matrix is created. It shares with the old one
all chunks whose blocks were not written. After a deletion, the freed rows are overwritten in the
chunks. So searches in several threads need no lock while they scan.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.core.faces import EMBEDDING_SIZE
from facerec.storage.scan import Chunk, free_rows, make_chunk
from facerec.storage.sqlite import blocks as embedding_blocks
from facerec.storage.sqlite import namespaces

if TYPE_CHECKING:
    from facerec.storage.sqlite.blocks import Block

CHUNK_BLOCKS = 16
"""Number of blocks per chunk. A change to one block copies all of them (8 MiB, about 2 ms)."""

MAX_MEMORY = 4 * 1024**3
"""Maximum size of the embeddings to keep in memory, in bytes. The namespace searched last is kept
even if it is larger."""


@dataclass(frozen=True, slots=True)
class _Matrix:
    """The chunks of a namespace, in the state after a write.

    Attributes:
        write: Number of the last write that the chunks contain.
        chunks: Chunks by the states of the blocks in them.
        size: Size in memory, in bytes.
    """

    write: int
    chunks: dict[tuple[Block, ...], Chunk]
    size: int


_NOTHING = _Matrix(0, {}, 0)


class Matrices:
    """The matrices of recently searched namespaces. Safe to share between threads."""

    def __init__(self, max_memory: int = MAX_MEMORY) -> None:
        self._max_memory = max_memory
        self._by_namespace: OrderedDict[int, _Matrix] = OrderedDict()
        self._memory = 0
        self._lock = Lock()
        self._loading: dict[str, Lock] = {}

    def chunks(self, connection: sqlite3.Connection, name: str) -> tuple[Chunk, ...]:
        """Return a namespace's embeddings in the state that the connection's transaction sees.

        This must be the transaction's first read, which determines the state that the transaction
        sees. It is made under the namespace's lock, so that no transaction sees an earlier state
        than the cached matrix.
        """
        with self._lock:
            loading = self._loading.setdefault(name, Lock())
        with loading:
            found = namespaces.writes(connection, name)
            if found is None:
                return ()
            namespace, write = found
            with self._lock:
                matrix = self._by_namespace.get(namespace, _NOTHING)
            if write != matrix.write:
                matrix = _refreshed(connection, namespace, matrix, write)
            self._keep(namespace, matrix)
            return tuple(matrix.chunks.values())

    def _keep(self, namespace: int, matrix: _Matrix) -> None:
        with self._lock:
            earlier = self._by_namespace.pop(namespace, _NOTHING)
            self._by_namespace[namespace] = matrix
            self._memory += matrix.size - earlier.size
            while self._memory > self._max_memory and len(self._by_namespace) > 1:
                _, evicted = self._by_namespace.popitem(last=False)
                self._memory -= evicted.size


def _refreshed(
    connection: sqlite3.Connection, namespace: int, held: _Matrix, write: int
) -> _Matrix:
    freed = embedding_blocks.slots_freed_since(connection, namespace, held.write)
    for chunk in held.chunks.values():
        free_rows(chunk, freed)
    old_blocks = {
        block: (chunk, offset)
        for members, chunk in held.chunks.items()
        for block, offset in zip(members, _offsets(members), strict=True)
    }
    chunks = {}
    remaining = iter(embedding_blocks.list_blocks(connection, namespace))
    while members := tuple(islice(remaining, CHUNK_BLOCKS)):
        if members in held.chunks:
            chunks[members] = held.chunks[members]
            continue
        embeddings = np.empty((sum(block.used for block in members), EMBEDDING_SIZE), np.float32)
        for block, offset in zip(members, _offsets(members), strict=True):
            if block in old_blocks:
                old, start = old_blocks[block]
                content = old.embeddings[start : start + block.used]
            else:
                content = embedding_blocks.read_block(connection, block)
            embeddings[offset : offset + block.used] = content
        slots = [np.arange(block.first_slot, block.first_slot + block.used) for block in members]
        chunks[members] = make_chunk(embeddings, np.concatenate(slots))
    return _Matrix(write, chunks, sum(chunk.size for chunk in chunks.values()))


def _offsets(members: tuple[Block, ...]) -> list[int]:
    used = [block.used for block in members]
    return [sum(used[:position]) for position in range(len(used))]
