"""A DynamoDB client that reads items from moto without its requests, which take milliseconds."""

from __future__ import annotations

import copy
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends


class FastReads:
    """Answers ``get_item`` itself, and leaves the other calls to boto3's client."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 has no types
        self._client = client
        self._backend = dynamodb_backends[DEFAULT_ACCOUNT_ID][client.meta.region_name]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute
        return getattr(self._client, name)

    def get_item(
        self,
        *,
        TableName: str,  # noqa: N803 - boto3's names
        Key: dict[str, dict[str, str]],  # noqa: N803
        ConsistentRead: bool,  # noqa: N803
    ) -> dict[str, Any]:
        assert ConsistentRead
        found = self._backend.get_item(TableName, Key)
        return {} if found is None else {"Item": found.to_json()["Attributes"]}

    def saved(self, table: str) -> Any:  # noqa: ANN401 - moto's items
        """Return a copy of all items of a table."""
        return copy.deepcopy(self._backend.tables[table].items)

    def restore(self, table: str, saved: Any) -> None:  # noqa: ANN401 - moto's items
        """Give a table the items that it had."""
        self._backend.tables[table].items = copy.deepcopy(saved)
