"""Tombstones in a DynamoDB table: an item for each photo, and one for the key of a collection."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from facerec.core.batches import batches
from facerec.errors import CollectionNotFoundError, ConflictError
from facerec.storage.dynamodb.items import tombstone_item_key, tombstones_partition

if TYPE_CHECKING:
    from facerec.storage.dynamodb.table import Table

PUT_AT_ONCE = 99
"""Number of photos per transaction; with the collection, 100 items in total:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html."""

_KEY = "key"
"""Sort key of the key of tombstones; the hashes of photos are longer."""


def get_key(table: Table, collection_id: str) -> bytes | None:
    """Return the key of tombstones; see ``RecordStore.get_tombstone_key``."""
    item = table.get(tombstone_item_key(collection_id, _KEY))
    return None if item is None else bytes(item["value"]["B"])


def create_key(table: Table, collection_id: str, key: bytes) -> bytes:
    """Create the key of tombstones; see ``RecordStore.create_tombstone_key``."""
    put = {
        "Put": {
            "TableName": table.name,
            "Item": {**tombstone_item_key(collection_id, _KEY), "value": {"B": key}},
            "ConditionExpression": "attribute_not_exists(pk)",
        }
    }
    unmet = table.transact([table.has_collection(collection_id), put])
    if unmet is not None and unmet[0]:
        raise CollectionNotFoundError(collection_id)
    return get_key(table, collection_id) or key


def get(table: Table, collection_id: str, photos: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return positions by photo; see ``RecordStore.get_tombstones``."""
    keys = (tombstone_item_key(collection_id, photo) for photo in photos)
    return {
        item["sk"]["S"]: frozenset(item["places"]["SS"])
        for item in table.get_many(keys)
        if "places" in item
    }


def list_photos(
    table: Table, collection_id: str, after: str | None, limit: int
) -> dict[str, frozenset[str]]:
    """Return positions by photo; see ``RecordStore.list_tombstones``."""
    partition = tombstones_partition(collection_id)
    while items := table.items(partition, after, limit):
        # The item of the key, and those whose last position was just removed, contain none.
        found = {i["sk"]["S"]: frozenset(i["places"]["SS"]) for i in items if "places" in i}
        if found:
            return found
        after = items[-1]["sk"]["S"]
    return {}


def put(table: Table, collection_id: str, places: Mapping[str, Collection[str]]) -> None:
    """Add positions; see ``RecordStore.put_tombstones``."""
    changes = [
        {"Update": _change(table, collection_id, photo, "ADD", own)}
        for photo, own in places.items()
        if own
    ]
    for part in batches(changes, PUT_AT_ONCE):
        if table.transact([table.has_collection(collection_id), *part]) is not None:
            raise CollectionNotFoundError(collection_id)


def delete(table: Table, collection_id: str, places: Mapping[str, Collection[str]]) -> None:
    """Remove positions; see ``RecordStore.delete_tombstones``."""
    for photo, own in places.items():
        if not own:
            continue
        with table.errors():
            table.client.update_item(**_change(table, collection_id, photo, "DELETE", own))
        # An item whose last position was removed still exists; delete it if it is still empty.
        with suppress(ConflictError), table.condition_is(ConflictError("in use")):
            table.client.delete_item(
                TableName=table.name,
                Key=tombstone_item_key(collection_id, photo),
                ConditionExpression="attribute_not_exists(places)",
            )


def _change(
    table: Table, collection_id: str, photo: str, action: str, places: Collection[str]
) -> dict[str, Any]:
    return {
        "TableName": table.name,
        "Key": tombstone_item_key(collection_id, photo),
        "UpdateExpression": f"{action} places :places",
        "ExpressionAttributeValues": {":places": {"SS": sorted(places)}},
    }
