"""Updates the address of faces whose photos have moved since they were indexed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.addresses import storable_source
from facerec.core.sources import is_address
from facerec.storage.objects.protocol import ObjectStore, may_exist

if TYPE_CHECKING:
    from facerec.core.records import StoredFace
    from facerec.jobs.child.loading import LoadedPhoto
    from facerec.jobs.child.step import KnownPhotos
    from facerec.storage.faces import FaceStore


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

    A photo has moved if no object exists at the address that its faces name, as at that of a photo
    that was uploaded before; the faces of a copied photo keep their address. Sends one request for
    the old address of each photo with a new one.

    Args:
        collection_id: the collection.
        photos: photos of a step.
        keys: their image keys.
        known: photos that the collection already contains.
        faces: the store of the collection.
        objects: contains the photos.
    """
    moved: dict[str, str] = {}
    for photo, key in zip(photos, keys, strict=True):
        if key is None or key not in known.current:
            continue
        new = storable_source(photo.uri)
        old = {record.address for record in known.stored[key]} - {photo.uri}
        if old and not any(is_address(uri) and may_exist(uri, objects) for uri in old):
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
