"""The embeddings of collections in memory, kept up to date with the file.

A matrix never changes: when the file does, a new one is made that shares every segment without
a changed block with the old one. So searches of several threads need no lock while they scan.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice
from threading import Lock

import numpy as np

from facerec.core.faces import EMBEDDING_SIZE
from facerec.storage.scan import Segment, make_segment
from facerec.storage.sqlite import blocks as embedding_blocks
from facerec.storage.sqlite import namespaces
from facerec.storage.sqlite.blocks import Block

SEGMENT_BLOCKS = 16
"""Blocks that are scanned at once. A change of one copies them all (8 MiB, about 2 ms)."""

MOST_MEMORY = 4 * 1024**3
"""Bytes of embeddings to keep in memory, beside those of the collection searched last."""


@dataclass(frozen=True, slots=True)
class _Matrix:
    generation: int
    segments: dict[tuple[Block, ...], Segment]

    @property
    def size(self) -> int:
        return sum(segment.size for segment in self.segments.values())


class Matrices:
    """The matrices of the namespaces that were searched lately."""

    def __init__(self, most_memory: int = MOST_MEMORY) -> None:
        self._most_memory = most_memory
        self._by_namespace: OrderedDict[int, _Matrix] = OrderedDict()
        self._lock = Lock()

    def segments(self, connection: sqlite3.Connection, collection_id: str) -> tuple[Segment, ...]:
        """Return a collection's embeddings as the connection's transaction sees them.

        This must be the transaction's first read: since the lock is held from there on, no
        caller's transaction sees an earlier state than the matrix that is kept.
        """
        with self._lock:
            namespace = namespaces.find(connection, collection_id)
            if namespace is None:
                return ()
            held = self._by_namespace.pop(namespace, _Matrix(0, {}))
            generation = embedding_blocks.latest_generation(connection, namespace)
            if generation != held.generation:
                held = _Matrix(generation, _refreshed(connection, namespace, held))
            self._by_namespace[namespace] = held
            self._evict()
            return tuple(held.segments.values())

    def _evict(self) -> None:
        memory = sum(matrix.size for matrix in self._by_namespace.values())
        while memory > self._most_memory and len(self._by_namespace) > 1:
            _, matrix = self._by_namespace.popitem(last=False)
            memory -= matrix.size


def _refreshed(
    connection: sqlite3.Connection, namespace: int, held: _Matrix
) -> dict[tuple[Block, ...], Segment]:
    old_blocks = {
        block: (segment, offset)
        for members, segment in held.segments.items()
        for block, offset in zip(members, _offsets(members), strict=True)
    }
    segments = {}
    remaining = iter(embedding_blocks.list_blocks(connection, namespace))
    while members := tuple(islice(remaining, SEGMENT_BLOCKS)):
        if members in held.segments:
            segments[members] = held.segments[members]
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
        segments[members] = make_segment(embeddings, np.concatenate(slots))
    return segments


def _offsets(members: tuple[Block, ...]) -> list[int]:
    used = [block.used for block in members]
    return [sum(used[:place]) for place in range(len(used))]
