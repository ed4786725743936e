"""Faces of one photo into a collection."""

from __future__ import annotations

from dataclasses import dataclass

from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces
from facerec.core.records import FaceRecord
from facerec.gallery.collections import require_collection
from facerec.gallery.indexing import name_image, to_stored_faces
from facerec.gallery.service.looking import SeenPhoto, look
from facerec.gallery.service.parts import Parts
from facerec.gallery.service.photos import Photo


@dataclass(frozen=True, slots=True)
class IndexedPhoto:
    """What became of the faces of a photo, the largest first.

    Attributes:
        image_id: of the photo's content.
        model_version: of the collection.
        photo: all faces of the photo, also those left out, with reasons.
        faces: those of ``photo.faces`` as they stand in the collection, in the same order.
    """

    image_id: str
    model_version: str
    photo: PhotoFaces
    faces: tuple[FaceRecord, ...]


def index_photo(
    parts: Parts,
    collection_id: str,
    photo: Photo,
    *,
    external_image_id: str | None,
    options: FaceOptions,
) -> IndexedPhoto:
    """Add the faces of a photo to a collection; those that it holds already stay as they are.

    Raises:
        CollectionNotFoundError: there is no such collection.
        ModelMismatchError: it holds faces of another model version.
        UnreadablePhotoError: the photo cannot be looked at.
        PhotoTooLargeError: it has too many bytes.
    """
    require_collection(
        collection_id, model_version=parts.engine.model_version, records=parts.records
    )
    seen = look(parts, photo, options)
    return store_faces(parts, collection_id, seen, external_image_id, options)


def store_faces(
    parts: Parts,
    collection_id: str,
    seen: SeenPhoto,
    external_image_id: str | None,
    options: FaceOptions,
) -> IndexedPhoto:
    """Add the faces that were found in a photo to a collection.

    Other faces of the same photo that the collection holds, found with other options, stay: an
    id that a caller was given is good until the caller deletes it.
    """
    model_version = parts.engine.model_version
    image = name_image(
        collection_id,
        seen.content,
        external_image_id=external_image_id,
        source=seen.source,
        model_version=model_version,
    )
    found = to_stored_faces(
        image,
        seen.found,
        settings=options.digest(),
        model_version=model_version,
        now=parts.clock(),
    )
    held = {
        record.face_id: record
        for record in parts.faces.find_images(collection_id, [image.image_key]).get(
            image.image_key, []
        )
    }
    added = [face for face in found if face.record.face_id not in held]
    if added:
        kept = parts.faces.get_faces(collection_id, list(held)) if held else []
        parts.faces.put_images(collection_id, {image.image_key: [*kept, *added]})
    faces = tuple(held.get(face.record.face_id, face.record) for face in found)
    return IndexedPhoto(image.image_id, model_version, seen.found, faces)
