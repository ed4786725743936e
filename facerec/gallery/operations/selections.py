"""The operation that selects everything known about a face, a photo or a person.

Erasures and exports have the same selection.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.addresses import storable_source
from facerec.core.derived_names import read_external_image_id
from facerec.core.ids import checked_face_id
from facerec.core.names import checked_source, checked_user_id
from facerec.errors import InvalidInputError
from facerec.gallery.deferred import erasures
from facerec.gallery.erasing.erased_photos import photos_of_jobs
from facerec.gallery.erasing.eraser import Eraser, faces_of_jobs
from facerec.gallery.photo_links import paths_of_photo

if TYPE_CHECKING:
    from collections.abc import Callable

    from facerec.core.erasures import Selection, SubjectKind
    from facerec.errors import FacerecError


class SelectionOperations(Eraser):
    """The operation of a gallery that selects everything known about somebody."""

    def select(
        self,
        collection_id: str,
        subject: SubjectKind,
        name: str,
        *,
        on_error: Callable[[FacerecError], None] | None = None,
    ) -> Selection:
        """Return the selection that ``erase`` would erase.

        Args:
            collection_id: Id of the collection.
            subject: FACE, PHOTO, EXTERNAL_ID or USER.
            name: Id of the face, path or address of the photo, external image id (or its readable
                name, or the path that it was derived from), or id of the person. A path through
                other symbolic links names the same photo. Selecting a person includes the person's
                faces.
            on_error: Receives the error of each job folder or file that cannot be read, if a photo
                is selected; None raises the first one.

        Raises:
            InvalidInputError: The name is empty, an id is not valid, or the subject cannot be
                selected.
            CollectionNotFoundError: The collection does not exist.
            FacerecError: A photo is selected, and a job folder cannot be read.
        """
        selection = self._select(collection_id, subject, name)
        if not selection.photos:
            return selection
        kept = self._job_data.get(
            collection_id, erasures.Selection(photos=selection.photos), on_error=on_error
        )
        photos = photos_of_jobs(collection_id, kept, self._get(collection_id).id_version)
        moved = self._moved_from(collection_id, photos, selection)
        return replace(selection, face_ids=selection.face_ids | faces_of_jobs(kept, moved))

    def _select(self, collection_id: str, subject: SubjectKind, name: str) -> Selection:
        """Return the selection of what the stores contain.

        ``select`` adds the faces that only job folders name.

        Raises:
            InvalidInputError: The name is empty, an id is not valid, or the subject cannot be
                selected.
            CollectionNotFoundError: The collection does not exist.
        """
        self._get_or_restore(collection_id)
        match subject:
            case erasures.SubjectKind.FACE:
                return erasures.Selection(frozenset((checked_face_id(name),)))
            case erasures.SubjectKind.PHOTO:
                source = checked_source(name)
                stored = {
                    face.face_id: face.address for face in self._faces.all_faces(collection_id)
                }
                addresses = frozenset(stored.values())
                shown = {storable_source(each): each for each in addresses}
                if source not in addresses:
                    source = shown.get(source, source)
                paths = paths_of_photo(source, addresses)
                faces = (face_id for face_id, each in stored.items() if each in paths)
                return erasures.Selection(frozenset(faces), photos=paths)
            case erasures.SubjectKind.EXTERNAL_ID:
                named = read_external_image_id(name)
                others = self._faces.all_faces(collection_id)
                faces = (face.face_id for face in others if face.external_image_id == named)
                return erasures.Selection(frozenset(faces), external_image_ids=frozenset((named,)))
            case erasures.SubjectKind.USER:
                user_id = checked_user_id(name)
                users = self._records.get_users(collection_id, [user_id])
                return erasures.Selection(
                    frozenset(face_id for user in users for face_id in user.face_ids),
                    user_ids=frozenset((user_id,)),
                    user_names=frozenset(user.name for user in users if user.name is not None),
                    faces_of_users=True,
                )
            case _:
                raise InvalidInputError(
                    f"{str(subject)!r} cannot be selected",
                    "choose FACE, PHOTO, EXTERNAL_ID or USER of SubjectKind",
                )
