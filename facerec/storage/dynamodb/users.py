"""People in a DynamoDB table: an item for each person, and an item for each face of a person."""

from __future__ import annotations

from collections.abc import Collection as Members
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from facerec.core.batches import batches
from facerec.core.history import Step, StepKind, deletion_step, registration_step
from facerec.errors import (
    CollectionNotFoundError,
    ConflictError,
    UserExistsError,
    UserNameExistsError,
    UserNotFoundError,
)
from facerec.storage.dynamodb import history
from facerec.storage.dynamodb.items import (
    Item,
    association_key,
    numbers,
    registered_key,
    to_user,
    user_item,
    user_key,
    user_name_key,
)
from facerec.storage.dynamodb.table import TRIES, Table

if TYPE_CHECKING:
    from facerec.core.records import User

CHANGED_AT_ONCE = 97
"""Number of faces per transaction; with the person and two steps of the history, 100 items:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html."""


CREATED_AT_ONCE = 94
"""Number of faces that a transaction adds to a new person; with the collection, the person, the
name, a registration and two steps of the history, 100 items."""

DELETED_AT_ONCE = 95
"""Maximum number of faces of a person who is deleted in a transaction; with the person, the name,
the registration and two steps of the history, 100 items."""

MOVED_AT_ONCE = 97
"""Number of faces that a transaction moves between people; with the people and the history, 100
items."""


_SAME_VERSION = "#version = :version AND created_at = :created"
"""Condition that a person has not changed; the versions of a person created again start at 0."""


def create_user(table: Table, collection_id: str, user: User) -> None:
    """Create a person; see ``RecordStore.create_user``.

    More than ``CREATED_AT_ONCE`` faces take several transactions. If a later one fails, the person
    exists with the faces added so far.
    """
    added, later = user.face_ids[:CREATED_AT_ONCE], user.face_ids[CREATED_AT_ONCE:]
    created = replace(user, face_ids=added, version=user.version + bool(added))
    put = {
        "Put": {
            "TableName": table.name,
            "Item": user_item(collection_id, created),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
    }
    name = [] if user.name is None else [_take_name(table, collection_id, user, user.name)]
    step = Step(StepKind.CREATED, user.user_id, created_at=user.created_at, name=user.name)
    noted = history.notes(table, collection_id, step)
    if added:
        step = Step(StepKind.FACES_ADDED, user.user_id, face_ids=added)
        noted += history.notes(table, collection_id, step)
    marked = [] if user.registration is None else [mark_registered(table, collection_id, user)]
    taken = [_take_face(table, collection_id, user.user_id, face_id) for face_id in added]
    unmet = table.transact(
        [table.has_collection(collection_id), put, *name, *marked, *noted, *taken]
    )
    if unmet is not None:
        if unmet[0]:
            raise CollectionNotFoundError(collection_id)
        if unmet[1]:
            raise UserExistsError(user.user_id)
        if user.name is not None and unmet[2]:
            raise UserNameExistsError(user.name)
        raise ConflictError("a face was associated with a person concurrently", "try again")
    if later:
        change_user(table, collection_id, created, created.version, later, ())


def delete_user(
    table: Table,
    collection_id: str,
    user_id: str,
    created_at: float | None,
    no_faces_but: Members[str] | None,
) -> bool:
    """Delete a person, their associations, name and registration; see ``RecordStore.delete_user``.

    More than ``DELETED_AT_ONCE`` faces take several transactions. After an interruption, the person
    exists with the faces that are left.

    Raises:
        UserNotFoundError: The person does not exist, or was created at another time.
        ConflictError: There are too many concurrent changes.
    """
    for _ in range(TRIES):
        user = get_user(table, collection_id, user_id)
        if created_at not in (None, user.created_at):
            raise UserNotFoundError(user_id)
        if no_faces_but is not None and not set(user.face_ids) <= set(no_faces_but):
            return False
        early = user.face_ids[DELETED_AT_ONCE:]
        if early:
            with suppress(ConflictError):
                change_user(table, collection_id, user, user.version, (), early)
            continue
        actions = [
            {"Delete": unchanged(table, collection_id, user)},
            forget_registered(table, collection_id, user_id),
            *_free_faces(table, collection_id, user),
        ]
        if user.name is not None:
            actions.append(_free_name(table, collection_id, user.name))
        if user.registration is not None:
            # noted first, so that undoing a merge restores the registration
            actions += history.notes(table, collection_id, registration_step(user, None))
        actions += history.notes(table, collection_id, deletion_step(user))
        if table.transact(actions) is None:
            return True
    raise too_many_changes()


def set_name(table: Table, collection_id: str, user_id: str, name: str | None) -> User:
    """Set or remove a display name; see ``RecordStore.set_user_name``."""
    for _ in range(TRIES):
        user = get_user(table, collection_id, user_id)
        if user.name == name:
            return user
        change = unchanged(table, collection_id, user)
        if name is None:
            change["UpdateExpression"] = "REMOVE display_name"
        else:
            change["UpdateExpression"] = "SET display_name = :new"
            change["ExpressionAttributeValues"][":new"] = {"S": name}
        actions = [{"Update": change}]
        if user.name is not None:
            actions.append(_free_name(table, collection_id, user.name))
        if name is not None:
            actions.append(_take_name(table, collection_id, user, name))
        step = Step(StepKind.RENAMED, user_id, name=name, earlier_name=user.name)
        # The condition on the name must stay the last one.
        unmet = table.transact([*history.notes(table, collection_id, step), *actions])
        if unmet is None:
            return replace(user, name=name)
        if name is not None and unmet[-1]:
            raise UserNameExistsError(name)
    raise too_many_changes()


def set_vector_version(table: Table, collection_id: str, user: User) -> bool:
    """Record the version of a person's vector; see ``RecordStore.set_vector_version``."""
    try:
        with table.condition_is(ConflictError("stale version")):
            table.client.update_item(
                TableName=table.name,
                Key=user_key(collection_id, user.user_id),
                UpdateExpression="SET vector_version = :version",
                ConditionExpression=_SAME_VERSION,
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues=_version_of(user),
            )
    except ConflictError:
        return False
    return True


def move_faces(
    table: Table, collection_id: str, face_ids: Sequence[str], source: User, target: User
) -> tuple[User, User]:
    """Associate faces of one person with another; see ``RecordStore.move_faces``.

    More than ``MOVED_AT_ONCE`` faces take several transactions. If a later one fails, the faces
    moved so far stay moved.
    """
    for batch in batches(face_ids, MOVED_AT_ONCE):
        left = tuple(face_id for face_id in source.face_ids if face_id not in batch)
        actions = [
            _set_faces(table, collection_id, source, left),
            _set_faces(table, collection_id, target, (*target.face_ids, *batch)),
        ]
        for face_id in batch:
            change = {
                "TableName": table.name,
                "Key": association_key(collection_id, face_id),
                "UpdateExpression": "SET user_id = :target",
                "ConditionExpression": "user_id = :source",
                "ExpressionAttributeValues": {
                    ":source": {"S": source.user_id},
                    ":target": {"S": target.user_id},
                },
            }
            actions.append({"Update": change})
        step = Step(StepKind.FACES_MOVED, target.user_id, source.user_id, face_ids=tuple(batch))
        if table.transact([*actions, *history.notes(table, collection_id, step)]) is not None:
            for user in (source, target):
                get_user(table, collection_id, user.user_id)
            raise ConflictError(
                "a person, or a face of the person, was changed concurrently", "try again"
            )
        source = replace(source, face_ids=left, version=source.version + 1)
        target = replace(target, face_ids=(*target.face_ids, *batch), version=target.version + 1)
    return source, target


def change_user(
    table: Table,
    collection_id: str,
    user: User,
    version: int,
    add: Sequence[str],
    remove: Sequence[str],
) -> User:
    """Change the faces of a person; see ``RecordStore.change_user``.

    More than ``CHANGED_AT_ONCE`` faces take several transactions. If a later one fails, the earlier
    changes stay.
    """
    changes = [*((face_id, False) for face_id in remove), *((face_id, True) for face_id in add)]
    # The person is written even if nothing changes, so that its version increases.
    for start in range(0, max(1, len(changes)), CHANGED_AT_ONCE):
        batch = changes[start : start + CHANGED_AT_ONCE]
        user = _change(table, collection_id, user, version, batch)
        version = user.version
    return user


def _change(
    table: Table,
    collection_id: str,
    user: User,
    version: int,
    changes: Sequence[tuple[str, bool]],
) -> User:
    """Write a batch of a change in one transaction."""
    removed = {face_id for face_id, added in changes if not added}
    face_ids = (
        *(face_id for face_id in user.face_ids if face_id not in removed),
        *(face_id for face_id, added in changes if added),
    )
    changed = replace(user, face_ids=face_ids, version=version + 1)
    known = replace(user, version=version)
    actions: list[dict[str, Any]] = [_set_faces(table, collection_id, known, face_ids)]
    for face_id, added in changes:
        if added:
            actions.append(_take_face(table, collection_id, user.user_id, face_id))
            continue
        delete = {
            "TableName": table.name,
            "Key": association_key(collection_id, face_id),
            "ConditionExpression": "attribute_not_exists(pk) OR user_id = :owner",
            "ExpressionAttributeValues": {":owner": {"S": user.user_id}},
        }
        actions.append({"Delete": delete})
    for kind, of_added in ((StepKind.FACES_REMOVED, False), (StepKind.FACES_ADDED, True)):
        own = tuple(face_id for face_id, added in changes if added == of_added)
        if own:
            step = Step(kind, user.user_id, face_ids=own)
            actions += history.notes(table, collection_id, step)
    if table.transact(actions) is not None:
        if table.get(user_key(collection_id, user.user_id)) is None:
            raise UserNotFoundError(user.user_id)
        raise ConflictError(
            f"person {user.user_id!r} or one of the faces was changed concurrently", "try again"
        )
    return changed


def _set_faces(
    table: Table, collection_id: str, user: User, face_ids: Sequence[str]
) -> dict[str, Any]:
    """Return the action that sets the faces of a person whose version has not changed.

    It fails too if the person was deleted and created again: that person has other faces.
    """
    return {
        "Update": {
            "TableName": table.name,
            "Key": user_key(collection_id, user.user_id),
            "UpdateExpression": "SET face_ids = :face_ids, #version = :new",
            "ConditionExpression": _SAME_VERSION,
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {
                ":face_ids": {"L": [{"S": face_id} for face_id in face_ids]},
                ":new": {"N": str(user.version + 1)},
                **_version_of(user),
            },
        }
    }


def get_user(table: Table, collection_id: str, user_id: str) -> User:
    """Return a person.

    Raises:
        UserNotFoundError: The person does not exist.
    """
    item = table.get(user_key(collection_id, user_id))
    if item is None:
        raise UserNotFoundError(user_id)
    return to_user(item)


def _version_of(user: User) -> Item:
    """Return the values of ``_SAME_VERSION``."""
    return numbers({":version": user.version, ":created": user.created_at})


def unchanged(table: Table, collection_id: str, user: User) -> dict[str, Any]:
    """Return the fields of an action on a person.

    The action fails if the version, the name or the registration has changed, or if the person was
    deleted and created again.
    """
    values = _version_of(user)
    if user.name is None:
        condition = f"{_SAME_VERSION} AND attribute_not_exists(display_name)"
    else:
        condition = f"{_SAME_VERSION} AND display_name = :name"
        values[":name"] = {"S": user.name}
    if user.registration is None:
        condition += " AND attribute_not_exists(expiry_day)"
    else:
        condition += " AND consent_day = :consent AND expiry_day = :expiry"
        values[":consent"] = {"S": user.registration.consent}
        values[":expiry"] = {"S": user.registration.expires}
    return {
        "TableName": table.name,
        "Key": user_key(collection_id, user.user_id),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": values,
    }


def mark_registered(table: Table, collection_id: str, user: User) -> dict[str, Any]:
    """Return the action that marks a person as registered."""
    return {"Put": {"TableName": table.name, "Item": registered_key(collection_id, user.user_id)}}


def forget_registered(table: Table, collection_id: str, user_id: str) -> dict[str, Any]:
    """Return the action that removes the mark that a person is registered."""
    return {"Delete": {"TableName": table.name, "Key": registered_key(collection_id, user_id)}}


def _take_face(table: Table, collection_id: str, user_id: str, face_id: str) -> dict[str, Any]:
    item = {**association_key(collection_id, face_id), "user_id": {"S": user_id}}
    condition = "attribute_not_exists(pk)"
    return {"Put": {"TableName": table.name, "Item": item, "ConditionExpression": condition}}


def _free_faces(table: Table, collection_id: str, user: User) -> list[dict[str, Any]]:
    """Return the actions that delete the associations of a person's faces."""
    keys = [association_key(collection_id, face_id) for face_id in user.face_ids]
    own = [item for item in table.get_many(keys) if item["user_id"]["S"] == user.user_id]
    return [
        {
            "Delete": {
                "TableName": table.name,
                "Key": {"pk": item["pk"], "sk": item["sk"]},
                "ConditionExpression": "user_id = :owner",
                "ExpressionAttributeValues": {":owner": {"S": user.user_id}},
            }
        }
        for item in own
    ]


def _take_name(table: Table, collection_id: str, user: User, name: str) -> dict[str, Any]:
    item = {**user_name_key(collection_id, name), "user_id": {"S": user.user_id}}
    condition = "attribute_not_exists(pk)"
    return {"Put": {"TableName": table.name, "Item": item, "ConditionExpression": condition}}


def _free_name(table: Table, collection_id: str, name: str) -> dict[str, Any]:
    return {"Delete": {"TableName": table.name, "Key": user_name_key(collection_id, name)}}


def too_many_changes() -> ConflictError:
    """Return the error for a change that concurrent changes prevented ``TRIES`` times."""
    return ConflictError("too many concurrent changes", "try again")
