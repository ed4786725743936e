"""Faces of another service's collection, found again in their photos and stored under their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facerec.core.faces import BoundingBox
from facerec.core.ids import group_of
from facerec.core.options import QualityFilter
from facerec.core.records import FaceRecord, StoredFace
from facerec.gallery.base import GalleryBase
from facerec.gallery.indexing import name_image, storable_source
from facerec.gallery.photos import Photo, find_faces, load_photo
from facerec.gallery.storing import add_faces, pair_boxes
from facerec.gallery.tombstones import keep_imported

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


@dataclass(frozen=True, slots=True)
class ImportedPhoto:
    """What became of the known faces of a photo; faces in none of the sets were not found.

    Attributes:
        imported: Ids of the faces that the collection now holds.
        in_use: Ids that the collection has for faces of other photos.
        indexed: Ids of the faces that it holds already under ids of its own.
    """

    imported: frozenset[str] = frozenset()
    in_use: frozenset[str] = frozenset()
    indexed: frozenset[str] = frozenset()


class ImportOperations(GalleryBase):
    """The operation of a gallery that takes over faces."""

    def import_faces(
        self, collection_id: str, photo: Photo, known: Sequence[KnownFace]
    ) -> ImportedPhoto:
        """Find faces again in their photo, and store them under the ids that they have elsewhere.

        Ids that programs have stored stay valid. Importing a face again changes nothing, and
        indexing its photo under the same external image id, here or by a job, returns or keeps the
        imported face. An id is refused if it is another face's, and so is a face that the
        collection holds under an id of its own, which somebody may have stored.

        Args:
            collection_id: Id of the collection.
            photo: Bytes of an image file, or where one is.
            known: Faces of this photo.

        Returns:
            What became of each face.

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
        held = self._faces.get_faces(collection_id, [each.face_id for each in known])
        images = {face.record.face_id: face.record.image_id for face in held}
        in_use = {each.face_id for each in known if each.image_id != images.get(each.face_id)}
        in_use &= images.keys()
        photos: dict[str, list[StoredFace]] = {}
        boxes = [face.box for face in found.faces]
        for here, there in pair_boxes(boxes, [each.box for each in known], min_share=MIN_SHARED):
            face, own = found.faces[here], known[there]
            if own.face_id in in_use:
                continue
            image = name_image(
                collection_id,
                loaded.content,
                external_image_id=own.external_image_id,
                source=loaded.source,
                model_version=collection.model_version,
            )
            record = FaceRecord(
                face_id=own.face_id,
                image_id=own.image_id,
                external_image_id=own.external_image_id,
                source=storable_source(loaded.source),
                box=face.box,
                confidence=face.confidence,
                landmarks=face.landmarks,
                quality=face.quality,
                model_version=collection.model_version,
                options_digest=options.digest(),
                indexed_at=now,
                stats=face.stats,
            )
            photos.setdefault(image.image_key, []).append(StoredFace(record, face.embedding))
        indexed = self._omit_indexed(collection_id, photos)
        # The tombstones go first: an import that is killed here is run again.
        keep_imported(
            collection_id,
            {key: [face.record for face in own] for key, own in photos.items()},
            store=self._records,
        )
        imported = [stored for faces_of_photo in photos.values() for stored in faces_of_photo]
        groups: dict[str, list[StoredFace]] = {}
        for stored in imported:
            groups.setdefault(group_of(stored.record.face_id), []).append(stored)
        for group, faces in groups.items():
            add_faces(collection, group, faces, faces=self._faces, users=self._records)
        ids = frozenset(stored.record.face_id for stored in imported)
        return ImportedPhoto(ids, frozenset(in_use), indexed)

    def _omit_indexed(
        self, collection_id: str, photos: dict[str, list[StoredFace]]
    ) -> frozenset[str]:
        """Omit faces that the collection holds under ids of its own, and return their ids."""
        removed = set[str]()
        for key, records in self._faces.find_images(collection_id, list(photos)).items():
            own = [face.record for face in photos[key]]
            pairs = pair_boxes([each.box for each in own], [each.box for each in records])
            here = {
                own[number].face_id
                for number, other in pairs
                if records[other].face_id != own[number].face_id
            }
            photos[key] = [face for face in photos[key] if face.record.face_id not in here]
            removed |= here
        return frozenset(removed)
