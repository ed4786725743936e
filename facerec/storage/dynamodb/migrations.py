"""Migrations of collections in a DynamoDB table, in the items of the collections.

| attribute | what |
| --- | --- |
| ``served_side`` | number of the served side; absent before the first switch |
| ``standby_side`` | number of the side of the other version; absent without a migration |
| ``next_side`` | number of the side that a switch fills; absent unless one is under way |
| ``switching_since`` | when that switch began, in seconds since 1970 |
| ``sides`` | the lowest number that no side has had; absent before the first migration |
| ``standby_version`` | model version of the standby side; absent without a migration |
| ``migration_state``, ``migration_started`` | the state of the migration, and when it began |
| ``standby_threshold`` | threshold of the standby version, if it has one |

A side gets its number from the conditional write that first stores the number and raises ``sides``.
Each later write that stores this number moves it from another attribute. So a number below
``sides`` that is in no attribute is never used again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from facerec.core.migrations import MAX_SIDES, Migration, MigrationState, migration_ended
from facerec.errors import ConflictError, MigrationError, MigrationRemedy
from facerec.storage.dynamodb import collections
from facerec.storage.dynamodb.items import collection_key, numbers, side_in, to_collection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from facerec.core.records import Collection
    from facerec.storage.dynamodb.items import Item
    from facerec.storage.dynamodb.table import Table

MAX_SWITCH_SECONDS = 1800.0
"""Seconds after which a switch has certainly ended: a function runs for at most 900, and its vector
store may wait for another 900."""

_UNDER_WAY = "next_side = :side AND created_at = :created"
"""The condition that a switch has not ended."""


def get(table: Table, collection_id: str) -> Migration | None:
    """Return the migration of a collection; None if there is none, or no such collection."""
    item = table.get(collection_key(collection_id))
    return None if item is None else _migration(item)


def begin(table: Table, migration: Migration, first_side: int) -> Migration:
    """Store a new migration and return it, or return the one that the collection already has.

    Args:
        table: The table.
        migration: The migration.
        first_side: Minimum number of its standby side.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: Another process has changed the sides concurrently.
        MigrationError: The collection has had ``MAX_SIDES`` sides.
    """
    collection_id = migration.collection_id
    known = side_in(collections.get_item(table, collection_id), "sides")
    side = _new_side(collection_id, max(first_side, known or 1))
    threshold = {} if migration.threshold is None else {":threshold": migration.threshold}
    unmet = ConflictError(
        f"another process has migrated collection {collection_id!r} in the meantime", "try again"
    )
    try:
        with table.condition_is(unmet):
            table.client.update_item(
                TableName=table.name,
                Key=collection_key(collection_id),
                UpdateExpression="SET standby_version = :version, migration_state = :state, "
                "migration_started = :started, standby_side = :side, sides = :sides"
                + (", standby_threshold = :threshold" if threshold else ""),
                ConditionExpression="attribute_exists(pk) "
                "AND attribute_not_exists(standby_version) AND "
                + ("attribute_not_exists(sides)" if known is None else "sides = :known"),
                ExpressionAttributeValues={
                    ":version": {"S": migration.standby_version},
                    ":state": {"S": migration.state},
                    **numbers({":started": migration.started_at, **threshold}),
                    **numbers({":side": side, ":sides": side + 1}),
                    **({} if known is None else numbers({":known": known})),
                },
            )
    except ConflictError:
        stored = _migration(collections.get_item(table, collection_id))
        if stored is None:
            raise
        return stored
    return migration


def begin_switch(
    table: Table, collection_id: str, state: MigrationState, first_side: int
) -> Collection:
    """Record that a switch fills a new side; an earlier switch that has not ended is overtaken.

    Args:
        table: The table.
        collection_id: The collection.
        state: The state that its migration must have.
        first_side: Minimum number of the new side.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: The migration does not have this state, or has ended, or another process has
            changed the sides concurrently.
        MigrationError: The collection has had ``MAX_SIDES`` sides.
    """
    known = side_in(collections.get_item(table, collection_id), "sides")
    if known is None:
        raise migration_ended(collection_id)
    side = _new_side(collection_id, max(first_side, known))
    now = time.time()
    return _update(
        table,
        collection_id,
        "SET next_side = :side, switching_since = :now, sides = :sides",
        "migration_state = :state AND sides = :known",
        {
            ":state": {"S": state},
            **numbers({":now": now, ":side": side, ":sides": side + 1, ":known": known}),
        },
        # Another process may have used this number for a side before, rather than concurrently.
        is_own=lambda item: (
            side_in(item, "next_side") == side and float(item["switching_since"]["N"]) == now
        ),
    )


def abort_switch(table: Table, collection: Collection) -> None:
    """Record that the next side of a collection is not being filled.

    Does nothing if the record now names another next side.
    """
    try:
        _update(
            table,
            collection.collection_id,
            "REMOVE next_side, switching_since",
            _UNDER_WAY,
            _switch_values(collection),
        )
    except ConflictError:
        return


def abort_old_switch(table: Table, collection_id: str, now: float) -> bool:
    """End a switch that began ``MAX_SWITCH_SECONDS`` before ``now`` or earlier.

    Args:
        table: The table.
        collection_id: The collection.
        now: Seconds since 1970.

    Returns:
        Whether there was such a switch.

    Raises:
        CollectionNotFoundError: The collection does not exist.
    """
    item = collections.get_item(table, collection_id)
    collection = to_collection(item)
    if (
        not collection.is_switching
        or now - float(item["switching_since"]["N"]) < MAX_SWITCH_SECONDS
    ):
        return False
    abort_switch(table, collection)
    return True


def end_switch(table: Table, collection: Collection) -> Collection:
    """Serve the filled side, keep the side served so far, and return the changed collection.

    Args:
        table: The table.
        collection: The collection that ``begin_switch`` has returned. Another collection with the
            same id may have the same numbers of sides.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: The switch is not under way any more, or the threshold has changed.
    """
    collection_id = collection.collection_id
    item = collections.get_item(table, collection_id)
    migration, current = _migration(item), to_collection(item)
    if migration is None or (current.created_at, current.next_side) != (
        collection.created_at,
        collection.next_side,
    ):
        raise migration_ended(collection_id)
    switched = migration.state is MigrationState.PREPARING
    state = MigrationState.SWITCHED if switched else MigrationState.PREPARING
    # Nothing else changes these sides while ``next_side`` stays.
    changes = [
        "model_version = :new",
        "standby_version = :old",
        "first_version = if_not_exists(first_version, :old)",
        "served_side = :side",
        "standby_side = :served",
        "migration_state = :state",
    ]
    values: Item = {
        ":new": {"S": migration.standby_version},
        ":old": item["model_version"],
        ":state": {"S": state},
        **numbers({":served": current.side}),
        **_switch_values(collection),
    }
    condition, removed = _UNDER_WAY, ["next_side", "switching_since"]
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
    return _update(
        table,
        collection_id,
        expression,
        condition,
        values,
        # No other switch serves this side.
        is_own=lambda item: (
            to_collection(item).created_at == collection.created_at
            and side_in(item, "served_side") == collection.next_side
        ),
    )


def begin_finish(table: Table, collection_id: str) -> None:
    """Record that the standby version is being removed.

    Raises:
        ConflictError: The new version is not served any more, or the migration has ended.
    """
    _update(
        table,
        collection_id,
        "SET migration_state = :finishing REMOVE next_side, switching_since",
        "migration_state IN (:switched, :finishing)",
        {
            ":switched": {"S": MigrationState.SWITCHED},
            ":finishing": {"S": MigrationState.FINISHING},
        },
    )


def end(table: Table, collection_id: str, state: MigrationState) -> Collection:
    """Remove a migration that has a state, and return the changed collection.

    Raises:
        ConflictError: The migration has another state, or has ended.
    """
    return _update(
        table,
        collection_id,
        "REMOVE standby_version, standby_side, migration_state, migration_started, "
        "standby_threshold, next_side, switching_since",
        "migration_state = :state",
        {":state": {"S": state}},
        is_own=lambda item: _migration(item) is None,
    )


def _update(
    table: Table,
    collection_id: str,
    change: str,
    condition: str,
    values: Mapping[str, Any],
    *,
    is_own: Callable[[Item], bool] = lambda item: False,
) -> Collection:
    """Change a collection on a condition, and return it.

    Args:
        table: The table.
        collection_id: The collection.
        change: The update expression.
        condition: The condition expression.
        values: The values in both expressions.
        is_own: Returns whether an item has the result of this change. Called if the response to the
            change may have been lost.

    Raises:
        ConflictError: The condition is not met.
    """
    item: Item = {}

    def is_made() -> bool:
        item.update(table.get(collection_key(collection_id)) or {})
        return bool(item) and is_own(item)

    with table.condition_is(migration_ended(collection_id), is_made):
        changed = table.client.update_item(
            TableName=table.name,
            Key=collection_key(collection_id),
            UpdateExpression=change,
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
            ReturnValues="ALL_NEW",
        )
        item = changed["Attributes"]
    return to_collection(item)


def _switch_values(collection: Collection) -> Item:
    """Return the values of ``_UNDER_WAY`` for a collection that is being switched."""
    if collection.next_side is None:
        raise migration_ended(collection.collection_id)
    return numbers({":side": collection.next_side, ":created": collection.created_at})


def _new_side(collection_id: str, side: int) -> int:
    """Return the number of a new side.

    Raises:
        MigrationError: No number is left.
    """
    if side >= MAX_SIDES:
        raise MigrationError(
            f"collection {collection_id!r} has been migrated too often",
            MigrationRemedy.NEW_COLLECTION,
        )
    return side


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
