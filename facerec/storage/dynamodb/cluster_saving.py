"""Saves the clusters that a clustering has found.

The shards are not changed in one transaction, but no other process changes clusters between the
first change and the last (``facerec.storage.dynamodb.cluster_head``). A clustering that is killed
in between leaves some faces to be clustered again: they are in no shard. Clusters are merged first:
if the merging is interrupted, the faces that connect them are clustered again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.storage.dynamodb.cluster_head import Saving
from facerec.storage.dynamodb.cluster_items import by_shard, shard_of
from facerec.storage.dynamodb.cluster_membership import read_membership
from facerec.storage.dynamodb.cluster_shards import change_shards, forget_faces

if TYPE_CHECKING:
    from facerec.core.clusters import ClusterChanges
    from facerec.core.records import Collection
    from facerec.storage.dynamodb.table import Table
    from facerec.storage.faces import FaceStore


def save(
    table: Table,
    faces: FaceStore,
    collection: Collection,
    changes: ClusterChanges,
    considered: Sequence[str],
    version: str | None,
) -> list[int]:
    """Change clusters; return the numbers of those created.

    Args:
        table: The table.
        faces: The store of the collection's faces.
        collection: The collection.
        changes: The changes.
        considered: Ids of the faces that were compared with all others.
        version: Version of the clusters that the changes were computed from; None for any.

    Raises:
        CollectionNotFoundError: The collection does not exist any more.
        ConflictError: Nothing was saved, since the version has changed; or all or a part may have
            been saved, since there were too many concurrent changes, the save took too long, or the
            collection was switched to another model version.
    """
    saving = Saving(table, collection)
    created = saving.begin(len(changes.created), version)
    try:
        targets = _write(table, collection, saving, changes, created, considered)
    finally:
        saving.end()
    # A face that was deleted before it was added here is still in a shard.
    own = faces.of(collection)
    stored = own.vectors.stored_ids(collection.collection_id, list(targets))
    if gone := [face_id for face_id in targets if face_id not in stored]:
        forget_faces(table, collection.collection_id, gone)
    return created


def _write(
    table: Table,
    collection: Collection,
    saving: Saving,
    changes: ClusterChanges,
    created: Sequence[int],
    considered: Sequence[str],
) -> dict[str, int]:
    """Write changes to the shards, those of merged clusters first.

    Returns:
        The cluster number of each face that the changes add to a shard; 0 if it is in no cluster.
    """
    if changes.merged:
        _merge(table, collection, saving, changes.merged)
    targets = dict.fromkeys(considered, 0) | dict(changes.joined)
    for number, face_ids in zip(created, changes.created, strict=True):
        targets |= dict.fromkeys(face_ids, number)
    shards = by_shard(targets)

    def add(sort: str, members: dict[str, int]) -> None:
        for face_id in shards[sort]:
            # Faces that another process has clustered stay in their clusters.
            if members.get(face_id, 0) == 0:
                members[face_id] = targets[face_id]

    change_shards(table, collection.collection_id, shards, change=add, write=saving.write)
    return targets


def _merge(table: Table, collection: Collection, saving: Saving, merged: Mapping[int, int]) -> None:
    """Set the cluster numbers of faces of merged clusters to those of the absorbing clusters."""

    def absorbing(number: int) -> int:
        while number in merged:
            number = merged[number]
        return number

    known = read_membership(table, collection.collection_id)
    moved = known.ids[np.isin(known.numbers, list(merged))].tolist()

    def merge(_sort: str, members: dict[str, int]) -> None:
        for face_id, number in members.items():
            members[face_id] = absorbing(number)

    sorts = dict.fromkeys(shard_of(face_id.decode()) for face_id in moved)
    change_shards(table, collection.collection_id, sorts, change=merge, write=saving.write)
