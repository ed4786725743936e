"""Transfers the people and corrections of faces to the same faces of moved photos.

The id of a face depends on the external image id of its photo. If that is derived from the path,
the faces of a moved photo are stored again under new ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from facerec.core.records import Correction
from facerec.errors import ConflictError, UserNotFoundError
from facerec.gallery.people.associations import too_many_changes
from facerec.gallery.people.user_vectors import MAX_ATTEMPTS, refresh_vector

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.storage.faces import FaceStore

HANDED_OVER_AT_ONCE = 48
"""Number of faces of a person per change. A change of more faces, each with its old and its new id,
takes two transactions of DynamoDB. A process that is killed between them would take faces from the
person."""


def hand_over(
    collection_id: str, moved: Mapping[str, str], *, faces: FaceStore, records: RecordStore
) -> None:
    """Transfer the people and the corrections of faces to the same faces of the moved photos.

    A single change of a person's record replaces the old face with the new one. A new face that
    already belongs to a person stays with this person. A new face that replaces faces of several
    people goes to the person with the lowest id. Calling this again changes nothing.

    Args:
        collection_id: Id of the collection.
        moved: New face ids by old face id; the new faces are stored, and none is an old one.
        faces: Store of the collection's faces.
        records: Store of its people and corrections.

    Raises:
        CollectionNotFoundError: The collection was deleted concurrently.
        ConflictError: Too many concurrent changes of a person or of corrections.
    """
    ids = sorted(moved)
    about = {
        *records.corrections_of_faces(collection_id, ids),
        *records.corrections_of_people(collection_id, ids),
    }
    renamed = [
        Correction(moved.get(each.face_id, each.face_id), moved.get(each.person, each.person))
        for each in sorted(about)
    ]
    records.add_corrections(collection_id, renamed)
    # A person whose faces were handed over by a killed process may still need a new vector.
    owners = records.users_of_faces(collection_id, [*ids, *moved.values()])
    for user_id in sorted(set(owners.values())):
        with suppress(UserNotFoundError):
            while _hand_over_to(collection_id, user_id, moved, faces, records):
                pass


def _hand_over_to(
    collection_id: str,
    user_id: str,
    moved: Mapping[str, str],
    faces: FaceStore,
    records: RecordStore,
) -> bool:
    """Hand over faces of a person; return whether the person may have more of them."""
    for _ in range(MAX_ATTEMPTS):
        user = records.get_user(collection_id, user_id)
        old = [face_id for face_id in user.face_ids if face_id in moved]
        if not old:
            if user.version != user.vector_version:
                refresh_vector(faces, records, collection_id, user)
            return False
        old = old[:HANDED_OVER_AT_ONCE]
        taken = records.users_of_faces(collection_id, [moved[face_id] for face_id in old])
        # Two copies of a photo may have become one.
        new = [each for each in dict.fromkeys(map(moved.__getitem__, old)) if each not in taken]
        with suppress(ConflictError):
            user = records.change_user(
                collection_id, user_id, version=user.version, add=new, remove=old
            )
            refresh_vector(faces, records, collection_id, user)
            return True
    raise too_many_changes(user_id)
