"""Gives what is known about faces of moved photos to the same faces at the new address.

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


def hand_over(
    collection_id: str, moved: Mapping[str, str], *, faces: FaceStore, records: RecordStore
) -> None:
    """Give the people and the corrections of faces to the same faces of the moved photos.

    One change of a person's record replaces the old face by the new one. A new face that already
    belongs to a person stays with this person. Calling this again changes nothing.

    Args:
        collection_id: Id of the collection.
        moved: New face ids by old face id; all faces are stored.
        faces: Store of the collection's faces.
        records: Store of its people and corrections.

    Raises:
        ConflictError: Too many concurrent changes of a person or of corrections.
    """
    ids = sorted(moved)
    about = {
        *records.corrections_of_faces(collection_id, ids),
        *records.corrections_of_people(collection_id, ids),
    }
    for each in sorted(about):
        face_id, person = (moved.get(name, name) for name in (each.face_id, each.person))
        records.add_correction(collection_id, Correction(face_id, person))
    # A person whose faces were handed over by a killed process may still need a new vector.
    owners = records.users_of_faces(collection_id, [*ids, *moved.values()])
    for user_id in sorted(set(owners.values())):
        with suppress(UserNotFoundError):
            _hand_over_to(collection_id, user_id, moved, faces, records)


def _hand_over_to(
    collection_id: str,
    user_id: str,
    moved: Mapping[str, str],
    faces: FaceStore,
    records: RecordStore,
) -> None:
    for _ in range(MAX_ATTEMPTS):
        user = records.get_user(collection_id, user_id)
        old = [face_id for face_id in user.face_ids if face_id in moved]
        if not old:
            if user.version != user.vector_version:
                refresh_vector(faces, records, collection_id, user)
            return
        taken = records.users_of_faces(collection_id, [moved[face_id] for face_id in old])
        new = [moved[face_id] for face_id in old if moved[face_id] not in taken]
        with suppress(ConflictError):
            user = records.change_user(
                collection_id, user_id, version=user.version, add=new, remove=old
            )
            refresh_vector(faces, records, collection_id, user)
            return
    raise too_many_changes(user_id)
