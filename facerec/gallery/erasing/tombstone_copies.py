"""Copies of tombstones outside the store of records, and their restoration.

Tombstones are lost with their store. So each erasure writes a copy of its tombstones and their key
beside the collection's job folders; deleting the collection deletes the copy. The erasure also
leaves a mark in the store. A store without the mark was lost, or restored from a copy older than
the erasure. Then the tombstones are restored, and erased faces and people are removed again. A
tombstone that is missing in a store with the mark was removed on purpose, and is then removed from
the copy too.

A copy also has keyed hashes of the ids and names of erased people. They identify nobody, but people
in an older copy of the store can be compared with them. A person with such an id who was created
before the erasure is erased again, with corrections and the history. A person who was created again
later stays.
"""

from __future__ import annotations

from collections.abc import Collection as Members
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.core.ids import group_of
from facerec.core.recording import caused_by
from facerec.core.tombstone_copies import TombstoneCopy
from facerec.errors import UserNotFoundError
from facerec.gallery.erasing.tombstone_keys import digest, keys_of, put_under_key, require_key
from facerec.gallery.erasing.tombstones import (
    box_in,
    get_texts,
    is_of_deleted,
    keep_texts,
    keep_tombstones,
)
from facerec.gallery.indexing.storing import pair_boxes
from facerec.gallery.listing import all_corrections, all_history, all_users
from facerec.gallery.people.corrections import forget_corrections, names_left
from facerec.gallery.people.names import person_names

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import FaceRecord, User
    from facerec.gallery.people import associations, user_vectors
    from facerec.storage.faces import FaceStore
else:
    associations = DeferredModule("facerec.gallery.people.associations")
    user_vectors = DeferredModule("facerec.gallery.people.user_vectors")

_SEEN = "restored"
"""Text of the mark of an erasure."""

_SEEN_BEFORE = "seen"
"""Text of the mark of an earlier release, which did not restore tombstones of a second key."""


def copy_of_erasure(
    collection_id: str,
    names: Members[str],
    *,
    erasure_id: str,
    erased_at: float,
    people: Members[str] = (),
    emptied: Members[str] = (),
    records: RecordStore,
) -> TombstoneCopy | None:
    """Return a copy of the tombstones and the erased people of an erasure; None without either.

    Args:
        collection_id: The collection.
        names: Names of the photos that the tombstones belong to.
        erasure_id: The erasure.
        erased_at: Time of the erasure, in seconds since 1970.
        people: Ids and names of people who were erased.
        emptied: Image keys of photos that have no face left. An older copy of the store may have
            faces of these photos that a job with other options has removed since.
        records: Store of the tombstones.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: Too many concurrent changes of the tombstones.
    """
    key = (
        require_key(collection_id, records) if people else records.get_tombstone_key(collection_id)
    )
    found = get_texts(collection_id, names, records=records)
    deleted = {name: frozenset(filter(is_of_deleted, own)) for name, own in found.items()}
    places = {digest(key or b"", name): own for name, own in deleted.items() if own}
    if key is None:
        return None
    hashes = frozenset(hash_of_person(key, name) for name in people)
    removed = frozenset(digest(key, photo) for photo in emptied)
    copy = TombstoneCopy(erasure_id, erased_at, key, places, hashes, removed)
    return None if copy.is_empty else copy


def hash_of_person(key: bytes, name: str) -> str:
    """Return the keyed hash of the id or a name of a person who was erased."""
    return digest(key, f"name {name}")


def mark_seen(collection_id: str, erasure_ids: Iterable[str], *, records: RecordStore) -> None:
    """Mark in the store that it has the tombstones of erasures.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: Too many concurrent changes of the tombstones.
    """
    keep_texts(collection_id, {_mark_of(each): {_SEEN} for each in erasure_ids}, records=records)


def unseen_erasures(
    collection_id: str, erasure_ids: Sequence[str], *, records: RecordStore
) -> list[str]:
    """Return the ids of the erasures that a store has no mark of."""
    return _erasures_with(collection_id, erasure_ids, frozenset(), records)


def doubtful_erasures(
    collection_id: str, erasure_ids: Sequence[str], *, records: RecordStore
) -> list[str]:
    """Return the ids of erasures that an earlier release has marked; tombstones may be missing."""
    return _erasures_with(collection_id, erasure_ids, frozenset((_SEEN_BEFORE,)), records)


def _erasures_with(
    collection_id: str, erasure_ids: Sequence[str], texts: frozenset[str], records: RecordStore
) -> list[str]:
    """Return the ids of the erasures whose marks in the store have exactly these texts."""
    found = get_texts(collection_id, [_mark_of(each) for each in erasure_ids], records=records)
    return [each for each in erasure_ids if found.get(_mark_of(each), frozenset()) == texts]


def is_restored(collection_id: str, copy: TombstoneCopy, *, records: RecordStore) -> bool:
    """Return whether a store that has marked an erasure has the key of the erasure's tombstones."""
    return copy.key in keys_of(collection_id, records=records)


def without_lifted(
    collection_id: str, copy: TombstoneCopy, *, records: RecordStore
) -> TombstoneCopy:
    """Return a copy without the tombstones that were removed from the store on purpose.

    The copy stays as it is if the store does not have its key.

    Args:
        collection_id: The collection.
        copy: The copy of an erasure that the store has seen.
        records: Store of the tombstones.
    """
    if copy.key not in keys_of(collection_id, records=records):
        return copy
    stored = records.get_tombstones(collection_id, list(copy.places))
    places = {photo: own & stored.get(photo, frozenset()) for photo, own in copy.places.items()}
    # Photos are hashed like the places: one that was indexed again on purpose has lost some.
    removed = {each for each in copy.removed if places.get(each) == copy.places.get(each)}
    return replace(
        copy,
        places={photo: own for photo, own in places.items() if own},
        removed=frozenset(removed),
    )


def restore_tombstones(
    collection_id: str, copies: Iterable[TombstoneCopy], *, records: RecordStore
) -> None:
    """Restore the tombstones of a store, even if it has others with another key.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: Too many concurrent changes of the tombstones.
    """
    for copy in copies:
        put_under_key(collection_id, copy.key, copy.places, records=records)


def returned_faces(
    copies: Sequence[TombstoneCopy], records: Iterable[FaceRecord]
) -> Iterator[FaceRecord]:
    """Yield the stored faces that were deleted after they had been indexed."""
    for record in records:
        for copy in copies:
            texts = copy.places.get(digest(copy.key, group_of(record.face_id)), ())
            boxes = [box_in(text) for text in texts]
            if record.indexed_at < copy.erased_at and pair_boxes([record.box], boxes):
                yield record
                break


def remove_returned_faces(
    collection_id: str, returned: Sequence[FaceRecord], *, faces: FaceStore, records: RecordStore
) -> None:
    """Remove faces that were deleted, and disassociate them from their people.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: Too many concurrent changes of a person or of corrections.
    """
    # The store may have its own tombstones, which do not include these.
    keep_tombstones(collection_id, returned, records=records)
    forget_faces(collection_id, returned, faces=faces, records=records)


def forget_faces(
    collection_id: str,
    gone: Iterable[FaceRecord],
    *,
    named: Members[str] = (),
    faces: FaceStore,
    records: RecordStore,
) -> None:
    """Remove faces from a store, and from its people, corrections and history.

    Args:
        collection_id: The collection.
        gone: The faces.
        named: Ids of further faces, which are not stored.
        faces: Store of the collection's faces.
        records: Store of its people.

    Raises:
        CollectionNotFoundError: The collection was deleted concurrently.
        ConflictError: Too many concurrent changes of a person or of corrections.
    """
    gone = list(gone)
    ids = [*(record.face_id for record in gone), *named]
    faces.delete_faces(collection_id, ids)
    associations.update_owners(faces, records, collection_id, ids, ids)
    records.forget_answers(ids)
    names = {name for record in gone for name in person_names(record, None)}
    forget_corrections(collection_id, gone=ids, people=names, faces=faces, records=records)
    records.erase_history(collection_id, people=(), face_ids=ids)


def _mark_of(erasure_id: str) -> str:
    # No image key contains a space, and no name of an erased photo begins like this.
    return f"erasure {erasure_id}"


@dataclass(frozen=True, slots=True, repr=False)
class ReturnedPeople:
    """Erased people and names that a store contains again. A repr contains none of them.

    Attributes:
        users: The people.
        names: Ids and names of these and of other people in corrections and in the history.
    """

    users: tuple[User, ...]
    names: frozenset[str]


def returned_people(
    collection_id: str, copies: Sequence[TombstoneCopy], *, records: RecordStore
) -> ReturnedPeople:
    """Return the erased people and names that a store contains again.

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
    """Erase people who were erased before; their faces stay.

    A person who is created with one of these ids in the meantime stays too.

    After an interruption, call ``returned_people`` again, and then this function.

    Args:
        collection_id: The collection.
        returned: The people and names.
        faces: Store of the collection's faces.
        records: Store of its people.

    Raises:
        ConflictError: Too many concurrent changes of a person or of corrections.
    """
    own = {name for user in returned.users for name in (user.user_id, user.name) if name}
    ids = [user.user_id for user in returned.users]
    with caused_by(None):
        for user in returned.users:
            # Somebody else may have deleted the person in the meantime.
            with suppress(UserNotFoundError):
                records.delete_user(collection_id, user.user_id, created_at=user.created_at)
            user_vectors.delete_vector(faces, collection_id, user.user_id)
            # Somebody who has been created with this id gets their vector again.
            associations.update_user(faces, records, collection_id, user.user_id, ())
        for again in records.get_users(collection_id, ids):
            own.difference_update((again.user_id, again.name))
        records.forget_answers(ids)
        named = set(returned.names) - own
        gone = own | (named - names_left(collection_id, named, faces=faces, records=records))
        forget_corrections(collection_id, people=gone, faces=faces, records=records)
        records.erase_history(collection_id, people=gone, face_ids=())
    faces.erase_copies(sorted(gone))


def _names(copy: TombstoneCopy, name: str) -> bool:
    return hash_of_person(copy.key, name) in copy.people
