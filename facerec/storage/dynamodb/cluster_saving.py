"""Saves what a clustering has found.

The shards are not changed in one transaction. A clustering that is killed between two leaves some
faces to be clustered again: they are in no shard. Clusters are merged first, so that the faces that
connect them are still clustered again if the merging is not complete.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from facerec.core.arrays import np
from facerec.errors import CollectionNotFoundError
from facerec.storage.dynamodb.cluster_items import HEAD, by_shard, cluster_key, shard_of
from facerec.storage.dynamodb.cluster_membership import read_membership
from facerec.storage.dynamodb.cluster_shards import (
    change_shards,
    exists_as_created,
    forget_faces,
)
from facerec.storage.dynamodb.items import numbers
from facerec.storage.dynamodb.table import TRIES
from facerec.storage.dynamodb.users import too_many_changes

if TYPE_CHECKING:
    from facerec.core.clusters import ClusterChanges
    from facerec.core.records import Collection
    from facerec.storage.dynamodb.table import Table
    from facerec.storage.faces import FaceStore


def read_head(table: Table, collection_id: str) -> tuple[int, int]:
    """Return the last number of a cluster, and the number of clusterings that were saved."""
    item = table.get(cluster_key(collection_id, HEAD))
    return (0, 0) if item is None else (int(item["last_number"]["N"]), int(item["saves"]["N"]))


def save(
    table: Table,
    faces: FaceStore,
    collection: Collection,
    changes: ClusterChanges,
    considered: Sequence[str],
) -> list[int]:
    """Change clusters; return the numbers of those created.

    Args:
        table: the table.
        faces: the store of the collection's faces.
        collection: the collection.
        changes: the changes.
        considered: ids of the faces that were compared with all others.

    Raises:
        CollectionNotFoundError: the collection does not exist any more.
        ConflictError: there are too many concurrent changes.
    """
    created = _take_numbers(table, collection, len(changes.created))
    if changes.merged:
        _merge(table, collection, changes.merged)
    targets = dict.fromkeys(considered, 0) | dict(changes.joined)
    for number, face_ids in zip(created, changes.created, strict=True):
        targets |= dict.fromkeys(face_ids, number)
    shards = by_shard(targets)

    def add(sort: str, members: dict[str, int]) -> None:
        for face_id in shards[sort]:
            # Faces that somebody else has clustered stay in their clusters.
            if members.get(face_id, 0) == 0:
                members[face_id] = targets[face_id]

    change_shards(table, collection, collection.collection_id, shards, change=add)
    # A face that was deleted before it was added here is still in a shard.
    own = faces.of(collection)
    stored = own.vectors.stored_ids(collection.collection_id, list(targets))
    if gone := [face_id for face_id in targets if face_id not in stored]:
        forget_faces(table, collection.collection_id, gone)
    return created


def _merge(table: Table, collection: Collection, merged: Mapping[int, int]) -> None:
    """Give the faces of merged clusters the numbers of those that absorb them."""

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
    change_shards(table, collection, collection.collection_id, sorts, change=merge)


def _take_numbers(table: Table, collection: Collection, count: int) -> list[int]:
    """Return numbers for new clusters, which nobody else gets."""
    head_key = cluster_key(collection.collection_id, HEAD)
    for _ in range(TRIES):
        last, saves = read_head(table, collection.collection_id)
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if saves:
            condition = {
                "ConditionExpression": "saves = :saves",
                "ExpressionAttributeValues": numbers({":saves": saves}),
            }
        item = {**head_key, **numbers({"last_number": last + count, "saves": saves + 1})}
        put = {"Put": {"TableName": table.name, "Item": item, **condition}}
        unmet = table.transact([exists_as_created(table, collection), put])
        if unmet is None:
            return list(range(last + 1, last + count + 1))
        if unmet[0]:
            raise CollectionNotFoundError(collection.collection_id)
    raise too_many_changes()
