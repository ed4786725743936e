"""Faces of another service's collection, found again in their photos and stored under their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facerec.core.faces import BoundingBox
from facerec.core.ids import group_of
from facerec.core.options import QualityFilter
from facerec.core.records import FaceRecord, StoredFace
from facerec.gallery.base import GalleryBase
from facerec.gallery.photos import Photo, find_faces, load_photo
from facerec.gallery.storing import add_faces, same_places

MIN_SHARED = 0.4
"""Share of the union of two boxes of one photo from which on they are of the same face. Boxes of
dlib's and of Rekognition's networks share about 0.7; boxes of two faces rarely overlap at all."""


@dataclass(frozen=True, slots=True)
class KnownFace:
    """A face as another service's collection lists it.

    Attributes:
        face_id: Its id there, a lowercase UUID.
        image_id: Id of its photo there, a lowercase UUID.
        external_image_id: The caller's own name for the photo, or None.
        box: Where it is in the photo.
        user_id: The user that it is associated with, or None.
    """

    face_id: str
    image_id: str
    external_image_id: str | None
    box: BoundingBox
    user_id: str | None = None


class ImportOperations(GalleryBase):
    """The operation of a gallery that takes over faces."""

    def import_faces(
        self, collection_id: str, photo: Photo, known: Sequence[KnownFace]
    ) -> tuple[str, ...]:
        """Find faces again in their photo, and store them under the ids that they have elsewhere.

        Ids that programs have stored stay valid. Importing a face again changes nothing.

        Args:
            collection_id: Id of the collection.
            photo: Bytes of an image file, or where one is.
            known: Faces of this photo.

        Returns:
            Ids of the faces that were found at their places.

        Raises:
            CollectionNotFoundError: The collection does not exist, or was deleted concurrently.
            ModelMismatchError: Its faces have another model version.
            ObjectNotFoundError: The photo does not exist.
            UnreadablePhotoError: The photo cannot be decoded.
            PhotoTooLargeError: The photo has too many bytes.
        """
        collection = self._require(collection_id)
        loaded = load_photo(photo, self._objects)
        # the other service has chosen these faces already
        options = self._defaults.index_options(quality_filter=QualityFilter.NONE)
        found = find_faces(loaded, engine=self._engine, options=options)
        now = self._clock()
        groups: dict[str, list[StoredFace]] = {}
        boxes = [face.box for face in found.faces]
        for here, there in same_places(boxes, [each.box for each in known], min_share=MIN_SHARED):
            face, own = found.faces[here], known[there]
            record = FaceRecord(
                face_id=own.face_id,
                image_id=own.image_id,
                external_image_id=own.external_image_id,
                source=loaded.source,
                box=face.box,
                confidence=face.confidence,
                landmarks=face.landmarks,
                quality=face.quality,
                model_version=collection.model_version,
                options_digest=options.digest(),
                indexed_at=now,
                stats=face.stats,
            )
            stored = StoredFace(record, face.embedding)
            groups.setdefault(group_of(own.face_id), []).append(stored)
        for group, faces in groups.items():
            add_faces(collection, group, faces, faces=self._faces, users=self._records)
        return tuple(face.record.face_id for faces in groups.values() for face in faces)
