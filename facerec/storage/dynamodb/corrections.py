"""Corrections in a DynamoDB table; each can be found by its face and by its person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from facerec.core.batches import batches
from facerec.core.history import StepKind, correction_step
from facerec.errors import CollectionNotFoundError, ConflictError
from facerec.storage.dynamodb import history
from facerec.storage.dynamodb.items import (
    Item,
    face_corrections_key,
    face_corrections_partition,
    person_corrections_key,
    to_corrections,
)

if TYPE_CHECKING:
    from facerec.core.records import Correction
    from facerec.storage.dynamodb.table import Table


ADDED_AT_ONCE = 33
"""Number of corrections per transaction; with the collection, and for each a face, a person and a
step of the history, 100 items."""


def add_corrections(table: Table, collection_id: str, corrected: Sequence[Correction]) -> None:
    """Add corrections; see ``RecordStore.add_corrections``."""
    for batch in batches(list(dict.fromkeys(corrected)), ADDED_AT_ONCE):
        keys = [face_corrections_key(collection_id, each.face_id) for each in batch]
        known = read_corrections(table, keys)
        new = [each for each in batch if each not in known]
        if not new:
            continue
        noted = [
            action
            for each in new
            for action in history.notes(
                table, collection_id, correction_step(StepKind.CORRECTED, each)
            )
        ]
        changes = _additions(table, collection_id, new)
        if table.transact([table.has_collection(collection_id), *changes, *noted]) is not None:
            raise CollectionNotFoundError(collection_id)


def remove_corrections(table: Table, collection_id: str, corrected: Sequence[Correction]) -> int:
    """Remove corrections; see ``RecordStore.remove_corrections``."""
    removed = 0
    for correction in corrected:
        changes = _changes(table, collection_id, correction, "DELETE")
        step = correction_step(StepKind.CORRECTION_LIFTED, correction)
        removed += table.transact([*changes, *history.notes(table, collection_id, step)]) is None
        # an item whose last value was removed still exists, with the name of a face or person in
        # its key
        for change in changes:
            with suppress(ConflictError), table.condition_is(ConflictError("in use")):
                table.client.delete_item(
                    TableName=table.name,
                    Key=change["Update"]["Key"],
                    ConditionExpression="attribute_not_exists(people) "
                    "AND attribute_not_exists(faces)",
                )
    return removed


def read_corrections(table: Table, keys: Iterable[Item]) -> list[Correction]:
    """Return the corrections in the items with these keys of faces or people, in order."""
    return sorted(
        correction for item in table.get_many(keys) for correction in to_corrections(item)
    )


def list_corrections(
    table: Table, collection_id: str, after: Correction | None, limit: int
) -> list[Correction]:
    """List corrections; see ``RecordStore.list_corrections``."""
    found: list[Correction] = []
    if after is not None:
        started = read_corrections(table, [face_corrections_key(collection_id, after.face_id)])
        found = [correction for correction in started if correction > after]
    last = None if after is None else after.face_id
    items = table.items(face_corrections_partition(collection_id), last, limit)
    found += [correction for item in items for correction in sorted(to_corrections(item))]
    return found[:limit]


def _additions(
    table: Table, collection_id: str, corrected: Sequence[Correction]
) -> list[dict[str, Any]]:
    """Return the changes to the items of corrections, with one change for each item."""
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    for correction in corrected:
        for change in _changes(table, collection_id, correction, "ADD"):
            update = change["Update"]
            place = (update["Key"]["pk"]["S"], update["Key"]["sk"]["S"])
            first = merged.setdefault(place, change)
            if first is not change:
                values = first["Update"]["ExpressionAttributeValues"][":values"]["SS"]
                values += update["ExpressionAttributeValues"][":values"]["SS"]
    return list(merged.values())


def _changes(
    table: Table, collection_id: str, correction: Correction, action: str
) -> list[dict[str, Any]]:
    """Return the changes to both items of a correction, which ADD or DELETE a value of a set."""
    changes = []
    for item_key, name, value in (
        (face_corrections_key(collection_id, correction.face_id), "people", correction.person),
        (person_corrections_key(collection_id, correction.person), "faces", correction.face_id),
    ):
        change: dict[str, Any] = {
            "TableName": table.name,
            "Key": item_key,
            "UpdateExpression": f"{action} {name} :values",
            "ExpressionAttributeValues": {":values": {"SS": [value]}},
        }
        if action == "DELETE":
            change["ConditionExpression"] = f"contains({name}, :value)"
            change["ExpressionAttributeValues"][":value"] = {"S": value}
        changes.append({"Update": change})
    return changes
