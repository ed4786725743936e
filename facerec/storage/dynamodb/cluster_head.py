"""The head of a collection's clusters: the last number, the version, and the clustering that saves.

A clustering is saved in many transactions. Each of them fails unless the head names this
clustering, so two clusterings never interleave. Statements about clusters, and faces that leave
them, change the version. They wait while clusters are being saved, so a clustering never saves
changes that it computed from an earlier state. A clustering that was killed holds the head for
``SAVING_SECONDS`` after its last transaction.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from facerec.core.clusters import clusters_changed
from facerec.errors import CollectionNotFoundError, ConflictError
from facerec.storage.dynamodb.cluster_items import HEAD, cluster_key
from facerec.storage.dynamodb.items import collection_key, numbers

if TYPE_CHECKING:
    from facerec.core.records import Collection
    from facerec.storage.dynamodb.table import Table

SAVING_SECONDS = 60.0
"""Seconds for which a transaction of a clustering keeps the head."""

DECISION_SECONDS = 15.0
"""Seconds for which a statement waits for a clustering; API Gateway waits for at most 29."""

_PAUSE = 0.2

_IS_FREE = "(attribute_not_exists(saver) OR saver_until < :now)"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a collection's clusters.

    Attributes:
        last_number: Last number of a cluster.
        saves: Number of clusterings that were saved.
        version: A text that is different after each change; empty before the first.
    """

    last_number: int = 0
    saves: int = 0
    version: str = ""


def read_head(table: Table, collection_id: str) -> Head:
    """Return the head of a collection's clusters."""
    item = table.get(cluster_key(collection_id, HEAD)) or {}
    last, saves = (item.get(name, {"N": "0"})["N"] for name in ("last_number", "saves"))
    return Head(int(last), int(saves), item.get("version", {"S": ""})["S"])


def write_decision(
    table: Table, collection_id: str, actions: Sequence[dict[str, Any]] = ()
) -> list[bool] | None:
    """Change the version in a transaction with other actions; wait while clusters are saved.

    Returns:
        None, or for each action whether its condition was not met; see ``Table.transact``.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: The clusters were still being saved after ``DECISION_SECONDS``, or there are
            too many concurrent changes.
    """
    for _ in _tries(DECISION_SECONDS):
        change = {
            **_head_of(table, collection_id),
            "UpdateExpression": "SET #version = :new REMOVE saver, saver_until",
            "ConditionExpression": _IS_FREE,
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {
                ":new": {"S": token_hex(8)},
                **numbers({":now": time.time()}),
            },
        }
        unmet = table.transact([table.has_collection(collection_id), {"Update": change}, *actions])
        if unmet is None:
            return None
        if unmet[0]:
            raise CollectionNotFoundError(collection_id)
        if not unmet[1]:
            return unmet[2:]
    raise ConflictError("the clusters of the collection are being saved", "try again in a minute")


class Saving:
    """A clustering that is being saved, so that nothing else changes clusters until it ends."""

    def __init__(self, table: Table, collection: Collection) -> None:
        self._table, self._collection = table, collection
        self._token = token_hex(8)

    def begin(self, count: int, version: str | None) -> list[int]:
        """Begin to save, and return numbers for new clusters that no other process gets.

        Args:
            count: Number of new clusters.
            version: The version that the clustering has read; None accepts any.

        Raises:
            CollectionNotFoundError: The collection does not exist any more.
            ConflictError: The version has changed, or other clusterings were being saved at each
                attempt, for ``SAVING_SECONDS + DECISION_SECONDS``, or there are too many concurrent
                changes.
        """
        for _ in _tries(SAVING_SECONDS + DECISION_SECONDS):
            head = read_head(self._table, self._collection.collection_id)
            if version is not None and head.version != version:
                raise clusters_changed()
            known = "#version = :known" if head.version else "attribute_not_exists(#version)"
            change = {
                **_head_of(self._table, self._collection.collection_id),
                "UpdateExpression": "SET last_number = :last, saves = :saves, #version = :new, "
                "saver = :own, saver_until = :until",
                "ConditionExpression": f"{known} AND {_IS_FREE}",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": {
                    ":new": {"S": token_hex(8)},
                    ":own": {"S": self._token},
                    **({":known": {"S": head.version}} if head.version else {}),
                    **numbers(
                        {
                            ":last": head.last_number + count,
                            ":saves": head.saves + 1,
                            ":now": time.time(),
                            ":until": time.time() + SAVING_SECONDS,
                        }
                    ),
                },
            }
            unmet = self._table.transact([self._exists(), {"Update": change}])
            if unmet is None:
                return list(range(head.last_number + 1, head.last_number + count + 1))
            if unmet[0]:
                raise CollectionNotFoundError(self._collection.collection_id)
        raise clusters_changed()

    def write(self, actions: Sequence[dict[str, Any]]) -> bool:
        """Write in a transaction; return False if a condition of an action is not met.

        Raises:
            CollectionNotFoundError: The collection does not exist any more.
            ConflictError: Another process has taken the head because this clustering took too long,
                or there are too many concurrent changes.
        """
        renewal = {
            **_head_of(self._table, self._collection.collection_id),
            "UpdateExpression": "SET saver_until = :until",
            "ConditionExpression": "saver = :own",
            "ExpressionAttributeValues": {
                ":own": {"S": self._token},
                **numbers({":until": time.time() + SAVING_SECONDS}),
            },
        }
        unmet = self._table.transact([self._exists(), {"Update": renewal}, *actions])
        if unmet is None:
            return True
        if unmet[0]:
            raise CollectionNotFoundError(self._collection.collection_id)
        if unmet[1]:
            raise clusters_changed()
        return False

    def end(self) -> None:
        """Release the head, unless another process has taken it."""
        release = {
            **_head_of(self._table, self._collection.collection_id),
            # A process that read the clusters while they were being saved has read only some of the
            # changes.
            "UpdateExpression": "SET #version = :new REMOVE saver, saver_until",
            "ConditionExpression": "saver = :own",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {":own": {"S": self._token}, ":new": {"S": token_hex(8)}},
        }
        self._table.transact([{"Update": release}])

    def _exists(self) -> dict[str, Any]:
        """Return the condition that this very collection exists, not a later one with its id."""
        return {
            "ConditionCheck": {
                "TableName": self._table.name,
                "Key": collection_key(self._collection.collection_id),
                "ConditionExpression": "created_at = :created",
                "ExpressionAttributeValues": numbers({":created": self._collection.created_at}),
            }
        }


def _head_of(table: Table, collection_id: str) -> dict[str, Any]:
    return {"TableName": table.name, "Key": cluster_key(collection_id, HEAD)}


def _tries(seconds: float) -> Iterator[None]:
    """Yield immediately, then after each of several pauses, for a number of seconds."""
    give_up = time.monotonic() + seconds
    while True:
        yield
        if time.monotonic() >= give_up:
            return
        time.sleep(_PAUSE)
