"""A DynamoDB table: reads and writes of items of any kind."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from facerec.core.aws_errors import aws_errors, is_repeated
from facerec.core.batches import batches
from facerec.core.stored_json import require_known_format
from facerec.errors import ConflictError, StoreUnavailableError
from facerec.storage.dynamodb.items import Item, collection_key, key

GOT_AT_ONCE = 100
"""Maximum number of items that one request gets:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html"""

DELETED_AT_ONCE = 25
"""Maximum number of items that one request deletes:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html"""

FIRST_PAUSE, MAX_PAUSE = 0.05, 5.0
"""Maximum of the random pause, in seconds, before the first request for items that a batch has
omitted. It doubles with each further request, up to ``MAX_PAUSE``."""

_LAST_SORT_KEY = "\U0010ffff" * 256
"""A sort key after all others: a key has up to 1,024 bytes in UTF-8.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""

_THROTTLED = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded"})
"""Reasons for which DynamoDB cancels a transaction that it may accept later; botocore does not
repeat it: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html."""

_CONFLICT = "TransactionConflictException"
"""Code of a write of an item that a transaction is changing:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html."""

TRIES = 8
"""Maximum number of attempts to change items that other callers change concurrently."""


def repeat_conflicts(client: Any) -> None:  # noqa: ANN401 - boto3 has no types
    """Make a client retry writes that conflict with a transaction, which botocore does not do.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
    """
    client.meta.events.register(
        "needs-retry.dynamodb", _pause_after_conflict, unique_id="facerec-conflicts"
    )


def _pause_after_conflict(
    response: tuple[object, dict[str, Any]] | None, attempts: int, **_: object
) -> float | None:
    """Return the pause before the next attempt, in seconds; None lets botocore decide."""
    code = None if response is None else response[1].get("Error", {}).get("Code")
    if code != _CONFLICT or attempts >= TRIES:
        return None
    return random.uniform(0, min(MAX_PAUSE, FIRST_PAUSE * 2**attempts))  # noqa: S311 - no secret


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose items have the keys ``pk`` and ``sk``. All reads are consistent.

    Methods raise the errors of ``facerec.core.aws_errors``; a table that does not exist raises
    ``StoreUnavailableError``.

    Attributes:
        client: boto3's client of DynamoDB.
        name: Name of the table.
    """

    client: Any
    name: str

    def count(self, partition: str) -> int:
        """Return the number of items of a partition."""
        return sum(page["Count"] for page in self._pages(partition, Select="COUNT"))

    def has_collection(self, collection_id: str) -> dict[str, Any]:
        """Return a transaction's condition that a collection exists."""
        return {
            "ConditionCheck": {
                "TableName": self.name,
                "Key": collection_key(collection_id),
                "ConditionExpression": "attribute_exists(pk)",
            }
        }

    def get(self, key: Item) -> Item | None:
        """Return the item of a key; None if there is none."""
        with self.errors():
            answer = self.client.get_item(TableName=self.name, Key=key, ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return None if item is None else self._known(item)

    def _known(self, item: Item) -> Item:
        """Return an item that was read, unless a newer release has stored it.

        Raises:
            NewerReleaseError: Its attribute ``format`` is greater than this release knows.
        """
        if "format" in item:
            place = f"the item {item['pk']['S']} of table {self.name}"
            require_known_format(int(item["format"]["N"]), place)
        return item

    def get_many(self, keys: Iterable[Item]) -> Iterator[Item]:
        """Yield the items of these keys, in any order; a key without an item yields nothing."""
        unique = list({(each["pk"]["S"], each["sk"]["S"]): each for each in keys}.values())
        for batch in batches(unique, GOT_AT_ONCE):
            unread: Any = {self.name: {"Keys": batch, "ConsistentRead": True}}
            for pause in _pauses():
                with self.errors():
                    answer = self.client.batch_get_item(RequestItems=unread)
                yield from map(self._known, answer["Responses"].get(self.name, []))
                unread = answer.get("UnprocessedKeys")
                if not unread:
                    break
                time.sleep(pause)

    def items(self, partition: str, after: str | None, limit: int) -> list[Item]:
        """Return up to ``limit`` items of a partition ordered by sort key, starting after a key."""
        condition, values = "pk = :pk", {":pk": {"S": partition}}
        if after is not None:
            condition += " AND sk > :after"
            values[":after"] = {"S": after}
        items: list[Item] = []
        start: dict[str, Any] = {}
        while len(items) < limit:
            with self.errors():
                page = self.client.query(
                    TableName=self.name,
                    KeyConditionExpression=condition,
                    ExpressionAttributeValues=values,
                    Limit=limit - len(items),
                    ConsistentRead=True,
                    **start,
                )
            items += map(self._known, page["Items"])
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        return items

    def all_items(self, partition: str, after: str = "") -> Iterator[Item]:
        """Yield the items of a partition in order, with as few requests as possible.

        With ``after``, only items with greater sort keys are yielded.
        """
        for page in self._pages(partition, "sk > :text" if after else None, after):
            yield from map(self._known, page["Items"])

    def beginning(self, partition: str, start: str) -> Iterator[Item]:
        """Yield the items of a partition whose sort keys begin with a text."""
        for page in self._pages(partition, "begins_with(sk, :text)", start):
            yield from map(self._known, page["Items"])

    def newest(self, partition: str, before: str) -> Iterator[Item]:
        """Yield items with sort keys below ``before``, in reverse order of these keys."""
        for page in self._pages(partition, "sk < :text", before, ScanIndexForward=False):
            yield from map(self._known, page["Items"])

    def _pages(
        self,
        partition: str,
        condition: str | None = None,
        text: str = "",
        **parameters: object,
    ) -> Iterator[Any]:
        """Yield the pages of a query of a partition.

        Args:
            partition: The partition key.
            condition: A condition on the sort key, in which ``:text`` stands for ``text``.
            text: The value of ``:text``.
            **parameters: Further parameters of the query.
        """
        values = {":pk": {"S": partition}}
        if condition is not None:
            values[":text"] = {"S": text}
        with self.errors():
            yield from self.client.get_paginator("query").paginate(
                TableName=self.name,
                KeyConditionExpression=" AND ".join(filter(None, ("pk = :pk", condition))),
                ExpressionAttributeValues=values,
                ConsistentRead=True,
                **parameters,
            )

    def partition(self, partition: str) -> Iterator[Item]:
        """Yield all items of a partition in order; each request gets ``GOT_AT_ONCE`` of them."""
        after = None
        while items := self.items(partition, after, GOT_AT_ONCE):
            yield from items
            after = items[-1]["sk"]["S"]

    def keys(self, partition: str) -> Iterator[Item]:
        """Yield the keys of all items of a partition in order."""
        for page in self._pages(partition, ProjectionExpression="pk, sk"):
            yield from map(self._known, page["Items"])

    def partitions(self, after: str = "") -> Iterator[str]:
        """Yield the keys of all partitions, in the table's order, with a request for each.

        With ``after``, the key of a partition, only later partitions are yielded.

        https://aws.amazon.com/blogs/database/generate-a-distinct-set-of-partition-keys-for-an-amazon-dynamodb-table-efficiently/
        """
        start: dict[str, Any] = {}
        if after:
            start = {"ExclusiveStartKey": key(after, _LAST_SORT_KEY)}
        while True:
            with self.errors():
                page = self.client.scan(
                    TableName=self.name,
                    Limit=1,
                    ProjectionExpression="pk",
                    ConsistentRead=True,
                    **start,
                )
            if page["Items"]:
                partition = page["Items"][0]["pk"]["S"]
                yield partition
                start = {"ExclusiveStartKey": key(partition, _LAST_SORT_KEY)}
            elif "LastEvaluatedKey" in page:
                start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
            else:
                return

    def delete(self, keys: Sequence[Item]) -> None:
        """Delete items; a missing one is not an error."""
        for batch in batches(keys, DELETED_AT_ONCE):
            requests = [{"DeleteRequest": {"Key": key}} for key in batch]
            left: Any = {self.name: requests}
            for pause in _pauses():
                with self.errors():
                    left = self.client.batch_write_item(RequestItems=left).get("UnprocessedItems")
                if not left:
                    break
                time.sleep(pause)

    def transact(self, actions: Sequence[dict[str, Any]]) -> list[bool] | None:
        """Write in one transaction, repeated if it is throttled; return None if it succeeds.

        Otherwise, return for each action whether its condition was not met.

        Raises:
            ConflictError: The last of ``TRIES`` attempts conflicted with another transaction.
        """
        for number, pause in enumerate(_pauses()):
            if number == TRIES:
                break
            with self.errors():
                try:
                    self.client.transact_write_items(TransactItems=actions)
                except self.client.exceptions.TransactionCanceledException as error:
                    codes = [reason.get("Code") for reason in error.response["CancellationReasons"]]
                    unmet = [code == "ConditionalCheckFailed" for code in codes]
                    if any(unmet):
                        return unmet
                    if not _THROTTLED.isdisjoint(codes) and number < TRIES - 1:
                        time.sleep(pause)
                    elif "TransactionConflict" not in codes:
                        raise
                else:
                    return None
        raise ConflictError("too many concurrent changes", "try again")

    @contextmanager
    def condition_is(
        self, unmet: Exception, is_own: Callable[[], bool] = lambda: False
    ) -> Iterator[None]:
        """Raise ``unmet`` if the condition of a write is not met.

        Args:
            unmet: The error.
            is_own: Returns whether this write has already been made. Called if botocore repeated
                the request, since the response to the first one may have been lost.
        """
        with self.errors():
            try:
                yield
            except self.client.exceptions.ConditionalCheckFailedException as error:
                if not (is_repeated(error) and is_own()):
                    raise unmet from error

    def errors(self) -> AbstractContextManager[None]:
        """Translate the errors of a request to the table."""
        table = f"the table {self.name}"
        missing = StoreUnavailableError(
            f"{table} does not exist",
            "check its name and region; deploy the stack again if it was deleted",
        )
        conflict = ConflictError("too many concurrent changes", "try again")
        return aws_errors("DynamoDB", table, missing=missing, codes={_CONFLICT: conflict})


def _pauses() -> Iterator[float]:
    """Yield pauses, in seconds, before further requests for items that a batch has omitted.

    DynamoDB omits items that it throttles, or for which an answer has no room, and recommends
    exponential pauses. If it can return nothing at all, it returns an error instead.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    """
    bound = FIRST_PAUSE
    while True:
        yield random.uniform(0, bound)  # noqa: S311 - no secret
        bound = min(MAX_PAUSE, 2 * bound)
