"""Answers to requests in a DynamoDB table, by the tokens of the requests."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from facerec.core.records import AnsweredRequest
from facerec.errors import ConflictError
from facerec.storage.dynamodb.items import REQUESTS, numbers, request_key

if TYPE_CHECKING:
    from facerec.storage.dynamodb.table import Table


def get(table: Table, token: str, now: float) -> AnsweredRequest | None:
    """Return the answer to a request; see ``RecordStore.get_request``."""
    item = table.get(request_key(token))
    if item is None or float(item["expires_at"]["N"]) <= now:
        return None
    return AnsweredRequest(item["digest"]["S"], item["answer"]["S"], float(item["expires_at"]["N"]))


def keep(table: Table, token: str, request: AnsweredRequest, now: float) -> None:
    """Store an answer; see ``RecordStore.keep_request``."""
    kept = ConflictError("the token already has an answer")
    try:
        with table.condition_is(kept):
            table.client.put_item(
                TableName=table.name,
                Item={
                    **request_key(token),
                    "digest": {"S": request.digest},
                    "answer": {"S": request.answer},
                    **numbers({"expires_at": request.expires_at}),
                    # DynamoDB expires items in whole seconds.
                    "ttl": {"N": str(math.ceil(request.expires_at))},
                },
                ConditionExpression="attribute_not_exists(pk) OR expires_at <= :now",
                ExpressionAttributeValues=numbers({":now": now}),
            )
    except ConflictError:
        return


def get_answers(table: Table, ids: Sequence[str]) -> list[str]:
    """Return the answers that name an id, ordered; see ``RecordStore.get_answers``."""
    return sorted(item["answer"]["S"] for item in _naming(table, ids))


def forget(table: Table, ids: Sequence[str]) -> int:
    """Delete the answers that name an id; see ``RecordStore.forget_answers``."""
    forgotten = [request_key(item["sk"]["S"]) for item in _naming(table, ids)]
    table.delete(forgotten)
    return len(forgotten)


def _naming(table: Table, ids: Sequence[str]) -> list[dict[str, Any]]:
    named = [json.dumps(each) for each in ids]
    return [
        item
        for item in (table.partition(REQUESTS) if named else ())
        if any(text in item["answer"]["S"] for text in named)
    ]
