"""Converts events to items of a DynamoDB table and back, and computes their three keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from facerec.core.events import KeptEvent, MatchEvent
from facerec.storage.dynamodb.items import (
    OUTBOX,
    Item,
    events_partition,
    key,
    matched_partition,
    numbers,
)

if TYPE_CHECKING:
    from facerec.storage.dynamodb.table import Table


def unchanged(table: Table, item: Item) -> dict[str, Any]:
    """Return the fields of a transaction's action on an event.

    The action fails if another process has claimed or moved the event since the item was read.
    """
    return {
        "TableName": table.name,
        "Key": key(item["pk"]["S"], item["sk"]["S"]),
        "ConditionExpression": "due_at = :due AND attempts = :attempts",
        "ExpressionAttributeValues": {":due": item["due_at"], ":attempts": item["attempts"]},
    }


def pointer_key(item: Item) -> Item:
    """Return the key of an event in the outbox."""
    event_id = item["sk"]["S"].partition("#")[2]
    return key(OUTBOX, sort_key(float(item["due_at"]["N"]), event_id))


def put_pointer(table: Table, item: Item, due_at: float) -> dict[str, Any]:
    """Return the action that adds an event to the outbox, due at a time in seconds since 1970."""
    own = pointer_key({**item, **numbers({"due_at": due_at})})
    pointer = {**own, "events": item["pk"], "event": item["sk"]}
    return {"Put": {"TableName": table.name, "Item": pointer}}


def delete_pointer(table: Table, item: Item) -> dict[str, Any]:
    """Return the action that removes an event from the outbox."""
    return {"Delete": {"TableName": table.name, "Key": pointer_key(item)}}


def matched_key(item: Item) -> Item:
    """Return the key that consists of the face and the person of an event."""
    partition = matched_partition(item["pk"]["S"].partition("#")[2])
    return key(partition, f"{item['face_id']['S']}#{item['user_id']['S']}")


def sort_key(at: float, name: str) -> str:
    """Return a sort key that orders by a time in seconds since 1970, then by a name."""
    return f"{at:020.6f}#{name}"


def event_item(event: MatchEvent) -> Item:
    """Return a new event as an item."""
    texts = {
        "user_id": event.user_id,
        "face_id": event.face_id,
        "image_id": event.image_id,
        "external_image_id": event.external_image_id,
        "photo": event.photo,
    }
    return {
        **key(events_partition(event.collection_id), sort_key(event.matched_at, event.event_id)),
        **{name: {"S": text} for name, text in texts.items() if text is not None},
        **numbers(
            {
                "similarity": event.similarity,
                "matched_at": event.matched_at,
                "due_at": event.matched_at,
                "attempts": 0,
            }
        ),
    }


def to_kept_event(item: Item) -> KeptEvent:
    """Return the event of an item."""
    event = MatchEvent(
        item["sk"]["S"].partition("#")[2],
        item["pk"]["S"].partition("#")[2],
        item["user_id"]["S"],
        item["face_id"]["S"],
        item["image_id"]["S"],
        item["external_image_id"]["S"] if "external_image_id" in item else None,
        item["photo"]["S"],
        float(item["similarity"]["N"]),
        float(item["matched_at"]["N"]),
    )
    return KeptEvent(
        event,
        int(item["attempts"]["N"]),
        float(item["due_at"]["N"]),
        float(item["delivered_at"]["N"]) if "delivered_at" in item else None,
        item["problem"]["S"] if "problem" in item else None,
    )
