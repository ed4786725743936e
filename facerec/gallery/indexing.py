"""From the faces that were found in a photo to the faces that a collection keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facerec.core.ids import face_id, image_id, image_key
from facerec.core.photos import EmbeddedFace, PhotoFaces
from facerec.core.records import FaceRecord, StoredFace
from facerec.gallery.faces import ListedFace
from facerec.storage.faces import FaceStore


@dataclass(frozen=True, slots=True)
class IndexedImage:
    """A photo as a collection knows it.

    Attributes:
        image_id: lowercase UUID made from the content.
        image_key: what the ids of all its faces begin with.
        external_image_id: the caller's own name for the photo, or None.
        source: where it was read, or "".
    """

    image_id: str
    image_key: str
    external_image_id: str | None
    source: str


def name_image(
    collection_id: str,
    content: bytes,
    *,
    external_image_id: str | None,
    source: str,
    model_version: str,
) -> IndexedImage:
    """Return what a photo is called in a collection; the same for the same photo, always.

    Args:
        collection_id: the collection.
        content: the bytes of the photo.
        external_image_id: the caller's own name for the photo, or None.
        source: a path or an ``s3://`` address, or "" for bytes.
        model_version: of the engine that finds its faces.
    """
    content_id = image_id(content)
    key = image_key(collection_id, content_id, external_image_id, model_version)
    return IndexedImage(content_id, key, external_image_id, source)


def to_stored_faces(
    image: IndexedImage, photo: PhotoFaces, *, settings: str, model_version: str, now: float
) -> list[StoredFace]:
    """Return the faces to store for a photo, to be put under its ``image_key``.

    Args:
        image: what the photo is called.
        photo: what was found in it.
        settings: digest of the options that its faces were chosen by.
        model_version: of the engine that found them.
        now: seconds since 1970.
    """

    def record(face: EmbeddedFace) -> FaceRecord:
        return FaceRecord(
            face_id=face_id(image.image_key, face.box),
            image_id=image.image_id,
            external_image_id=image.external_image_id,
            source=_storable(image.source),
            box=face.box,
            confidence=face.confidence,
            landmarks=face.landmarks,
            quality=face.quality,
            model_version=model_version,
            settings=settings,
            indexed_at=now,
        )

    return [StoredFace(record(face), face.embedding) for face in photo.faces]


def _storable(source: str) -> str:
    """Return an address that any store takes: a file's name may have bytes that are not UTF-8."""
    return source.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class IndexResult:
    """The outcome of indexing a photo.

    Attributes:
        collection_id: Id of the collection.
        model_version: Model version of the collection.
        image_id: Id of the photo's content.
        photo: All faces of the photo, including rejected ones, largest first.
        faces: The accepted faces as the collection holds them, in the order of ``photo.faces``.
    """

    collection_id: str
    model_version: str
    image_id: str
    photo: PhotoFaces
    faces: tuple[ListedFace, ...]


def store_faces(
    collection_id: str,
    image: IndexedImage,
    found: Sequence[StoredFace],
    *,
    faces: FaceStore,
) -> tuple[FaceRecord, ...]:
    """Add the faces of a photo to a collection and return them as the collection holds them.

    Faces that it holds already stay as they are. Other faces of the same photo, found with other
    options, stay too: an id that a caller was given is valid until the caller deletes the face.
    """
    stored = faces.find_images(collection_id, [image.image_key]).get(image.image_key, [])
    held = {record.face_id: record for record in stored}
    added = [face for face in found if face.record.face_id not in held]
    if added:
        kept = faces.get_faces(collection_id, list(held)) if held else []
        faces.put_images(collection_id, {image.image_key: [*kept, *added]})
    return tuple(held.get(face.record.face_id, face.record) for face in found)
