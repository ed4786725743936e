"""Deletes items without a collection or person, which interrupted deletions have left.

A deletion deletes the item of a collection first, then everything else, and is completed later if
it was interrupted. Earlier releases did not complete all deletions, and deleted a person before the
items of the person's faces. Each deletion here is conditional, so that it deletes nothing of a
collection or person created in the meantime.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, takewhile
from typing import TYPE_CHECKING, Any

from facerec.core.batches import batches
from facerec.errors import CollectionNotFoundError, FacerecError
from facerec.storage.dynamodb import events
from facerec.storage.dynamodb.items import (
    COLLECTIONS,
    SWEPT,
    SWEPT_TO,
    Item,
    association_key,
    associations_partition,
    clusters_partition,
    collection_key,
    events_partition,
    face_corrections_partition,
    history_partition,
    key,
    matched_partition,
    person_corrections_partition,
    registered_partition,
    to_user,
    tombstones_partition,
    user_key,
    user_names_partition,
    users_partition,
)
from facerec.storage.dynamodb.table import GOT_AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from facerec.core.records import User
    from facerec.storage.dynamodb.table import Table

_PLACE = key("sweep", "place")
"""Key of the item that names the partition after which the next sweep continues."""

DELETED_AT_ONCE = 99
"""Number of items that a transaction deletes; with the collection, 100 items:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html."""

_PARTITIONS = (
    users_partition,
    user_names_partition,
    associations_partition,
    face_corrections_partition,
    person_corrections_partition,
    history_partition,
    tombstones_partition,
    registered_partition,
    clusters_partition,
    events_partition,
    matched_partition,
)


@dataclass(frozen=True, slots=True)
class _Naming:
    """Items of a partition that each name a person.

    Attributes:
        partition: Returns the partition key of a collection.
        is_of: Returns whether a person has the item with a sort key.
        unless: Condition of the person's item under which nobody has the item; ``:sk`` stands for
            its sort key.
    """

    partition: Callable[[str], str]
    is_of: Callable[[User, str], bool]
    unless: str

    def person_of(self, item: Item) -> str:
        """Return the id of the person that an item names."""
        named: str = (item["user_id"] if "user_id" in item else item["sk"])["S"]
        return named


_ASSOCIATIONS = _Naming(
    associations_partition,
    lambda user, face_id: face_id in user.face_ids,
    "attribute_not_exists(pk) OR NOT contains(face_ids, :sk)",
)
_NAMING = (
    _ASSOCIATIONS,
    _Naming(
        user_names_partition,
        lambda user, name: user.name == name,
        "attribute_not_exists(pk) OR attribute_not_exists(display_name) OR display_name <> :sk",
    ),
    _Naming(
        registered_partition,
        lambda user, _: user.registration is not None,
        "attribute_not_exists(expiry_day)",
    ),
)


def delete_partitions(
    table: Table, collection_id: str, stop: Callable[[], bool] = lambda: False
) -> tuple[list[str], int]:
    """Delete all items of a collection that does not exist, until it is created again.

    Args:
        table: The table.
        collection_id: Id of the collection.
        stop: Called before each transaction; once it returns true, the other items are left.

    Returns:
        The ids of the people, and the number of deleted items.
    """
    users = [each["sk"]["S"] for each in table.keys(users_partition(collection_id))]
    number = 0
    for batch in batches(_keys_of(table, collection_id), DELETED_AT_ONCE):
        if stop() or not _delete_without_collection(table, collection_id, batch):
            break
        number += len(batch)
    return users, number


def delete_everywhere(table: Table, stop: Callable[[], bool]) -> dict[str, int]:
    """Delete items that belong to no collection or person; see ``RecordStore.delete_unowned``.

    The table stores where the sweep stopped: in a collection's item, or else in a separate item.
    """
    existing = {item["sk"]["S"]: SWEPT in item for item in table.all_items(COLLECTIONS)}
    unswept = sorted(name for name, is_swept in existing.items() if not is_swept)
    owners = (name for name in _owners(table, stop) if name not in existing)
    numbers = Counter[str]()
    errors = list[FacerecError]()
    for collection_id in chain(takewhile(lambda _: not stop(), unswept), owners):
        try:
            if collection_id in existing:
                numbers[collection_id] += _delete_of_nobody(table, collection_id, stop)
            else:
                numbers[collection_id] += delete_partitions(table, collection_id, stop)[1]
        except FacerecError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return dict(+numbers)


def _owners(table: Table, stop: Callable[[], bool]) -> Iterator[str]:
    """Yield the ids of the collections that have items, each once, until ``stop`` returns true.

    If it does, the next call begins with the last collection.
    """
    place = table.get(_PLACE)
    last = before = "" if place is None else place["partition"]["S"]
    seen = set[str]()
    for partition in table.partitions(last):
        owner = _owner_of(partition)
        if owner and owner not in seen:
            seen.add(owner)
            yield owner
        if stop():
            break
        before = partition
    else:
        before = ""
    if before != last:
        with table.errors():
            if before:
                item = {**_PLACE, "partition": {"S": before}}
                table.client.put_item(TableName=table.name, Item=item)
            else:
                table.client.delete_item(TableName=table.name, Key=_PLACE)


def free_faces(table: Table, collection_id: str, face_ids: Sequence[str]) -> None:
    """Delete associations with people who do not exist; see ``UserRecords.free_faces``."""
    items = table.get_many(association_key(collection_id, face_id) for face_id in face_ids)
    _delete_without_person(table, collection_id, items, _ASSOCIATIONS)


def _delete_of_nobody(table: Table, collection_id: str, stop: Callable[[], bool]) -> int:
    """Delete items of a collection that name people who do not exist; return their number.

    Does nothing if this was done before, or if the collection was created by a release that leaves
    no such items. Once ``stop`` returns true, the rest is left to the next call.
    """
    collection = table.get(collection_key(collection_id))
    if collection is None or SWEPT in collection:
        return 0
    partition, _, after = collection.get(SWEPT_TO, {"S": ""})["S"].partition("#")
    first, number = int(partition or 0), 0
    for index, naming in enumerate(_NAMING[first:], first):
        items = table.all_items(naming.partition(collection_id), after)
        for batch in batches(items, GOT_AT_ONCE):
            number += _delete_without_person(table, collection_id, batch, naming)
            if stop():
                place = {"S": f"{index}#{batch[-1]['sk']['S']}"}
                _note(table, collection_id, f"SET {SWEPT_TO} = :value", place)
                return number
        after = ""
    _note(table, collection_id, f"SET {SWEPT} = :value REMOVE {SWEPT_TO}", {"BOOL": True})
    return number


def _note(table: Table, collection_id: str, change: str, value: Item) -> None:
    deleted = CollectionNotFoundError(collection_id)
    # If the collection was deleted concurrently, so were all its items.
    with suppress(CollectionNotFoundError), table.condition_is(deleted):
        table.client.update_item(
            TableName=table.name,
            Key=collection_key(collection_id),
            UpdateExpression=change,
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":value": value},
        )


def _keys_of(table: Table, collection_id: str) -> Iterator[Item]:
    """Yield the keys of a collection's items, except its own item; items of people come first.

    Once the items of people are deleted, nothing can be added for these people.
    """
    for partition in _PARTITIONS:
        if partition is events_partition:
            yield from events.pointers_of(table, collection_id)
        yield from table.keys(partition(collection_id))


def _owner_of(partition: str) -> str:
    """Return the id of the collection that a partition belongs to; "" for other partitions."""
    collection_id = partition.partition("#")[2]
    is_own = any(partition == own(collection_id) for own in _PARTITIONS)
    return collection_id if is_own else ""


def _delete_without_collection(table: Table, collection_id: str, keys: Sequence[Item]) -> bool:
    """Delete items unless a collection exists; return whether they were deleted."""
    check = {
        "TableName": table.name,
        "Key": collection_key(collection_id),
        "ConditionExpression": "attribute_not_exists(pk)",
    }
    deletions = [{"Delete": {"TableName": table.name, "Key": each}} for each in keys]
    return table.transact([{"ConditionCheck": check}, *deletions]) is None


def _delete_without_person(
    table: Table, collection_id: str, items: Iterable[Item], naming: _Naming
) -> int:
    """Delete the items whose person does not have them; return their number."""
    number = 0
    for batch in batches(items, GOT_AT_ONCE):
        keys = [user_key(collection_id, naming.person_of(item)) for item in batch]
        people = {each["sk"]["S"]: to_user(each) for each in table.get_many(keys)}
        for item, person in zip(batch, keys, strict=True):
            user, sort = people.get(person["sk"]["S"]), item["sk"]
            if user is None or not naming.is_of(user, sort["S"]):
                number += _delete_of_other(table, item, person, naming.unless)
    return number


def _delete_of_other(table: Table, item: Item, person: Item, unless: str) -> bool:
    """Delete an item that its person did not have when it was read, unless the person has it now.

    Returns whether it was deleted.
    """
    check: dict[str, Any] = {
        "TableName": table.name,
        "Key": person,
        "ConditionExpression": unless,
    }
    if ":sk" in unless:
        check["ExpressionAttributeValues"] = {":sk": item["sk"]}
    deletion: dict[str, Any] = {
        "TableName": table.name,
        "Key": key(item["pk"]["S"], item["sk"]["S"]),
    }
    if "user_id" in item:
        # Another person may have the face or the name now.
        deletion["ConditionExpression"] = "user_id = :person"
        deletion["ExpressionAttributeValues"] = {":person": item["user_id"]}
    return table.transact([{"ConditionCheck": check}, {"Delete": deletion}]) is None
