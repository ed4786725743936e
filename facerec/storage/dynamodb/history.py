"""The history of people in a DynamoDB table: an item for each step.

A sort key is an entry's id and a number that orders its steps: the time of the step in nanoseconds
since 1970, or its position if the entry is from another store.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from facerec.core.batches import batches
from facerec.core.erased_history import without_names
from facerec.core.history import Cause, Entry, Step, decode_steps, encode_step
from facerec.core.recording import current_cause
from facerec.errors import CollectionNotFoundError
from facerec.storage.dynamodb.items import Item, history_key, history_partition
from facerec.storage.dynamodb.table import GOT_AT_ONCE, Table

PUT_AT_ONCE = 99
"""Number of steps per transaction; with the collection, 100 items in total:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html."""

_AFTER_ALL = "~"
"""Sorts after every id of an entry."""


def notes(table: Table, collection_id: str, step: Step) -> list[dict[str, Any]]:
    """Return the action, in a list, that writes a step of the current entry in a transaction.

    The list is empty if there is no current entry.
    """
    cause = current_cause()
    return [] if cause is None else [_put(table, collection_id, cause, step, time.time_ns())]


def list_before(
    table: Table, collection_id: str, subject: str | None, before: str | None, limit: int
) -> list[Entry]:
    """Return entries, newest first; see ``HistoryRecords.list_history``."""
    found: list[Entry] = []
    for entry in _newest(table, collection_id, before):
        if subject is None or subject in entry.subjects:
            found.append(entry)
            if len(found) == limit:
                break
    return found


def get(table: Table, collection_id: str, entry_id: str) -> Entry | None:
    """Return an entry, or None if it does not exist."""
    items = _items_of(table, collection_id, entry_id)
    found = decode_steps(item["document"]["S"] for item in items)
    return found[0] if found else None


def get_subjects(table: Table, collection_id: str, subjects: Collection[str]) -> frozenset[str]:
    """Return the subjects, among those given, that occur in entries."""
    sought = frozenset(subjects)
    if not sought:
        return frozenset()
    return sought.intersection(
        subject for entry in _newest(table, collection_id, None) for subject in entry.subjects
    )


def put(table: Table, collection_id: str, entries: Sequence[Entry]) -> None:
    """Store entries of another store; see ``HistoryRecords.put_history``.

    An entry of more than ``PUT_AT_ONCE`` steps takes several transactions. Its steps are numbered
    by their positions, which shows that an interrupted call has written some of them; they are
    completed.
    """
    for entry in entries:
        steps = {
            _sort_key(entry.cause, number): _put(table, collection_id, entry.cause, step, number)
            for number, step in enumerate(entry.steps)
        }
        known = {item["sk"]["S"] for item in _items_of(table, collection_id, entry.cause.entry_id)}
        if not known <= steps.keys():
            continue
        actions = [action for sort, action in steps.items() if sort not in known]
        for part in batches(actions, PUT_AT_ONCE):
            if table.transact([table.has_collection(collection_id), *part]) is not None:
                raise CollectionNotFoundError(collection_id)


def erase(
    table: Table, collection_id: str, people: Collection[str], face_ids: Collection[str]
) -> tuple[int, frozenset[str]]:
    """Remove people and faces from entries; see ``HistoryRecords.erase_history``."""
    items = list(table.partition(history_partition(collection_id)))
    entries = decode_steps(item["document"]["S"] for item in items)
    changed, names = without_names(entries, people=people, face_ids=face_ids)
    for entry in changed:
        own = [item for item in items if _entry_of(item) == entry.cause.entry_id]
        for item, step in zip(own, entry.steps, strict=True):
            with table.errors():
                table.client.put_item(
                    TableName=table.name,
                    Item={**item, "document": {"S": encode_step(entry.cause, step)}},
                )
    return len(changed), names


def expire(table: Table, collection_id: str, before: float) -> int:
    """Delete entries of changes before a time in seconds since 1970; return their number."""
    limit = f"{datetime.fromtimestamp(before, UTC):%Y%m%dT%H%M%S%fZ}"
    expired = set[str]()
    partition = history_partition(collection_id)
    while items := table.items(partition, None, GOT_AT_ONCE):
        old = [item for item in items if _entry_of(item) < limit]
        if not old:
            break
        expired |= {_entry_of(item) for item in old}
        table.delete([history_key(collection_id, item["sk"]["S"]) for item in old])
    return len(expired)


def _newest(table: Table, collection_id: str, before: str | None) -> Iterator[Entry]:
    """Yield entries, newest first. All steps of an entry are next to each other."""
    texts: list[str] = []
    current = ""
    for item in table.newest(history_partition(collection_id), before or _AFTER_ALL):
        if _entry_of(item) != current:
            yield from decode_steps(reversed(texts))
            texts, current = [], _entry_of(item)
        texts.append(item["document"]["S"])
    yield from decode_steps(reversed(texts))


def _items_of(table: Table, collection_id: str, entry_id: str) -> list[Item]:
    after, found = f"{entry_id}#", list[Item]()
    while items := table.items(history_partition(collection_id), after, GOT_AT_ONCE):
        own = [item for item in items if _entry_of(item) == entry_id]
        found += own
        if len(own) < len(items):
            break
        after = items[-1]["sk"]["S"]
    return found


def _entry_of(item: Item) -> str:
    entry_id: str = item["sk"]["S"].partition("#")[0]
    return entry_id


def _put(table: Table, collection_id: str, cause: Cause, step: Step, number: int) -> dict[str, Any]:
    key = history_key(collection_id, _sort_key(cause, number))
    item = {**key, "document": {"S": encode_step(cause, step)}}
    return {"Put": {"TableName": table.name, "Item": item}}


def _sort_key(cause: Cause, number: int) -> str:
    return f"{cause.entry_id}#{number:020}"
