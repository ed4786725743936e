"""People that were erased, and that an older copy of the database has again.

Copies of tombstones (``facerec.gallery.erasing.tombstone_copies``) contain keyed hashes of their
ids and names. They identify nobody, but recognise the people of an older copy: a person with such
an id who was created before the erasure is erased again, with corrections and the history. A person
who was created again after the erasure stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.recording import caused_by
from facerec.gallery.erasing.tombstone_copies import hash_of_person
from facerec.gallery.listing import all_corrections, all_history, all_users
from facerec.gallery.people.corrections import forget_corrections, names_left

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import User
    from facerec.core.tombstone_copies import TombstoneCopy
    from facerec.storage.faces import FaceStore


@dataclass(frozen=True, slots=True, repr=False)
class ReturnedPeople:
    """People and names that were erased, and that a store has. A repr contains none of them.

    Attributes:
        users: People.
        names: Ids and names in corrections and in the history, of these and of other people.
    """

    users: tuple[User, ...]
    names: frozenset[str]


def returned_people(
    collection_id: str, copies: Sequence[TombstoneCopy], *, records: RecordStore
) -> ReturnedPeople:
    """Return the people of a store that erasures have erased.

    Args:
        collection_id: The collection.
        copies: Copies of the tombstones of erasures that the store has not seen.
        records: Store of its people.
    """
    copies = [copy for copy in copies if copy.people]
    if not copies:
        return ReturnedPeople((), frozenset())
    users = tuple(
        user
        for user in all_users(collection_id, records=records)
        if any(user.created_at < copy.erased_at and _names(copy, user.user_id) for copy in copies)
    )
    found = {each.person for each in all_corrections(collection_id, records=records)}
    for entry in all_history(collection_id, records=records):
        found = found.union(entry.subjects)
    return ReturnedPeople(
        users, frozenset(name for name in found if any(_names(copy, name) for copy in copies))
    )


def remove_returned_people(
    collection_id: str, returned: ReturnedPeople, *, faces: FaceStore, records: RecordStore
) -> None:
    """Erase people that were erased before; their faces stay.

    Calling it again after an interruption continues.

    Args:
        collection_id: The collection.
        returned: The people and names.
        faces: Store of the collection's faces.
        records: Store of its people.

    Raises:
        ConflictError: Too many concurrent changes of a person or of corrections.
    """
    from facerec.gallery.people.user_vectors import delete_vector

    own = {name for user in returned.users for name in (user.user_id, user.name) if name}
    ids = [user.user_id for user in returned.users]
    with caused_by(None):
        for user_id in ids:
            records.delete_user(collection_id, user_id)
            delete_vector(faces, collection_id, user_id)
        records.forget_answers(ids)
        named = set(returned.names) - own
        gone = own | (named - names_left(collection_id, named, faces=faces, records=records))
        forget_corrections(collection_id, people=gone, faces=faces, records=records)
        records.erase_history(collection_id, people=gone, face_ids=())
    faces.erase_copies(sorted(gone))


def _names(copy: TombstoneCopy, name: str) -> bool:
    return hash_of_person(copy.key, name) in copy.people
