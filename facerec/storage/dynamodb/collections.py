"""Collections in a DynamoDB table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from facerec.errors import CollectionExistsError, CollectionNotFoundError
from facerec.storage.dynamodb.items import (
    COLLECTIONS,
    Item,
    collection_item,
    collection_key,
    numbers,
    to_collection,
)
from facerec.storage.dynamodb.unowned import delete_partitions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from facerec.core.records import Collection
    from facerec.storage.dynamodb.table import Table


def create(table: Table, collection: Collection, tags: Mapping[str, str]) -> None:
    """Create a collection; see ``RecordStore.create_collection``.

    First deletes the items that interrupted deletions of a collection with this id have left;
    otherwise they would belong to the new collection.
    """
    if table.get(collection_key(collection.collection_id)) is None:
        delete_partitions(table, collection.collection_id)

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
        CollectionNotFoundError: The collection does not exist.
    """
    item = table.get(collection_key(collection_id))
    if item is None:
        raise CollectionNotFoundError(collection_id)
    return item


def list_after(table: Table, after: str | None, limit: int) -> list[Collection]:
    """Return collections ordered by id; see ``RecordStore.list_collections``."""
    return [to_collection(item) for item in table.items(COLLECTIONS, after, limit)]


def delete(table: Table, collection_id: str, created_at: float | None = None) -> list[str]:
    """Delete a collection with all its items, and return the ids of its people.

    Stored answers that name the people remain.

    Raises:
        CollectionNotFoundError: The collection does not exist, or was created at another time. What
            an interrupted deletion has left is deleted anyway, unless there is a collection.
    """
    condition: dict[str, Any] = {"ConditionExpression": "attribute_exists(pk)"}
    if created_at is not None:
        condition = {
            "ConditionExpression": "created_at = :created_at",
            "ExpressionAttributeValues": numbers({":created_at": created_at}),
        }
    try:
        with table.condition_is(CollectionNotFoundError(collection_id)):
            table.client.delete_item(
                TableName=table.name, Key=collection_key(collection_id), **condition
            )
    except CollectionNotFoundError:
        delete_partitions(table, collection_id)
        raise
    return delete_partitions(table, collection_id)[0]


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
