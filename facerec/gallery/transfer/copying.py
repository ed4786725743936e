"""Copies people, corrections and settings of a collection to another store that has its faces.

Faces can be restored from the folders of jobs; people, corrections and the history exist only in
the records of a store.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.records import User
from facerec.errors import UserExistsError
from facerec.gallery.listing import all_history, all_users, pages_of_corrections
from facerec.gallery.people.user_vectors import refresh_vector

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.storage.faces import FaceStore


@dataclass(frozen=True, slots=True)
class Copied:
    """Counts of copied records.

    Attributes:
        people: Number of people copied.
        corrections: Number of corrections copied.
        lacking: Number of these people's faces that the target does not have.
    """

    people: int
    corrections: int
    lacking: int


def copy_records(
    collection_id: str, *, source: RecordStore, target: RecordStore, faces: FaceStore
) -> Copied:
    """Copy people, corrections, history, tags with the retention, and threshold of a collection.

    Corrections of faces that the target does not have are omitted. After an interruption, the same
    call continues.

    Args:
        collection_id: Id of a collection that both stores have.
        source: The records to copy.
        target: The records that receive them.
        faces: The faces of the target.

    Raises:
        CollectionNotFoundError: A store does not have the collection.
        UserNameExistsError: Another person of the target has the name of a copied person.
        ConflictError: The people of the target are changed concurrently.
    """
    target.set_threshold(collection_id, source.get_collection(collection_id).threshold)
    target.change_tags(collection_id, put=source.get_tags(collection_id))
    people = lacking = corrections = 0
    for user in all_users(collection_id, records=source):
        people += 1
        lacking += _copy_user(collection_id, user, target, faces)
    for page in pages_of_corrections(collection_id, records=source):
        present = _present(collection_id, {each.face_id for each in page}, faces)
        chosen = [each for each in page if each.face_id in present]
        corrections += len(chosen)
        target.add_corrections(collection_id, chosen)
    for entry in all_history(collection_id, records=source):
        target.put_history(collection_id, [entry])
    return Copied(people, corrections, lacking)


def _copy_user(collection_id: str, user: User, target: RecordStore, faces: FaceStore) -> int:
    """Copy a person with the faces that the target has; return the number of missing faces."""
    with suppress(UserExistsError):
        copy = User(user.user_id, user.created_at, name=user.name, registration=user.registration)
        target.create_user(collection_id, copy)
    known = target.get_user(collection_id, user.user_id)
    present = _present(collection_id, user.face_ids, faces)
    added = [each for each in user.face_ids if each in present and each not in known.face_ids]
    if added:
        known = target.change_user(collection_id, user.user_id, version=known.version, add=added)
    if known.vector_version != known.version:
        refresh_vector(faces, target, collection_id, known)
    return len(set(user.face_ids) - present)


def _present(collection_id: str, face_ids: Collection[str], faces: FaceStore) -> set[str]:
    stored = faces.get_faces(collection_id, sorted(face_ids)) if face_ids else []
    return {face.record.face_id for face in stored}
