"""Registered people in a DynamoDB table: the days are in the item of the person.

A second item marks that the person is registered, so that people without a registration need not
be read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.history import registration_step
from facerec.storage.dynamodb import events, history, users
from facerec.storage.dynamodb.items import registered_partition, to_user, user_key
from facerec.storage.dynamodb.table import TRIES

if TYPE_CHECKING:
    from facerec.core.records import User
    from facerec.core.registrations import Registration
    from facerec.storage.dynamodb.table import Table


def set_registration(
    table: Table, collection_id: str, user_id: str, registration: Registration | None
) -> User:
    """Set or remove a registration; see ``RegistrationStore.set_registration``."""
    for _ in range(TRIES):
        user = users.get_user(table, collection_id, user_id)
        ends = registration is None or not registration.continues(user.registration)
        if registration == user.registration:
            ends = registration is None
        if ends:
            # This comes first: an attempt that was killed may have left such events.
            events.delete_undelivered(table, collection_id, user_id)
        if registration == user.registration:
            return user
        if ends and registration is not None and user.registration is not None:
            # The earlier consent ends first. So an attempt that is killed leaves nobody registered,
            # and no event of the earlier consent is left for the later one.
            set_registration(table, collection_id, user_id, None)
            continue
        if not _write(table, collection_id, user, registration):
            continue
        if registration is None:
            events.delete_undelivered(table, collection_id, user_id)
        return replace(user, registration=registration)
    raise users.too_many_changes()


def list_registered(table: Table, collection_id: str) -> list[User]:
    """Return registered people; see ``RegistrationStore.list_registered``."""
    marks = table.partition(registered_partition(collection_id))
    keys = [user_key(collection_id, mark["sk"]["S"]) for mark in marks]
    found = [to_user(item) for item in table.get_many(keys)]
    registered = [user for user in found if user.registration is not None]
    return sorted(registered, key=lambda user: user.user_id)


def _write(table: Table, collection_id: str, user: User, registration: Registration | None) -> bool:
    """Write a registration; return False if the person was changed concurrently."""
    change = users.unchanged(table, collection_id, user)
    if registration is None:
        change["UpdateExpression"] = "REMOVE consent_day, expiry_day"
        mark = users.forget_registered(table, collection_id, user.user_id)
    else:
        change["UpdateExpression"] = "SET consent_day = :new_consent, expiry_day = :new_expiry"
        change["ExpressionAttributeValues"] |= {
            ":new_consent": {"S": registration.consent},
            ":new_expiry": {"S": registration.expires},
        }
        mark = users.mark_registered(table, collection_id, user)
    noted = history.notes(table, collection_id, registration_step(user, registration))
    return table.transact([{"Update": change}, mark, *noted]) is None
