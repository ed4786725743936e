"""Collections in a DynamoDB table, and the partitions of everything that belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from facerec.errors import CollectionExistsError, CollectionNotFoundError
from facerec.storage.dynamodb import events
from facerec.storage.dynamodb.items import (
    COLLECTIONS,
    Item,
    associations_partition,
    clusters_partition,
    collection_item,
    collection_key,
    face_corrections_partition,
    history_partition,
    numbers,
    person_corrections_partition,
    registered_partition,
    to_collection,
    tombstones_partition,
    user_names_partition,
    users_partition,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from facerec.core.records import Collection
    from facerec.storage.dynamodb.table import Table


def create(table: Table, collection: Collection, tags: Mapping[str, str]) -> None:
    """Create a collection; see ``RecordStore.create_collection``."""

    def is_own() -> bool:
        item = table.get(collection_key(collection.collection_id))
        return item is not None and to_collection(item).created_at == collection.created_at

    with table.condition_is(CollectionExistsError(collection.collection_id), is_own):
        table.client.put_item(
            TableName=table.name,
            Item=collection_item(collection, tags),
            ConditionExpression="attribute_not_exists(pk)",
        )


def get_item(table: Table, collection_id: str) -> Item:
    """Return the item of a collection.

    Raises:
        CollectionNotFoundError: It does not exist.
    """
    item = table.get(collection_key(collection_id))
    if item is None:
        raise CollectionNotFoundError(collection_id)
    return item


def list_after(table: Table, after: str | None, limit: int) -> list[Collection]:
    """Return collections ordered by id; see ``RecordStore.list_collections``."""
    return [to_collection(item) for item in table.items(COLLECTIONS, after, limit)]


def delete(table: Table, collection_id: str) -> list[str]:
    """Delete a collection with all its items, and return the ids of its people.

    Stored answers that name the people remain.

    Raises:
        CollectionNotFoundError: It does not exist. What an interrupted deletion has left is
            deleted all the same.
    """
    try:
        with table.condition_is(CollectionNotFoundError(collection_id)):
            table.client.delete_item(
                TableName=table.name,
                Key=collection_key(collection_id),
                ConditionExpression="attribute_exists(pk)",
            )
    except CollectionNotFoundError:
        _delete_partitions(table, collection_id)
        raise
    return _delete_partitions(table, collection_id)


def _delete_partitions(table: Table, collection_id: str) -> list[str]:
    """Delete all items of a collection but its own, and return the ids of its people."""
    users = users_partition(collection_id)
    user_ids = [item["sk"]["S"] for item in table.partition(users)]
    for partition in (
        users,
        user_names_partition(collection_id),
        associations_partition(collection_id),
        face_corrections_partition(collection_id),
        person_corrections_partition(collection_id),
        history_partition(collection_id),
        tombstones_partition(collection_id),
        registered_partition(collection_id),
        clusters_partition(collection_id),
    ):
        table.delete_partition(partition)
    # Deleted last: events are only added for people who exist.
    events.delete_of_collection(table, collection_id)
    return user_ids


def set_threshold(table: Table, collection_id: str, threshold: float | None) -> None:
    """Set or remove a threshold; see ``RecordStore.set_threshold``."""
    change: dict[str, Any] = {"UpdateExpression": "REMOVE threshold"}
    if threshold is not None:
        change = {
            "UpdateExpression": "SET threshold = :threshold",
            "ExpressionAttributeValues": numbers({":threshold": threshold}),
        }
    with table.condition_is(CollectionNotFoundError(collection_id)):
        table.client.update_item(
            TableName=table.name,
            Key=collection_key(collection_id),
            ConditionExpression="attribute_exists(pk)",
            **change,
        )
