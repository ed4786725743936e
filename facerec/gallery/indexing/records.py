"""Converts the faces found in a photo into the faces that a collection stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.addresses import storable_source
from facerec.core.ids import face_id, image_id, image_key
from facerec.core.records import FaceRecord, StoredFace

if TYPE_CHECKING:
    from facerec.core.photos import EmbeddedFace, PhotoFaces
    from facerec.gallery.collection_results import ListedFace


@dataclass(frozen=True, slots=True)
class IndexedImage:
    """Identity of a photo in a collection.

    Attributes:
        image_id: Lowercase UUID derived from the content.
        image_key: Prefix of the ids of all its faces.
        external_image_id: The caller's own name for the photo, or None.
        source: Path or ``s3://`` address; for bytes ``upload://`` and a name, or "".
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
    id_version: str,
) -> IndexedImage:
    """Return the identity of a photo in a collection.

    It is derived from the photo, its external image id, the collection and the version of ids.

    Args:
        collection_id: Id of the collection.
        content: Bytes of the image file.
        external_image_id: The caller's own name for the photo, or None.
        source: See ``IndexedImage``.
        id_version: The collection's ``id_version``.
    """
    content_id = image_id(content)
    key = image_key(collection_id, content_id, external_image_id, id_version)
    return IndexedImage(content_id, key, external_image_id, source)


def to_stored_faces(
    image: IndexedImage, photo: PhotoFaces, *, options_digest: str, model_version: str, now: float
) -> list[StoredFace]:
    """Return the faces of a photo as they are stored, under its ``image_key``.

    Args:
        image: Identity of the photo.
        photo: Faces found in the photo.
        options_digest: Digest of the options that selected the faces.
        model_version: Model version of the engine that found them.
        now: Current time in seconds since 1970.
    """
    source = storable_source(image.source)

    def record(face: EmbeddedFace) -> FaceRecord:
        return FaceRecord(
            face_id=face_id(image.image_key, face.box),
            image_id=image.image_id,
            external_image_id=image.external_image_id,
            source=source,
            box=face.box,
            confidence=face.confidence,
            landmarks=face.landmarks,
            quality=face.quality,
            model_version=model_version,
            options_digest=options_digest,
            indexed_at=now,
            stats=face.stats,
        )

    return [StoredFace(record(face), face.embedding) for face in photo.faces]


@dataclass(frozen=True, slots=True)
class IndexResult:
    """The outcome of indexing a photo.

    Attributes:
        collection_id: Id of the collection.
        model_version: Model version of the collection.
        image_id: Id of the photo's content.
        photo: All faces of the photo, including rejected ones, largest first.
        faces: The accepted faces as stored in the collection, in the order of ``photo.faces``,
            except those that stay deleted.
        added: Number of these faces that the collection did not contain before.
    """

    collection_id: str
    model_version: str
    image_id: str
    photo: PhotoFaces
    faces: tuple[ListedFace, ...]
    added: int
