"""The faces of a collection as arrays, read block by block."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.core.deferred import DeferredModule
from facerec.core.faces import EMBEDDING_SIZE
from facerec.storage.face_metadata import from_metadata
from facerec.storage.sqlite import blocks as embedding_blocks
from facerec.storage.sqlite import clusters, namespaces, rows

if TYPE_CHECKING:
    from facerec.core import clusters as core_clusters
    from facerec.core.clusters import FaceArrays
    from facerec.core.records import FaceRecord
else:
    core_clusters = DeferredModule("facerec.core.clusters")


def read(
    connection: sqlite3.Connection,
    collection_id: str,
    cohort_version: str,
    is_clear: Callable[[FaceRecord], bool],
) -> FaceArrays:
    """Return the faces of a collection; see ``ClusterStore.read_face_arrays``."""
    found = namespaces.writes(connection, collection_id)
    if found is None:
        return _empty(0, None)
    namespace, write = found
    mark = clusters.mark(connection, collection_id)
    since = mark[1] if mark is not None and mark[0] == namespace else -1
    last_entry, again = clusters.to_cluster(connection, collection_id)
    excluded = set(clusters.not_faces(connection, collection_id))
    arrays = _empty(namespaces.count(connection, collection_id), (namespace, write, last_entry))
    count = 0
    for block in embedding_blocks.list_blocks(connection, namespace):
        first = block.first_slot
        records = rows.records_of_range(connection, first, first + block.used)
        faces = [(slot, each) for slot, each in records if each.id not in excluded]
        if not faces:
            continue
        own = slice(count, count + len(faces))
        count += len(faces)
        arrays.slots[own] = [slot for slot, _ in faces]
        arrays.embeddings[own] = embedding_blocks.read_block(connection, block)[
            arrays.slots[own] - first
        ]
        arrays.photos[own] = [_photo(each.id) for _, each in faces]
        is_changed = block.written > since
        arrays.changed[own] = [is_changed or each.id in again for _, each in faces]
        for row, (_, each) in enumerate(faces, own.start):
            record = from_metadata(each.id, each.metadata)
            arrays.clear[row] = is_clear(record)
            if record.stats is not None and record.stats.version == cohort_version:
                arrays.means[row] = record.stats.mean
                arrays.deviations[row] = record.stats.deviation
    return _first(arrays, count)


def _photo(face_id: str) -> int:
    """Return 64 bits of the image key of a face."""
    return int(face_id[:18].replace("-", ""), 16)


def _empty(count: int, mark: tuple[int, int, int] | None) -> FaceArrays:
    return core_clusters.FaceArrays(
        np.zeros(count, np.int64),
        np.empty((count, EMBEDDING_SIZE), np.float32),
        np.full(count, np.nan, np.float32),
        np.full(count, np.nan, np.float32),
        np.zeros(count, np.uint64),
        np.zeros(count, np.bool_),
        np.zeros(count, np.bool_),
        mark,
    )


def _first(arrays: FaceArrays, count: int) -> FaceArrays:
    return core_clusters.FaceArrays(
        arrays.slots[:count],
        arrays.embeddings[:count],
        arrays.means[:count],
        arrays.deviations[:count],
        arrays.photos[:count],
        arrays.clear[:count],
        arrays.changed[:count],
        arrays.mark,
    )
