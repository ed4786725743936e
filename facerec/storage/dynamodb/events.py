"""The events of matches in a DynamoDB table: up to three items for each event.

The event itself sorts by time. A second item is named after the face and the person, so that no
event is added twice, and the events of a face can be found. A third one, in the partition of the
outbox, sorts by the time at which the event is due, until it is delivered. The three change in one
transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from facerec.core.events import KeptEvent
from facerec.core.times import day_of
from facerec.storage.dynamodb.event_items import (
    delete_pointer,
    event_item,
    matched_key,
    pointer_key,
    put_pointer,
    sort_key,
    to_kept_event,
    unchanged,
)
from facerec.storage.dynamodb.items import (
    OUTBOX,
    Item,
    events_partition,
    face_corrections_key,
    key,
    matched_partition,
    numbers,
    user_key,
)
from facerec.storage.dynamodb.table import TRIES
from facerec.storage.dynamodb.users import too_many_changes

if TYPE_CHECKING:
    from facerec.core.events import MatchEvent
    from facerec.storage.dynamodb.table import Table

FACES_ONE_BY_ONE = 100
"""Maximum number of faces whose events are found by one request each. For more faces, the events of
all faces are read."""

_AFTER_ALL = "~"
"""Sorts after every time."""


def put(table: Table, events: Sequence[MatchEvent], now: float) -> None:
    """Add new events of people whose consent holds; see ``RegistrationStore.put_events``."""
    for event in events:
        item = event_item(event)
        match = {**matched_key(item), "event": item["sk"]}
        absent = {"ConditionExpression": "attribute_not_exists(pk)"}
        # An unmet condition means that the event must not be added.
        table.transact(
            [
                _has_consent(table, event, now),
                {"Put": {"TableName": table.name, "Item": match, **absent}},
                {"Put": {"TableName": table.name, "Item": item}},
                put_pointer(table, item, event.matched_at),
            ]
        )


def claim(table: Table, now: float, due_at: float) -> KeptEvent | None:
    """Return the event that has been due longest; see ``RegistrationStore.claim_event``.

    Raises:
        ConflictError: Each attempt to claim the same event was overtaken by others.
    """
    tries = Counter[str]()
    # An event that must not be sent is removed; then another event is the first.
    while max(tries.values(), default=0) < TRIES:
        first = table.items(OUTBOX, None, 1)
        if not first or first[0]["sk"]["S"] > sort_key(now, _AFTER_ALL):
            return None
        tries[first[0]["sk"]["S"]] += 1
        claimed = _claim(table, first[0], now, due_at)
        if claimed is not None:
            return claimed
    raise too_many_changes()


def note_delivered(table: Table, event: MatchEvent, now: float) -> None:
    """Note that an event was delivered; see ``RegistrationStore.note_delivered``."""
    for item in _current(table, event):
        change = unchanged(table, item)
        change["UpdateExpression"] = "SET delivered_at = :now REMOVE problem"
        change["ExpressionAttributeValues"] |= numbers({":now": now})
        if table.transact([{"Update": change}, delete_pointer(table, item)]) is None:
            return


def note_undelivered(table: Table, event: MatchEvent, problem: str, due_at: float) -> None:
    """Note why an event was not delivered; see ``RegistrationStore.note_undelivered``."""
    for item in _current(table, event):
        if _move(table, item, due_at, "problem = :problem", {":problem": {"S": problem}}):
            return


def retry(table: Table, collection_id: str, now: float) -> int:
    """Make ``now`` the due time of the events whose delivery failed; return their number."""
    return sum(
        _move(table, item, now) for item in _undelivered(table, collection_id) if "problem" in item
    )


def delete_undelivered(table: Table, collection_id: str, user_id: str) -> None:
    """Delete the events of a person that were not delivered."""
    for item in _undelivered(table, collection_id):
        if item["user_id"]["S"] == user_id:
            _delete(table, item)


def delete_of_person(table: Table, collection_id: str, user_id: str) -> None:
    """Delete the events of a person."""
    for item in list(table.partition(events_partition(collection_id))):
        if item["user_id"]["S"] == user_id:
            _delete(table, item)


def delete_of_faces(table: Table, collection_id: str, face_ids: Collection[str]) -> None:
    """Delete the events of faces."""
    partition = matched_partition(collection_id)
    if not face_ids or not table.items(partition, None, 1):
        return
    matches: Iterator[Item] | list[Item] = table.partition(partition)
    if len(face_ids) <= FACES_ONE_BY_ONE:
        matches = [match for face_id in face_ids for match in table.beginning(partition, face_id)]
    for match in list(matches):
        if match["sk"]["S"].partition("#")[0] in face_ids:
            item = table.get(key(events_partition(collection_id), match["event"]["S"]))
            if item is not None:
                _delete(table, item)


def pointers_of(table: Table, collection_id: str) -> list[Item]:
    """Return the keys of the items of the outbox that are about events of a collection.

    The outbox contains the events of all collections. It is only read if the collection has events.
    """
    if not table.items(events_partition(collection_id), None, 1):
        return []
    return [pointer_key(item) for item in _undelivered(table, collection_id)]


def list_before(
    table: Table,
    collection_id: str,
    undelivered: bool,
    before: tuple[float, str] | None,
    limit: int,
) -> list[KeptEvent]:
    """Return events, newest first; see ``RegistrationStore.list_events``."""
    end = _AFTER_ALL if before is None else sort_key(*before)
    if undelivered:
        waiting = [item for item in _undelivered(table, collection_id) if item["sk"]["S"] < end]
        waiting.sort(key=lambda item: str(item["sk"]["S"]), reverse=True)
        return [to_kept_event(item) for item in waiting[:limit]]
    found = []
    for item in table.newest(events_partition(collection_id), end):
        found.append(to_kept_event(item))
        if len(found) == limit:
            break
    return found


def about(
    table: Table, collection_id: str, user_ids: Collection[str], face_ids: Collection[str]
) -> list[KeptEvent]:
    """Return the events of people and of faces, oldest first."""
    if not (user_ids or face_ids):
        return []
    return [
        to_kept_event(item)
        for item in table.partition(events_partition(collection_id))
        if item["user_id"]["S"] in user_ids or item["face_id"]["S"] in face_ids
    ]


def _claim(table: Table, pointer: Item, now: float, due_at: float) -> KeptEvent | None:
    """Claim the event of an item of the outbox; return None if it must not be delivered now.

    The result is also None if another process has claimed or changed the event.
    """
    item = table.get({"pk": pointer["events"], "sk": pointer["event"]})
    if item is None or pointer_key(item)["sk"] != pointer["sk"]:
        # The event's collection was deleted, or another process has claimed the event.
        table.delete([key(OUTBOX, pointer["sk"]["S"])])
        return None
    kept = to_kept_event(item)
    if not _may_be_sent(table, kept.event, now):
        _delete(table, item)
        return None
    claimed = _move(
        table,
        item,
        due_at,
        "attempts = attempts + :one",
        numbers({":one": 1}),
        [_has_consent(table, kept.event, now)],
    )
    if not claimed:
        return None
    return KeptEvent(kept.event, kept.attempts + 1, due_at, None, kept.problem)


def _may_be_sent(table: Table, event: MatchEvent, now: float) -> bool:
    """Return whether the person's consent holds, and no correction denies the match."""
    user = table.get(user_key(event.collection_id, event.user_id))
    if user is None or user.get("expiry_day", {"S": ""})["S"] <= day_of(now):
        return False
    denied = table.get(face_corrections_key(event.collection_id, event.face_id))
    return denied is None or event.user_id not in denied.get("people", {"SS": []})["SS"]


def _move(
    table: Table,
    item: Item,
    due_at: float,
    change: str = "",
    values: Item | None = None,
    checks: Sequence[dict[str, Any]] = (),
) -> bool:
    """Change when an event is due; return False if a check fails or others have changed it.

    Args:
        table: The table.
        item: The event.
        due_at: When it is due, seconds since 1970.
        change: A further assignment to the item.
        values: Values of ``change``.
        checks: Further conditions of the transaction.
    """
    update = unchanged(table, item)
    update["UpdateExpression"] = ", ".join(each for each in ("SET due_at = :new", change) if each)
    update["ExpressionAttributeValues"] |= {**numbers({":new": due_at}), **(values or {})}
    moved = {**item, **numbers({"due_at": due_at})}
    actions = [*checks, {"Update": update}]
    # A transaction has one action for each key.
    if pointer_key(moved) != pointer_key(item):
        actions += [delete_pointer(table, item), put_pointer(table, item, due_at)]
    return table.transact(actions) is None


def _delete(table: Table, item: Item) -> None:
    """Delete an event, even if it has changed since it was read."""
    for each in _current(table, to_kept_event(item).event):
        match = {"Delete": {"TableName": table.name, "Key": matched_key(each)}}
        actions = [{"Delete": unchanged(table, each)}, match, delete_pointer(table, each)]
        if table.transact(actions) is None:
            return


def _current(table: Table, event: MatchEvent) -> Iterator[Item]:
    """Yield the item of an event for each attempt to change it, until it is gone.

    Raises:
        ConflictError: Each attempt was overtaken by others.
    """
    own = key(events_partition(event.collection_id), sort_key(event.matched_at, event.event_id))
    for _ in range(TRIES):
        item = table.get(own)
        if item is None:
            return
        yield item
    raise too_many_changes()


def _undelivered(table: Table, collection_id: str) -> list[Item]:
    """Return the events of a collection that were not delivered."""
    partition = events_partition(collection_id)
    pointers = (each for each in table.partition(OUTBOX) if each["events"]["S"] == partition)
    return list(table.get_many(key(partition, each["event"]["S"]) for each in pointers))


def _has_consent(table: Table, event: MatchEvent, now: float) -> dict[str, Any]:
    """Return a transaction's condition that the consent of an event's person holds."""
    return {
        "ConditionCheck": {
            "TableName": table.name,
            "Key": user_key(event.collection_id, event.user_id),
            "ConditionExpression": "expiry_day > :today",
            "ExpressionAttributeValues": {":today": {"S": day_of(now)}},
        }
    }
