"""Changes to the shards of clusters, each only if the shard was not changed concurrently."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from facerec.core.batches import batches
from facerec.storage.dynamodb.cluster_items import (
    by_shard,
    cluster_key,
    members_of,
    not_face_key,
    shard_item,
)
from facerec.storage.dynamodb.table import TRIES
from facerec.storage.dynamodb.users import too_many_changes

if TYPE_CHECKING:
    from facerec.storage.dynamodb.table import Table

CHANGED_AT_ONCE = 8
"""Number of shards per transaction. A transaction has at most 4 MB, and an item 400 KB:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html."""

Change = Callable[[str, dict[str, int]], None]
"""Changes the members of a shard, given its sort key: numbers of clusters, or 0, by face id."""


def change_shards(
    table: Table,
    collection_id: str,
    sorts: Iterable[str],
    *,
    change: Change,
    write: Callable[[Sequence[dict[str, Any]]], bool] | None = None,
) -> None:
    """Change shards, ``CHANGED_AT_ONCE`` in each transaction; unchanged ones are not written.

    Args:
        table: The table.
        collection_id: Id of the collection.
        sorts: Sort keys of the shards.
        change: Changes the members of a shard; called again if another process has changed the
            shard.
        write: Writes in a transaction, and returns False if a condition is not met; None if there
            are no other conditions than those of the shards.

    Raises:
        ConflictError: There are too many concurrent changes.
    """
    for some in batches(sorts, CHANGED_AT_ONCE):
        for _ in range(TRIES):
            actions = _changes(table, collection_id, some, change)
            if not actions:
                break
            if write(actions) if write is not None else table.transact(actions) is None:
                break
        else:
            raise too_many_changes()


def remove_from_shards(table: Table, collection_id: str, face_ids: Sequence[str]) -> None:
    """Remove faces from shards, so that they are in no cluster and are clustered again.

    Raises:
        ConflictError: There are too many concurrent changes.
    """
    shards = by_shard(face_ids)

    def remove(sort: str, members: dict[str, int]) -> None:
        for face_id in shards[sort]:
            members.pop(face_id, None)

    change_shards(table, collection_id, shards, change=remove)


def forget_faces(table: Table, collection_id: str, face_ids: Sequence[str]) -> None:
    """Remove all data about deleted faces from the clusters of a collection.

    Raises:
        ConflictError: There are too many concurrent changes.
    """
    remove_from_shards(table, collection_id, face_ids)
    marks = [not_face_key(collection_id, face_id) for face_id in face_ids]
    found = [cluster_key(collection_id, item["sk"]["S"]) for item in table.get_many(marks)]
    table.delete(found)


def _changes(
    table: Table, collection_id: str, sorts: Sequence[str], change: Change
) -> list[dict[str, Any]]:
    """Return the actions of a transaction that write the changed shards."""
    stored = {
        item["sk"]["S"]: item
        for item in table.get_many(cluster_key(collection_id, sort) for sort in sorts)
    }
    actions = []
    for sort in sorts:
        item = stored.get(sort)
        before = {} if item is None else dict(members_of(item))
        members = dict(before)
        change(sort, members)
        if members == before:
            continue
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if item is not None:
            condition = {
                "ConditionExpression": "#version = :version",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": {":version": item["version"]},
            }
        own = {"TableName": table.name, **condition}
        if members:
            put = {**own, "Item": shard_item(collection_id, sort, members)}
            actions.append({"Put": put})
        else:
            actions.append({"Delete": {**own, "Key": cluster_key(collection_id, sort)}})
    return actions
