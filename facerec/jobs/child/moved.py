"""Updates the address of faces whose photos have moved since they were indexed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.addresses import storable_source
from facerec.core.ids import image_id
from facerec.core.limits import MAX_PHOTO_BYTES
from facerec.core.sources import is_address
from facerec.errors import AccessDeniedError, ObjectNotFoundError

if TYPE_CHECKING:
    from facerec.core.records import StoredFace
    from facerec.jobs.child.loading import LoadedPhoto
    from facerec.jobs.child.step import KnownPhotos
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects.protocol import ObjectStore


def faces_of_moved_photos(
    collection_id: str,
    photos: Sequence[LoadedPhoto],
    keys: Sequence[str | None],
    known: KnownPhotos,
    *,
    faces: FaceStore,
    objects: ObjectStore,
) -> dict[str, list[StoredFace]]:
    """Return the faces of moved photos with their new addresses, by image key.

    A photo has moved if its bytes are no longer at the address that its faces name (an upload has
    no address). The object there is gone, or is another photo, for example because two photos
    exchanged their names. The faces of a copied photo keep their address. Sends one request for the
    old address of each photo with a new one, unless the step has read it, and reads the object
    there if it has the same size. If access to the old address is denied, the photo counts as not
    moved.

    Args:
        collection_id: The collection.
        photos: Photos of a step.
        keys: Image key of each photo; None for a failed photo.
        known: Photos that the collection already contains.
        faces: The store of the collection.
        objects: Contains the photos.

    Raises:
        ConflictError: The collection serves another model version now.
    """
    moved: dict[str, str] = {}
    read = {photo.uri: photo.image_id for photo in photos if photo.image_id is not None}
    for photo, key in zip(photos, keys, strict=True):
        if key is None or key not in known.current:
            continue
        new = storable_source(photo.uri)
        old = {record.address for record in known.stored[key]} - {photo.uri}
        if old and not any(
            read[uri] == photo.image_id if uri in read else _has_photo(uri, photo, objects)
            for uri in filter(is_address, old)
        ):
            moved[key] = new
    ids = [record.face_id for key in moved for record in known.stored[key]]
    stored = {face.record.face_id: face for face in faces.get_faces(collection_id, ids)}
    return {
        key: [
            replace(face, record=replace(face.record, source=source))
            for record in known.stored[key]
            if (face := stored.get(record.face_id)) is not None
        ]
        for key, source in moved.items()
    }


def _has_photo(uri: str, photo: LoadedPhoto, objects: ObjectStore) -> bool:
    """Return whether an address has the content of a photo; also true if access is denied."""
    try:
        if objects.head(uri).size != photo.size:
            return False
        return image_id(objects.read(uri, end=MAX_PHOTO_BYTES + 1)) == photo.image_id
    except ObjectNotFoundError:
        return False
    except AccessDeniedError:
        return True
