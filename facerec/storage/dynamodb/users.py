"""Users in a DynamoDB table: an item for each, and one for each face that says whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from facerec.core.records import User
from facerec.errors import (
    CollectionNotFoundError,
    ConflictError,
    UserExistsError,
    UserNotFoundError,
)
from facerec.storage.dynamodb.items import association_key, numbers, user_item, user_key
from facerec.storage.dynamodb.table import Table

CHANGED_AT_ONCE = 99
"""Faces per transaction; with the user, 100 items in total:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html."""


def create_user(table: Table, collection_id: str, user: User) -> None:
    """Create a user; see ``RecordStore.create_user``."""
    put = {
        "Put": {
            "TableName": table.name,
            "Item": user_item(collection_id, user),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
    }
    unmet = table.transact([table.has_collection(collection_id), put])
    if unmet is not None:
        if unmet[0]:
            raise CollectionNotFoundError(collection_id)
        raise UserExistsError(user.user_id)


def change_user(
    table: Table,
    collection_id: str,
    user: User,
    version: int,
    add: Sequence[str],
    remove: Sequence[str],
) -> User:
    """Change the faces of a user; see ``RecordStore.change_user``.

    More than ``CHANGED_AT_ONCE`` faces take two transactions, which can fail halfway.
    """
    changes = [*((face_id, False) for face_id in remove), *((face_id, True) for face_id in add)]
    # The user is written even if nothing changes, so that its version grows.
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
    changed = User(user.user_id, user.created_at, face_ids, version + 1, user.vector_version)
    actions: list[dict[str, Any]] = [
        {
            "Update": {
                "TableName": table.name,
                "Key": user_key(collection_id, user.user_id),
                "UpdateExpression": "SET face_ids = :face_ids, #version = :new",
                "ConditionExpression": "#version = :version",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": {
                    ":face_ids": {"L": [{"S": face_id} for face_id in face_ids]},
                    **numbers({":version": version, ":new": changed.version}),
                },
            }
        }
    ]
    for face_id, added in changes:
        item_key = association_key(collection_id, face_id)
        owner = {"S": user.user_id}
        if added:
            action = {
                "Put": {
                    "TableName": table.name,
                    "Item": {**item_key, "user_id": owner},
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            }
        else:
            action = {
                "Delete": {
                    "TableName": table.name,
                    "Key": item_key,
                    "ConditionExpression": "attribute_not_exists(pk) OR user_id = :owner",
                    "ExpressionAttributeValues": {":owner": owner},
                }
            }
        actions.append(action)
    if table.transact(actions) is not None:
        if table.get(user_key(collection_id, user.user_id)) is None:
            raise UserNotFoundError(user.user_id)
        raise ConflictError(
            f"user {user.user_id!r} or a face of it was changed concurrently", "try again"
        )
    return changed
