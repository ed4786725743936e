"""Imports faces from another service: finds them in their photos, and keeps their ids."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from facerec.core.addresses import storable_source
from facerec.core.arrays import np
from facerec.core.deferred import DeferredModule
from facerec.core.derived_names import derived_user_id
from facerec.core.faces import BoundingBox, Landmarks, Point, Pose, Quality
from facerec.core.ids import face_id
from facerec.core.options import QualityFilter
from facerec.core.records import FaceRecord, StoredFace, by_image
from facerec.errors import InvalidInputError
from facerec.gallery.base import GalleryBase
from facerec.gallery.deferred import indexing
from facerec.gallery.erasing.erased_photos import find_erased_people
from facerec.gallery.erasing.restoring import (
    find_deleted,
    find_deleted_known,
    remove_all_tombstones,
)
from facerec.gallery.erasing.tombstones import keep_imported
from facerec.gallery.indexing.storing import add_faces, pair_boxes

if TYPE_CHECKING:
    from facerec.gallery.indexing.records import IndexedImage
    from facerec.gallery.photos import Photo
    from facerec.gallery.transfer import importing
    from facerec.gallery.transfer.importing import (
        ImportedEmbeddings,
        ImportedPhoto,
        KnownFace,
        NamedEmbedding,
    )
else:
    importing = DeferredModule("facerec.gallery.transfer.importing")

MIN_LENGTH, MAX_LENGTH = 1.02, 1.9
"""Minimum and maximum Euclidean length of an embedding of dlib's network, with a margin: those of
the cohort's 3,765 strangers are 1.22 to 1.61. Many other networks return embeddings of length 1."""

WHOLE_PHOTO = BoundingBox(0.0, 0.0, 1.0, 1.0)


class ImportOperations(GalleryBase):
    """The operations of a gallery that import faces."""

    def import_embeddings(
        self, collection_id: str, faces: Sequence[NamedEmbedding], *, restore_deleted: bool = False
    ) -> ImportedEmbeddings:
        """Store embeddings of dlib's network without their photos.

        The ids are derived from names and embeddings: importing them again changes nothing.
        External image ids are derived from the names, so that different names stay different.
        Values that need a photo are placeholders: the box is the whole photo, and confidence,
        quality and landmarks are 0.

        Args:
            collection_id: Id of the collection.
            faces: Embeddings of upright faces that were aligned by dlib's 5-point predictor.
            restore_deleted: Whether to store faces that were deleted or erased on purpose.

        Returns:
            The id of each face, and the ids of the faces that stay deleted.

        Raises:
            InvalidInputError: The id is not valid, or embeddings have lengths that dlib's network
                never returns; no face was stored.
            CollectionNotFoundError: The collection does not exist, or was deleted concurrently.
            ConflictError: The deletion of the collection is not finished, the collection was
                switched to another model version concurrently, or there are too many concurrent
                changes of its tombstones.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            ModelMismatchError: No engine of the gallery has the collection's model version.
            ReceiptDamagedError: A copy of tombstones is damaged; the faces were stored.
        """
        collection = self._get_comparable_to_change(collection_id)
        if not faces:
            return importing.ImportedEmbeddings(())
        lengths = [float(np.linalg.norm(face.embedding)) for face in faces]
        if not all(MIN_LENGTH <= length <= MAX_LENGTH for length in lengths):
            raise InvalidInputError(
                "some embeddings were not computed by dlib's face recognition network",
                "embeddings of other networks cannot be compared; index the photos instead",
            )
        names = [derived_user_id(face.name) for face in faces]
        stats = self._engine_of(collection).cohort_stats(
            np.stack([face.embedding for face in faces])
        )
        now, digest = self._clock(), self._defaults.index_options().digest()
        stored: dict[IndexedImage, StoredFace] = {}
        ids = []
        for face, name, own in zip(faces, names, stats, strict=True):
            image = indexing.name_image(
                collection_id,
                face.embedding.tobytes(),
                external_image_id=name,
                source="",
                id_version=collection.id_version,
            )
            record = FaceRecord(
                face_id=face_id(image.image_key, WHOLE_PHOTO),
                image_id=image.image_id,
                external_image_id=name,
                source="",
                box=WHOLE_PHOTO,
                confidence=0.0,
                landmarks=Landmarks(*[Point(0.0, 0.0)] * 5),
                quality=Quality(0.0, 0.0, 0.0, Pose(0.0, 0.0, 0.0)),
                model_version=collection.model_version,
                options_digest=digest,
                indexed_at=now,
                stats=own,
            )
            stored[image] = StoredFace(record, face.embedding)
            ids.append(record.face_id)
        named = {image: [each.record] for image, each in stored.items()}
        deleted = frozenset[str]()
        if not restore_deleted:
            deleted = find_deleted(collection_id, named, records=self._records)
        for image, each in stored.items():
            if each.record.face_id not in deleted:
                add_faces(
                    collection, image.image_key, [each], faces=self._faces, records=self._records
                )
        if restore_deleted and remove_all_tombstones(collection_id, named, records=self._records):
            self._drop_lifted_tombstones(collection_id)
        return importing.ImportedEmbeddings(tuple(ids), deleted)

    def import_faces(
        self,
        collection_id: str,
        photo: Photo,
        known: Sequence[KnownFace],
        *,
        others: Collection[str] = (),
        restore_deleted: bool = False,
    ) -> ImportedPhoto:
        """Find faces again in their photo, and store them under the ids that they have elsewhere.

        Ids that programs stored elsewhere remain valid. Importing a face again changes nothing, and
        indexing its photo under the same external image id, here or by a job, returns or keeps the
        imported face. A face is not imported if its id belongs to another face, or if the
        collection already contains it under an id of its own, which programs may have stored. Faces
        that were deleted or erased stay deleted, unless ``restore_deleted`` is true.

        Args:
            collection_id: Id of the collection.
            photo: Bytes of an image file, or its address.
            known: Faces of this photo.
            others: Ids of other faces from that service, which do not count as the collection's own
                ids.
            restore_deleted: Whether to store faces that were deleted or erased on purpose.

        Returns:
            The outcome for each face.

        Raises:
            InvalidInputError: The collection id or the address of the photo is not valid.
            CollectionNotFoundError: The collection does not exist, or was deleted concurrently.
            ConflictError: The deletion of the collection is not finished, the collection was
                switched to another model version concurrently, or there are too many concurrent
                changes of its tombstones.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            ModelMismatchError: No engine of the gallery has the collection's model version.
            ObjectNotFoundError: The photo does not exist.
            AccessDeniedError: The photo may not be read.
            StoreUnavailableError: The photo cannot be read for now.
            UnreadablePhotoError: The photo cannot be decoded.
            PhotoTooLargeError: The photo has too many bytes.
            WeightsError: A file of network weights is missing or cannot be used.
            ReceiptDamagedError: A copy of tombstones is damaged.
        """
        collection = self._get_comparable_to_change(collection_id)
        # the other service has chosen these faces already
        options = self._defaults.index_options(quality_filter=QualityFilter.NONE)
        loaded, found = self._detect(photo, options, engine=self._engine_of(collection))
        now = self._clock()
        held = self._faces.get_faces(collection_id, [each.face_id for each in known])
        images = {face.record.face_id: face.record.image_id for face in held}
        in_use = {each.face_id for each in known if each.image_id != images.get(each.face_id)}
        in_use &= images.keys()
        photos: dict[str, list[StoredFace]] = {}
        identities: dict[str, IndexedImage] = {}
        boxes = [face.box for face in found.faces]
        # a photo that was indexed under several external image ids has its faces several times
        indexed_as: dict[str | None, list[KnownFace]] = {}
        for each in known:
            indexed_as.setdefault(each.external_image_id, []).append(each)
        pairs = (
            (found.faces[here], own[there])
            for own in indexed_as.values()
            for here, there in pair_boxes(
                boxes, [each.box for each in own], min_share=importing.MIN_SHARED
            )
        )
        for face, own in pairs:
            if own.face_id in in_use:
                continue
            image = indexing.name_image(
                collection_id,
                loaded.content,
                external_image_id=own.external_image_id,
                source=loaded.source,
                id_version=collection.id_version,
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
            identities[image.image_key] = image
            photos.setdefault(image.image_key, []).append(StoredFace(record, face.embedding))
        indexed = self._omit_indexed(collection_id, photos, others)
        named = {identities[key]: [face.record for face in own] for key, own in photos.items()}
        deleted = frozenset[str]()
        if not restore_deleted:
            deleted = find_deleted(collection_id, named, records=self._records)
        photos = {
            key: [face for face in own if face.record.face_id not in deleted]
            for key, own in photos.items()
        }
        # The faces' tombstones are stored first: an import that is killed here can be repeated.
        self._restore_tombstone_key(collection_id)
        keep_imported(
            collection_id,
            {key: [face.record for face in own] for key, own in photos.items()},
            records=self._records,
        )
        imported = [stored for faces_of_photo in photos.values() for stored in faces_of_photo]
        for key, members in by_image(imported).items():
            add_faces(collection, key, members, faces=self._faces, records=self._records)
        if restore_deleted and remove_all_tombstones(collection_id, named, records=self._records):
            self._drop_lifted_tombstones(collection_id)
        ids = frozenset(stored.record.face_id for stored in imported)
        return importing.ImportedPhoto(ids, frozenset(in_use), indexed, deleted)

    def deleted_imports(self, collection_id: str, known: Sequence[KnownFace]) -> frozenset[str]:
        """Return the ids of another service's faces that were imported, and deleted or erased here.

        Their photos are not read, and need not exist any more.

        Args:
            collection_id: Id of the collection.
            known: Faces of the other service.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
            ModelMismatchError: No engine of the gallery has the collection's model version.
        """
        self._get_comparable(collection_id)
        return find_deleted_known(collection_id, known, records=self._records)

    def erased_people(self, collection_id: str, user_ids: Sequence[str]) -> frozenset[str]:
        """Return the ids of people who were erased here, which imports do not create again.

        Args:
            collection_id: Id of the collection.
            user_ids: Ids of people, who need not exist.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
            ModelMismatchError: No engine of the gallery has the collection's model version.
        """
        self._get_comparable(collection_id)
        return find_erased_people(collection_id, user_ids, records=self._records)

    def _omit_indexed(
        self, collection_id: str, photos: dict[str, list[StoredFace]], others: Collection[str]
    ) -> frozenset[str]:
        """Drop faces that the collection has under its own ids; return the dropped ids."""
        removed = set[str]()
        for key, records in self._faces.get_images(collection_id, list(photos)).items():
            own = [face.record for face in photos[key]]
            pairs = pair_boxes([each.box for each in own], [each.box for each in records])
            here = {
                own[number].face_id
                for number, other in pairs
                if records[other].face_id not in {own[number].face_id, *others}
            }
            photos[key] = [face for face in photos[key] if face.record.face_id not in here]
            removed |= here
        return frozenset(removed)
