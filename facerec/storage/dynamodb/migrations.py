"""Migrations of collections in a DynamoDB table, in the items of the collections.

| attribute | what |
| --- | --- |
| ``served_side`` | the served side, ``a`` for the first; absent before the first migration |
| ``standby_version`` | model version of the other side; absent without a migration |
| ``migration_state``, ``migration_started`` | the state of the migration, and when it began |
| ``standby_threshold`` | threshold of the other version, if it has one |
| ``switching``, ``switching_since`` | token of a switch that is under way, and when it began |
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from facerec.core.migrations import Migration, MigrationState, migration_ended
from facerec.errors import ConflictError
from facerec.storage.dynamodb import collections
from facerec.storage.dynamodb.items import collection_key, numbers, to_collection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from facerec.core.records import Collection
    from facerec.storage.dynamodb.items import Item
    from facerec.storage.dynamodb.table import Table

MAX_SWITCH_SECONDS = 1800.0
"""Seconds after which a switch has certainly ended: a function has 900, and its vector store may
wait as long again."""

_OTHER_SIDES = {"a": "b", "b": "a"}


def get(table: Table, collection_id: str) -> Migration | None:
    """Return the migration of a collection; None if there is none, or no such collection."""
    item = table.get(collection_key(collection_id))
    return None if item is None else _migration(item)


def begin(table: Table, migration: Migration) -> Migration:
    """Store a new migration and return it, or return the one that the collection has already.

    Raises:
        CollectionNotFoundError: the collection does not exist.
    """
    collection_id = migration.collection_id
    threshold = {} if migration.threshold is None else {":threshold": migration.threshold}
    unmet = ConflictError("the migration exists", "check its status")
    try:
        with table.condition_is(unmet):
            table.client.update_item(
                TableName=table.name,
                Key=collection_key(collection_id),
                UpdateExpression="SET standby_version = :version, migration_state = :state, "
                "migration_started = :started, "
                "served_side = if_not_exists(served_side, :first)"
                + (", standby_threshold = :threshold" if threshold else ""),
                ConditionExpression="attribute_exists(pk) "
                "AND attribute_not_exists(standby_version)",
                ExpressionAttributeValues={
                    ":version": {"S": migration.standby_version},
                    ":state": {"S": migration.state},
                    ":first": {"S": "a"},
                    **numbers({":started": migration.started_at, **threshold}),
                },
            )
    except ConflictError:
        known = _migration(collections.get_item(table, collection_id))
        if known is None:
            raise
        return known
    return migration


def begin_switch(table: Table, collection_id: str, state: MigrationState) -> str:
    """Record that a switch is under way, and return its token; an earlier switch ends in vain.

    Raises:
        ConflictError: the migration does not have this state, or has ended.
    """
    token = secrets.token_hex(8)
    _update(
        table,
        collection_id,
        "SET switching = :token, switching_since = :now",
        "migration_state = :state",
        {
            ":token": {"S": token},
            ":state": {"S": state},
            **numbers({":now": time.time()}),
        },
    )
    return token


def abort_switch(table: Table, collection_id: str, token: str) -> None:
    """Record that a switch is not under way any more; does nothing if it is not."""
    try:
        _update(
            table,
            collection_id,
            "REMOVE switching, switching_since",
            "switching = :token",
            {":token": {"S": token}},
        )
    except ConflictError:
        return


def abort_old_switch(table: Table, collection_id: str, now: float) -> bool:
    """End a switch whose process was killed, and return whether there was one."""
    item = collections.get_item(table, collection_id)
    if "switching" not in item or now - float(item["switching_since"]["N"]) < MAX_SWITCH_SECONDS:
        return False
    abort_switch(table, collection_id, item["switching"]["S"])
    return True


def end_switch(table: Table, collection_id: str, token: str) -> Collection:
    """Serve the other side, and return the changed collection.

    Raises:
        CollectionNotFoundError: the collection does not exist.
        ConflictError: the switch is not under way any more, or the collection changed.
    """
    item = collections.get_item(table, collection_id)
    migration = _migration(item)
    if migration is None:
        raise migration_ended(collection_id)
    switched = migration.state is MigrationState.PREPARING
    state = MigrationState.SWITCHED if switched else MigrationState.PREPARING
    side = item["served_side"]["S"]
    changes = [
        "model_version = :new",
        "standby_version = :old",
        "first_version = if_not_exists(first_version, :old)",
        "served_side = :side",
        "migration_state = :state",
    ]
    values: Item = {
        ":new": {"S": migration.standby_version},
        ":old": item["model_version"],
        ":side": {"S": _OTHER_SIDES[side]},
        ":state": {"S": state},
        ":token": {"S": token},
    }
    condition, removed = "switching = :token", ["switching", "switching_since"]
    if "threshold" in item:
        condition += " AND threshold = :threshold"
        changes.append("standby_threshold = :threshold")
        values[":threshold"] = item["threshold"]
    else:
        condition += " AND attribute_not_exists(threshold)"
        removed.append("standby_threshold")
    if migration.threshold is None:
        removed.append("threshold")
    else:
        changes.append("threshold = :standby_threshold")
        values |= numbers({":standby_threshold": migration.threshold})
    expression = f"SET {', '.join(changes)} REMOVE {', '.join(removed)}"
    _update(table, collection_id, expression, condition, values)
    return to_collection(collections.get_item(table, collection_id))


def begin_finish(table: Table, collection_id: str) -> None:
    """Record that the standby version is being removed.

    Raises:
        ConflictError: the new version is not served any more, or the migration has ended.
    """
    _update(
        table,
        collection_id,
        "SET migration_state = :finishing REMOVE switching, switching_since",
        "migration_state IN (:switched, :finishing)",
        {
            ":switched": {"S": MigrationState.SWITCHED},
            ":finishing": {"S": MigrationState.FINISHING},
        },
    )


def end(table: Table, collection_id: str, state: MigrationState) -> None:
    """Remove a migration that has a state.

    Raises:
        ConflictError: it has another state, or has ended.
    """
    _update(
        table,
        collection_id,
        "REMOVE standby_version, migration_state, migration_started, standby_threshold, "
        "switching, switching_since",
        "migration_state = :state",
        {":state": {"S": state}},
    )


def _update(
    table: Table, collection_id: str, change: str, condition: str, values: Mapping[str, Any]
) -> None:
    with table.condition_is(migration_ended(collection_id)):
        table.client.update_item(
            TableName=table.name,
            Key=collection_key(collection_id),
            UpdateExpression=change,
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
        )


def _migration(item: Item) -> Migration | None:
    if "standby_version" not in item:
        return None
    return Migration(
        item["sk"]["S"],
        item["standby_version"]["S"],
        MigrationState(item["migration_state"]["S"]),
        float(item["migration_started"]["N"]),
        float(item["standby_threshold"]["N"]) if "standby_threshold" in item else None,
    )
