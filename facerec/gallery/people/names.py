"""The names of people: those that identify them in stored faces, and those for display."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.derived_names import is_derived

if TYPE_CHECKING:
    from facerec.core.history import Entry
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import FaceRecord, User

_MAX_SKEW = 1.0
"""Seconds by which the clocks of two machines may differ."""

PERSON_SEPARATOR = ":"
"""The part of an external image id before this separator names the person: ``ann:1`` and ``ann:2``
are photos of ann."""


def given_name(record: FaceRecord) -> str | None:
    """Return a face's external image id, unless it only repeats the address of its photo."""
    name = record.external_image_id
    return None if name is None or is_derived(name, record.address) else name


@dataclass(frozen=True, slots=True)
class Identity:
    """The known and the denied names of the person whom a stored face shows.

    Attributes:
        user_id: Id of the person that the face is associated with, if any.
        name: The person that the face's external image id names, if any: the part before the
            separator, or all of it.
        denied: Names of people whom the face does not show.
        names: Every name of the face's person that no correction denies.
    """

    user_id: str | None
    name: str | None
    denied: frozenset[str]
    names: frozenset[str]

    @property
    def person(self) -> str | None:
        """Id of the associated person, else the name in the external image id; None if neither."""
        return self.user_id or self.name


def identity_of(
    record: FaceRecord, user_id: str | None, denied: frozenset[str] = frozenset()
) -> Identity:
    """Return the known and the denied names of the person whom a stored face shows.

    Args:
        record: The face.
        user_id: Id of the person that the face is associated with, if any.
        denied: Names of people whom the face does not show, by corrections.
    """
    given = given_name(record)
    person = _person_in(given)
    name = None if {given, person} & denied else person or given
    owner = None if user_id in denied else user_id
    return Identity(owner, name, denied, _names(record, user_id, given) - denied)


def is_one_person(one: Identity, other: Identity) -> bool | None:
    """Return whether two faces show one person, by names and corrections; None if unknown.

    Decisions and measurements of a collection's own error rates follow this rule. The first line
    that applies decides:

    1. A correction separates the two: different people.
    2. Both are associated with people: the same person, if the people are the same.
    3. The two have a name in common: the same person. The names of a face are the id of its person
       and the name in its external image id.
    4. Both have names: different people.

    An external image id that only repeats the path of its photo does not count as a name.
    """
    if one.denied & other.names or other.denied & one.names:
        return False
    if one.user_id is not None and other.user_id is not None:
        return one.user_id == other.user_id
    if one.person is None or other.person is None:
        return None
    names = other.user_id, other.name
    return one.person in names or (one.name is not None and one.name in names)


def person_names(record: FaceRecord, user_id: str | None) -> frozenset[str]:
    """Return every name of the person whom a stored face shows.

    The names are the id of the face's person, its external image id, the part of this id before the
    separator, and the id of the face itself.
    """
    return _names(record, user_id, given_name(record))


def _names(record: FaceRecord, user_id: str | None, given: str | None) -> frozenset[str]:
    """Return every name of a face; ``given`` is the name in its external image id, or None."""
    names = {user_id, given, _person_in(given), record.face_id}
    return frozenset(name for name in names if name is not None)


def _person_in(name: str | None) -> str | None:
    """Return the part of a name before the separator, or None if it has none."""
    return None if name is None or PERSON_SEPARATOR not in name else name.split(PERSON_SEPARATOR)[0]


def display_names(
    collection_id: str, user_ids: Iterable[str], *, records: RecordStore
) -> dict[str, str]:
    """Return the display names of people by id; those without one are omitted."""
    known = sorted(set(user_ids))
    users = records.get_users(collection_id, known) if known else []
    return {user.user_id: user.name for user in users if user.name is not None}


def names_in_history(
    collection_id: str, entries: Sequence[Entry], *, records: RecordStore
) -> dict[str, dict[str, str]]:
    """Return the display names of the people of entries, by entry and person id.

    People without a name are omitted, and so are those who no longer exist, even if somebody else
    has the id now.
    """
    known = sorted({person for entry in entries for person in entry.people})
    users = (
        {user.user_id: user for user in records.get_users(collection_id, known)} if known else {}
    )
    return {
        entry.cause.entry_id: {
            person: user.name
            for person in entry.people
            if (user := users.get(person)) is not None
            and user.name is not None
            and _is_in(entry, user)
        }
        for entry in entries
    }


def _is_in(entry: Entry, user: User) -> bool:
    """Return whether an entry with a person's id is about this person, not an earlier one."""
    steps = (step for step in entry.steps if step.user_id == user.user_id)
    created = {step.created_at for step in steps if step.created_at is not None}
    if created:
        return user.created_at in created
    return user.created_at <= entry.cause.at + _MAX_SKEW
