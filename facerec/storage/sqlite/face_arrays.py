"""The faces of a collection as arrays, read from a summary of each block.

A summary is written when the faces of a block are read for the first time. It stays valid until an
embedding of the block is written, a face of it is deleted, or its metadata changes.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.core.batches import batches
from facerec.core.deferred import DeferredModule
from facerec.core.faces import EMBEDDING_SIZE
from facerec.core.ids import photo_number
from facerec.storage.face_metadata import quality_from_metadata, stats_from_metadata
from facerec.storage.sqlite import blocks as embedding_blocks
from facerec.storage.sqlite import clusters, namespaces, rows
from facerec.storage.sqlite.approximate import MAPPED_BYTES
from facerec.storage.sqlite.blocks import BLOCK_SLOTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core import clusters as core_clusters
    from facerec.core.clusters import FaceArrays
    from facerec.core.faces import Quality
    from facerec.storage.sqlite.blocks import Block
    from facerec.storage.sqlite.database import Database
else:
    core_clusters = DeferredModule("facerec.core.clusters")

BLOCKS_AT_ONCE = 16
"""Number of blocks to summarise in one transaction, which takes about 0.2 seconds."""

_FIELDS = [
    ("offset", "<u2"),
    ("clear", "?"),
    ("photo", "<u8"),
    ("mean", "<f4"),
    ("deviation", "<f4"),
    ("checksum", "<u8"),
    ("written", "<u8"),
]
"""Fields of a face in a summary, in numpy's notation. ``offset`` is the position of the slot in its
block, ``check`` the checksum of the embedding, and ``written`` the number of the last write that
changed the face."""

_CONTENT = [name for name, _ in _FIELDS if name != "written"]


@dataclass(frozen=True, slots=True)
class SummaryRule:
    """The rule that determines the contents of a summary.

    Attributes:
        cohort_version: Version of the cohort stats.
        is_clear: Whether a face is clear enough to connect others.
        name: A text that is different for each ``is_clear`` that returns other results.
    """

    cohort_version: str
    is_clear: Callable[[Quality], bool]
    name: str

    @property
    def version(self) -> str:
        """The version of the summaries, which also names their fields."""
        return f"{self.cohort_version} {self.name} {_FIELDS}"


def summarise(database: Database, collection_id: str, rule: SummaryRule) -> None:
    """Write the summaries that are missing or out of date, in short transactions."""
    with database.reading() as connection:
        namespace = namespaces.get(connection, collection_id)
        stale = [] if namespace is None else _stale(connection, namespace, rule)
    for some in batches(stale, BLOCKS_AT_ONCE):
        with database.writing() as connection:
            current = {} if namespace is None else _blocks(connection, namespace)
            for block in filter(None, map(current.get, some)):
                faces = _faces_of_block(connection, block, rule)
                _keep_writes(connection, block, rule, faces)
                connection.execute(
                    "INSERT OR REPLACE INTO face_summary (block, written, version, faces) "
                    "VALUES (?, ?, ?, ?)",
                    (block.number, block.written, rule.version, faces.tobytes()),
                )


def read(connection: sqlite3.Connection, collection_id: str, rule: SummaryRule) -> FaceArrays:
    """Return the faces of a collection; see ``ClusterStore.read_face_arrays``."""
    state = read_state(connection, collection_id)
    if state is None:
        return _arrays([], np.empty(0, _FIELDS), 0, None)
    namespace = state[0]
    stored = clusters.last_clustered(connection, collection_id)
    since = stored[1] if stored is not None and stored[0] == namespace else -1
    blocks = list(_blocks(connection, namespace).values())
    summaries = _summaries(connection, namespace, rule)
    contents = [
        summaries[block]
        if block in summaries
        else _faces_of_block(connection, block, rule).tobytes()
        for block in blocks
    ]
    sizes = np.array([len(own) for own in contents], np.int64) // np.dtype(_FIELDS).itemsize
    firsts = np.repeat(np.array([block.first_slot for block in blocks], np.int64), sizes)
    arrays = _arrays(firsts, np.frombuffer(b"".join(contents), _FIELDS), since, state)
    _, again = clusters.to_cluster(connection, collection_id)
    arrays.changed[np.isin(arrays.slots, _slots(connection, namespace, again))] = True
    excluded = _slots(connection, namespace, clusters.not_faces(connection, collection_id))
    if not len(excluded):
        return arrays
    return arrays.take(np.flatnonzero(~np.isin(arrays.slots, excluded)))


def read_state(connection: sqlite3.Connection, collection_id: str) -> tuple[int, int, int] | None:
    """Return the state of a collection; see ``ClusterStore.read_state``."""
    found = namespaces.writes(connection, collection_id)
    if found is None:
        return None
    last_entry, _ = clusters.to_cluster(connection, collection_id)
    return (*found, last_entry)


def read_embeddings(
    connection: sqlite3.Connection, slots: Sequence[int] | NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the embeddings of slots, which must be in ascending order: float32, (n, 128)."""
    ordered = np.asarray(slots, np.int64)
    numbers, starts = np.unique(ordered // BLOCK_SLOTS, return_index=True)
    embeddings = np.empty((len(ordered), EMBEDDING_SIZE), np.float32)
    ends = [*starts.tolist(), len(ordered)][1:]
    # Reading through the system's cache is several times as fast as through SQLite's own pages. The
    # pages do not stay mapped, since they would count as memory of this process.
    connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
    try:
        for number, start, end in zip(numbers.tolist(), starts.tolist(), ends, strict=True):
            own = ordered[start:end] - number * BLOCK_SLOTS
            read = embedding_blocks.read_slots(connection, number, int(own[0]), int(own[-1]) + 1)
            # Usually all slots are used. Then no rows are selected: that would copy the embeddings
            # again.
            embeddings[start:end] = read if len(read) == len(own) else read[own - own[0]]
    finally:
        connection.execute("PRAGMA mmap_size = 0")
    return embeddings


def _blocks(connection: sqlite3.Connection, namespace: int) -> dict[int, Block]:
    """Return the blocks of a namespace by number."""
    return {block.number: block for block in embedding_blocks.list_blocks(connection, namespace)}


def _stale(connection: sqlite3.Connection, namespace: int, rule: SummaryRule) -> list[int]:
    """Return the numbers of the blocks without a current summary."""
    rows = connection.execute(
        "SELECT block FROM block LEFT JOIN face_summary USING (block) "
        "WHERE namespace = ? AND (face_summary.written IS NOT block.written OR version IS NOT ?) "
        "ORDER BY block",
        (namespace, rule.version),
    )
    return [number for (number,) in rows]


def _summaries(
    connection: sqlite3.Connection, namespace: int, rule: SummaryRule
) -> dict[Block, bytes]:
    """Return the current summaries of a namespace by block."""
    rows = connection.execute(
        "SELECT block, used, block.written, faces FROM block JOIN face_summary USING (block) "
        "WHERE namespace = ? AND face_summary.written = block.written AND version = ?",
        (namespace, rule.version),
    )
    return {embedding_blocks.Block(*block): faces for *block, faces in rows}


def _faces_of_block(
    connection: sqlite3.Connection, block: Block, rule: SummaryRule
) -> NDArray[np.void]:
    """Return the faces of a block, read from its rows: shape (n,), with ``_FIELDS``."""
    first = block.first_slot
    records = rows.records_of_range(connection, first, first + block.used)
    faces = np.empty(len(records), _FIELDS)
    for row, (slot, each) in enumerate(records):
        stats = stats_from_metadata(each.metadata)
        if stats is None or stats.version != rule.cohort_version:
            mean = deviation = math.nan
        else:
            mean, deviation = stats.mean, stats.deviation
        clear = rule.is_clear(quality_from_metadata(each.metadata))
        photo = photo_number(each.id)
        faces[row] = (slot - first, clear, photo, mean, deviation, 0, block.written)
    embeddings = embedding_blocks.read_block(connection, block)[faces["offset"]]
    faces["checksum"] = embeddings.view(np.uint64).sum(axis=1, dtype=np.uint64)
    return faces


def _keep_writes(
    connection: sqlite3.Connection, block: Block, rule: SummaryRule, faces: NDArray[np.void]
) -> None:
    """Keep the numbers of writes of faces that an earlier summary contains unchanged.

    If a block has no earlier summary, all of its faces count as written by its last write.
    """
    found = connection.execute(
        "SELECT faces FROM face_summary WHERE block = ? AND version = ?",
        (block.number, rule.version),
    ).fetchone()
    if found is None:
        return
    earlier = np.frombuffer(found[0], _FIELDS)
    _, own, other = np.intersect1d(faces["offset"], earlier["offset"], return_indices=True)
    # A face without stats never counts as the same, since NaN differs from itself.
    same = faces[_CONTENT][own] == earlier[_CONTENT][other]
    faces["written"][own[same]] = earlier["written"][other[same]]


def _slots(
    connection: sqlite3.Connection, namespace: int, face_ids: Iterable[str]
) -> NDArray[np.int64]:
    found = rows.slots_of_ids(connection, namespace, list(face_ids))
    return np.array(list(found.values()), np.int64)


def _arrays(
    firsts: Sequence[int] | NDArray[np.int64],
    faces: NDArray[np.void],
    since: int,
    state: tuple[int, int, int] | None,
) -> FaceArrays:
    """Return faces as arrays.

    Args:
        firsts: First slot of the block of each face.
        faces: The faces, with ``_FIELDS``.
        since: Number of the last write whose faces were clustered.
        state: State of the collection.
    """
    return core_clusters.FaceArrays(
        np.asarray(firsts, np.int64) + faces["offset"].astype(np.int64),
        faces["mean"].astype(np.float32),
        faces["deviation"].astype(np.float32),
        faces["photo"].astype(np.uint64),
        faces["clear"].astype(np.bool_),
        faces["written"].astype(np.int64) > since,
        state,
    )
