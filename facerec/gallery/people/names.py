"""The names of people: those that identify them in stored faces, and those that are shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from facerec.core.names import is_derived

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import FaceRecord

PERSON_SEPARATOR = ":"
"""The part of an external image id before this separator names the person: ``ann:1`` and ``ann:2``
are photos of ann."""


def person_in_name(record: FaceRecord) -> str | None:
    """Return the person that a face's external image id names before the separator, if any."""
    name = given_name(record)
    return None if name is None or PERSON_SEPARATOR not in name else name.split(PERSON_SEPARATOR)[0]


def given_name(record: FaceRecord) -> str | None:
    """Return a face's external image id, unless it only repeats the address of its photo."""
    name = record.external_image_id
    return None if name is None or is_derived(name, record.source) else name


def person_names(record: FaceRecord, user_id: str | None) -> frozenset[str]:
    """Return every name of the person whom a stored face shows.

    These are the id of its person, its external image id, the part of that before the separator,
    and the id of the face itself.
    """
    names = {user_id, given_name(record), person_in_name(record), record.face_id}
    return frozenset(name for name in names if name is not None)


def display_names(
    collection_id: str, user_ids: Iterable[str], *, records: RecordStore
) -> dict[str, str]:
    """Return the display names of people by id; those without one are omitted."""
    known = sorted(set(user_ids))
    users = records.get_users(collection_id, known) if known else []
    return {user.user_id: user.name for user in users if user.name is not None}
