"""Pages and batches of DynamoDB, which end at sizes that it documents, or where it throttles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from facerec.storage.dynamodb.table import MAX_PAUSE, Table
from tests.support.stack_template import create_table

LARGE = 25
"""Items of 100 KB: more than two pages, which end after 1 MB.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html"""


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        create_table(client, "facerec")
        yield Table(client, "facerec")


def key(number: int) -> dict[str, Any]:
    return {"pk": {"S": "faces"}, "sk": {"S": f"{number:04}"}}


def fill(table: Table, count: int, size: int) -> list[str]:
    for number in range(count):
        table.client.put_item(TableName=table.name, Item={**key(number), "data": {"S": "x" * size}})
    return [f"{number:04}" for number in range(count)]


def sort_keys(items: Any) -> list[str]:  # noqa: ANN401 - items of DynamoDB
    return [item["sk"]["S"] for item in items]


def test_every_page_of_a_large_partition_is_read(table: Table) -> None:
    keys, queries = fill(table, LARGE, 100_000), list[None]()
    page = table.client.query(
        TableName=table.name,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "faces"}},
    )
    assert 0 < page["Count"] < LARGE  # as DynamoDB answers
    table.client.meta.events.register(
        "before-call.dynamodb.Query", lambda **_: queries.append(None)
    )
    assert table.count("faces") == LARGE
    assert sort_keys(table.partition("faces")) == keys
    assert sort_keys(table.items("faces", None, LARGE)) == keys
    assert sort_keys(table.items("faces", keys[3], LARGE)) == keys[4:]
    assert sort_keys(table.beginning("faces", "00")) == keys
    assert sort_keys(table.newest("faces", "9999")) == keys[::-1]
    assert len(queries) >= 6 * 2
    assert list(table.keys("faces")) == [key(number) for number in range(LARGE)]
    table.delete(list(table.keys("faces")))
    assert table.count("faces") == 0


class Throttling:
    """A client whose batches omit all but one item, as DynamoDB may do under load.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 has no static types
        self._client = client
        self.requests = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._client, name)

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        self.requests += 1
        ((name, asked),) = RequestItems.items()
        first, rest = asked["Keys"][:1], asked["Keys"][1:]
        answer: dict[str, Any] = self._client.batch_get_item(
            RequestItems={name: {**asked, "Keys": first}}
        )
        return {**answer, "UnprocessedKeys": {name: {**asked, "Keys": rest}} if rest else {}}

    def batch_write_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        self.requests += 1
        ((name, asked),) = RequestItems.items()
        self._client.batch_write_item(RequestItems={name: asked[:1]})
        return {"UnprocessedItems": {name: asked[1:]} if asked[1:] else {}}


def test_what_a_throttled_batch_omits_is_asked_for_after_pauses_that_grow(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = fill(table, 12, 10)
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    monkeypatch.setattr("random.uniform", lambda _, bound: bound)
    client = Throttling(table.client)
    throttled = Table(client, table.name)

    assert sorted(sort_keys(throttled.get_many(map(key, range(12))))) == keys
    assert client.requests == 12
    assert len(pauses) == 11
    assert pauses[0] < pauses[1] < pauses[2]
    assert max(pauses) == MAX_PAUSE

    pauses.clear()
    throttled.delete([key(number) for number in range(12)])
    assert (table.count("faces"), len(pauses)) == (0, 11)


def test_a_batch_that_is_complete_waits_for_nothing(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(table, 30, 10)

    def sleep(seconds: float) -> None:
        raise AssertionError(seconds)

    monkeypatch.setattr("time.sleep", sleep)
    assert len(list(table.get_many(map(key, range(30))))) == 30
    table.delete([key(number) for number in range(30)])
