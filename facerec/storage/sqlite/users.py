"""The rows of people and of the faces associated with them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

from facerec.core.history import Step, StepKind, deletion_step, registration_step
from facerec.core.records import User
from facerec.core.registrations import Registration
from facerec.errors import (
    ConflictError,
    UserExistsError,
    UserNameExistsError,
    UserNotFoundError,
)
from facerec.storage.sqlite import collections, events, history, requests

_SELECTED = "user_id, created_at, version, vector_version, name, consent, expires"


def create(connection: sqlite3.Connection, collection_id: str, user: User) -> None:
    """Write a new person and the associated faces; with faces, the stored version is one higher.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        UserExistsError: A person with this id exists.
        UserNameExistsError: Another person has this name.
        ConflictError: A face already belongs to a person.
    """
    collections.get(connection, collection_id)
    if get_many(connection, collection_id, [user.user_id]):
        raise UserExistsError(user.user_id)
    if user.name is not None and get_named(connection, collection_id, user.name):
        raise UserNameExistsError(user.name)
    values = (user.user_id, user.created_at, user.version, user.vector_version, user.name)
    connection.execute(
        f"INSERT INTO user (collection_id, {_SELECTED}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (collection_id, *values, *_days(user.registration)),
    )
    step = Step(StepKind.CREATED, user.user_id, created_at=user.created_at, name=user.name)
    history.note(connection, collection_id, step)
    if user.face_ids:
        change(connection, collection_id, user.user_id, user.version, user.face_ids, ())


def get(connection: sqlite3.Connection, collection_id: str, user_id: str) -> User:
    """Return a person.

    Raises:
        UserNotFoundError: The person does not exist.
    """
    found = get_many(connection, collection_id, [user_id])
    if not found:
        raise UserNotFoundError(user_id)
    return found[0]


def get_many(
    connection: sqlite3.Connection, collection_id: str, user_ids: Sequence[str]
) -> list[User]:
    """Return the existing people, in the order of ``user_ids``."""
    users = _users(
        connection,
        "user_id IN (SELECT value FROM json_each(?))",
        (collection_id, json.dumps(list(user_ids))),
    )
    by_id = {user.user_id: user for user in users}
    return [by_id[user_id] for user_id in user_ids if user_id in by_id]


def get_named(connection: sqlite3.Connection, collection_id: str, name: str) -> User | None:
    """Return the person who has a display name; None if there is none."""
    found = _users(connection, "name = ?", (collection_id, name))
    return found[0] if found else None


def list_names(connection: sqlite3.Connection, collection_id: str) -> dict[str, str]:
    """Return the ids of people by display name; people without a name are omitted."""
    rows = connection.execute(
        "SELECT name, user_id FROM user WHERE collection_id = ? AND name IS NOT NULL",
        (collection_id,),
    )
    return dict(rows.fetchall())


def list_after(
    connection: sqlite3.Connection, collection_id: str, after: str | None, limit: int
) -> list[User]:
    """Return people in the order of their ids, starting after the id ``after``."""
    return _users(
        connection,
        "user_id > ? ORDER BY user_id LIMIT ?",
        (collection_id, after or "", limit),
    )


def count(connection: sqlite3.Connection, collection_id: str) -> int:
    """Return the number of people of a collection."""
    (users,) = connection.execute(
        "SELECT count(*) FROM user WHERE collection_id = ?", (collection_id,)
    ).fetchone()
    return int(users)


def delete(connection: sqlite3.Connection, collection_id: str, user_id: str) -> None:
    """Delete a person with their associations and the stored answers that name them.

    Raises:
        UserNotFoundError: The person does not exist.
    """
    # noted first, so that undoing a merge restores the registration
    user = set_registration(connection, collection_id, user_id, None)
    connection.execute(
        "DELETE FROM user WHERE collection_id = ? AND user_id = ?", (collection_id, user_id)
    )
    connection.execute(
        "DELETE FROM association INDEXED BY association_by_user "
        "WHERE collection_id = ? AND user_id = ?",
        (collection_id, user_id),
    )
    requests.forget_answers(connection, [user_id])
    history.note(connection, collection_id, deletion_step(user))


def change(
    connection: sqlite3.Connection,
    collection_id: str,
    user_id: str,
    version: int,
    add: Sequence[str],
    remove: Sequence[str],
) -> User:
    """Associate and disassociate faces; return the changed person.

    Raises:
        UserNotFoundError: The person does not exist.
        ConflictError: The version has changed, or a face already belongs to a person.
    """
    user = get(connection, collection_id, user_id)
    if user.version != version:
        raise ConflictError(f"person {user_id!r} was changed concurrently", "try again")
    if users_of_faces(connection, collection_id, add):
        raise ConflictError("a face was associated with a person concurrently", "try again")
    connection.executemany(
        "DELETE FROM association WHERE collection_id = ? AND face_id = ? AND user_id = ?",
        ((collection_id, face_id, user_id) for face_id in remove),
    )
    connection.executemany(
        "INSERT INTO association (collection_id, face_id, user_id, version, place) "
        "VALUES (?, ?, ?, ?, ?)",
        (
            (collection_id, face_id, user_id, version + 1, place)
            for place, face_id in enumerate(add)
        ),
    )
    connection.execute(
        "UPDATE user SET version = ? WHERE collection_id = ? AND user_id = ?",
        (version + 1, collection_id, user_id),
    )
    for kind, face_ids in ((StepKind.FACES_REMOVED, remove), (StepKind.FACES_ADDED, add)):
        if face_ids:
            step = Step(kind, user_id, face_ids=tuple(face_ids))
            history.note(connection, collection_id, step)
    return get(connection, collection_id, user_id)


def set_name(
    connection: sqlite3.Connection, collection_id: str, user_id: str, name: str | None
) -> User:
    """Set or remove the display name of a person; return the changed person.

    Raises:
        UserNotFoundError: The person does not exist.
        UserNameExistsError: Another person has the name.
    """
    user = get(connection, collection_id, user_id)
    if name is not None and name != user.name and get_named(connection, collection_id, name):
        raise UserNameExistsError(name)
    connection.execute(
        "UPDATE user SET name = ? WHERE collection_id = ? AND user_id = ?",
        (name, collection_id, user_id),
    )
    requests.forget_answers(connection, [user_id])
    if name != user.name:
        step = Step(StepKind.RENAMED, user_id, name=name, earlier_name=user.name)
        history.note(connection, collection_id, step)
    return replace(user, name=name)


def set_registration(
    connection: sqlite3.Connection,
    collection_id: str,
    user_id: str,
    registration: Registration | None,
) -> User:
    """Set or remove the registration of a person; return the changed person.

    Raises:
        UserNotFoundError: The person does not exist.
    """
    user = get(connection, collection_id, user_id)
    if registration == user.registration:
        return user
    connection.execute(
        "UPDATE user SET consent = ?, expires = ? WHERE collection_id = ? AND user_id = ?",
        (*_days(registration), collection_id, user_id),
    )
    requests.forget_answers(connection, [user_id])
    if registration is None or not registration.continues(user.registration):
        # a later consent does not cover what was found under this one
        events.delete_undelivered(connection, collection_id, user_id)
    history.note(connection, collection_id, registration_step(user, registration))
    return replace(user, registration=registration)


def _days(registration: Registration | None) -> tuple[str | None, str | None]:
    return (None, None) if registration is None else (registration.consent, registration.expires)


def list_registered(connection: sqlite3.Connection, collection_id: str) -> list[User]:
    """Return the people with a registration, including expired ones, ordered by id."""
    return _users(connection, "expires IS NOT NULL", (collection_id,))


def move(
    connection: sqlite3.Connection,
    collection_id: str,
    face_ids: Sequence[str],
    source: User,
    target: User,
) -> tuple[User, User]:
    """Associate faces of one person with another; return both changed people.

    Raises:
        UserNotFoundError: A person does not exist.
        ConflictError: A version has changed, or a face is not the source's.
    """
    for known in (source, target):
        current = get(connection, collection_id, known.user_id)
        if (current.version, current.created_at) != (known.version, known.created_at):
            raise ConflictError(f"person {known.user_id!r} was changed concurrently", "try again")
    owners = users_of_faces(connection, collection_id, face_ids)
    if any(owners.get(face_id) != source.user_id for face_id in face_ids):
        raise ConflictError("a face was disassociated concurrently", "try again")
    connection.executemany(
        "UPDATE association SET user_id = ?, version = ?, place = ? "
        "WHERE collection_id = ? AND face_id = ?",
        (
            (target.user_id, target.version + 1, place, collection_id, face_id)
            for place, face_id in enumerate(face_ids)
        ),
    )
    connection.executemany(
        "UPDATE user SET version = version + 1 WHERE collection_id = ? AND user_id = ?",
        ((collection_id, each.user_id) for each in (source, target)),
    )
    moved = tuple(face_ids)
    step = Step(StepKind.FACES_MOVED, target.user_id, source.user_id, face_ids=moved)
    history.note(connection, collection_id, step)
    return (
        get(connection, collection_id, source.user_id),
        get(connection, collection_id, target.user_id),
    )


def set_vector_version(connection: sqlite3.Connection, collection_id: str, user: User) -> bool:
    """Record the version of a person's vector; return False if the version is stale."""
    marked = connection.execute(
        "UPDATE user SET vector_version = version "
        "WHERE collection_id = ? AND user_id = ? AND version = ? AND created_at = ?",
        (collection_id, user.user_id, user.version, user.created_at),
    ).rowcount
    return bool(marked)


def users_of_faces(
    connection: sqlite3.Connection, collection_id: str, face_ids: Sequence[str]
) -> dict[str, str]:
    """Return the user ids of faces by face id; faces without a person are omitted."""
    rows = connection.execute(
        "SELECT face_id, user_id FROM association "
        "WHERE collection_id = ? AND face_id IN (SELECT value FROM json_each(?))",
        (collection_id, json.dumps(list(face_ids))),
    )
    return dict(rows.fetchall())


def _users(
    connection: sqlite3.Connection, condition: str, values: tuple[object, ...]
) -> list[User]:
    """Return the people of a collection that match a condition, with their faces in order.

    The index is specified because SQLite would otherwise use the primary key of ``association``,
    and read all associations of the collection for each person.
    """
    rows = connection.execute(
        f"SELECT {_SELECTED}, face_id FROM "  # noqa: S608 - own names
        f"(SELECT collection_id, {_SELECTED} FROM user WHERE collection_id = ? AND {condition}) "
        "AS chosen LEFT JOIN (SELECT collection_id, user_id AS owner, face_id, version AS added, "
        "place FROM association INDEXED BY association_by_user) AS held "
        "ON held.collection_id = chosen.collection_id AND owner = user_id "
        "ORDER BY user_id, added, place",
        values,
    )
    users = []
    for columns, members in groupby(rows, key=itemgetter(*range(7))):
        user_id, created_at, version, vector_version, name, consent, expires = columns
        face_ids = tuple(face_id for *_, face_id in members if face_id is not None)
        registration = None if expires is None else Registration(consent, expires)
        users.append(
            User(user_id, created_at, face_ids, version, vector_version, name, registration)
        )
    return users
