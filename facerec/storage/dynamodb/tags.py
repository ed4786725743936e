"""Tags of collections, in the items of the collections."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from facerec.core.names import check_number_of_tags
from facerec.errors import ConflictError
from facerec.storage.dynamodb.collections import get_item
from facerec.storage.dynamodb.items import collection_key
from facerec.storage.dynamodb.table import TRIES, Table


def get_tags(table: Table, collection_id: str) -> dict[str, str]:
    """Return the tags of a collection; see ``RecordStore.get_tags``."""
    return _tags(get_item(table, collection_id))


def change_tags(
    table: Table,
    collection_id: str,
    put: Mapping[str, str] | None,
    remove: Sequence[str],
    limit: int,
) -> None:
    """Set and remove tags; see ``RecordStore.change_tags``."""
    for _ in range(TRIES):
        item = get_item(table, collection_id)
        kept = {name: value for name, value in _tags(item).items() if name not in set(remove)}
        tags = kept | dict(put or {})
        check_number_of_tags(tags, limit)
        before = item.get("tags", {"S": "{}"})
        try:
            with table.condition_is(ConflictError("the tags were changed concurrently")):
                table.client.update_item(
                    TableName=table.name,
                    Key=collection_key(collection_id),
                    UpdateExpression="SET tags = :tags",
                    ConditionExpression="tags = :before",
                    ExpressionAttributeValues={
                        ":tags": {"S": json.dumps(tags)},
                        ":before": before,
                    },
                )
        except ConflictError:
            continue
        return
    raise ConflictError("too many concurrent changes of the tags", "try again")


def _tags(item: Mapping[str, Any]) -> dict[str, str]:
    tags: dict[str, str] = json.loads(item["tags"]["S"])
    return dict(sorted(tags.items()))
