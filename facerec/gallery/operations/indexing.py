"""The operation that stores the faces of a photo in a collection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.names import checked_external_image_id
from facerec.core.sources import source_of_upload
from facerec.errors import InvalidInputError
from facerec.gallery.base import GalleryBase
from facerec.gallery.deferred import indexing
from facerec.gallery.erasing.restoring import find_deleted, remove_all_tombstones
from facerec.gallery.erasing.tombstones import imported_faces, still_stored
from facerec.gallery.indexing.known_photos import known_faces
from facerec.gallery.indexing.storing import add_faces, with_stored_ids
from facerec.gallery.operations.faces import with_users
from facerec.gallery.registered.face_writer import FaceWriter
from facerec.gallery.thumbnails import keep_thumbnails

if TYPE_CHECKING:
    from facerec.core.options import FaceOptions
    from facerec.core.photos import PhotoFaces
    from facerec.core.records import Collection
    from facerec.gallery.indexing.records import IndexResult
    from facerec.gallery.photos import Photo, PhotoContent


class IndexOperations(GalleryBase):
    """The operation of a gallery that indexes a photo."""

    def index(
        self,
        collection_id: str,
        photo: Photo,
        *,
        external_image_id: str | None = None,
        photo_name: str | None = None,
        options: FaceOptions | None = None,
        attributes: bool = False,
        restore_deleted: bool = True,
        repeat_photo: bool = True,
    ) -> IndexResult:
        """Add the faces of a photo to a collection; faces that it already contains do not change.

        Faces that were deleted before are added again, since the caller asks for this photo, unless
        ``restore_deleted`` is false.

        Args:
            collection_id: Id of the collection.
            photo: Bytes of an image file, or its address.
            external_image_id: The caller's own name for the photo.
            photo_name: The name by which people recognise a photo that is passed as bytes, such as
                that of its file. It is not part of the ids of faces and names nobody. The source
                of new faces is then ``upload://`` and the name.
            options: How faces are found and chosen; None for the gallery's defaults.
            attributes: Whether to estimate age and gender, which are not stored.
            restore_deleted: Whether to add faces that were deleted or erased on purpose.
            repeat_photo: Whether to add the faces again if the collection contains them from the
                same file with another external image id, as Rekognition does.

        Raises:
            InvalidInputError: An id, ``options``, or the address or name of the photo is not valid,
                or a photo with an address has a name too.
            CollectionNotFoundError: The collection does not exist, or was deleted concurrently.
            ConflictError: The deletion of the collection is not finished, the collection was
                switched to another model version concurrently, or there are too many concurrent
                changes of its tombstones or events.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            ModelMismatchError: No engine of the gallery has the collection's model version.
            ObjectNotFoundError: The photo does not exist.
            AccessDeniedError: The photo may not be read.
            StoreUnavailableError: The photo cannot be read for now.
            UnreadablePhotoError: The photo cannot be decoded.
            PhotoTooLargeError: The photo has too many bytes.
            AttributesUnavailableError: The networks for attributes are not installed.
            WeightsError: A file of network weights is missing or cannot be used.
            ReceiptDamagedError: A copy of tombstones is damaged; the faces were stored.
        """
        if external_image_id is not None:
            checked_external_image_id(external_image_id)
        source = source_of_named(photo, photo_name)
        collection = self._get_comparable_to_change(collection_id)
        options = self._defaults.complete(options, stores=True)
        loaded, found = self._detect(photo, options, engine=self._engine_of(collection))
        if attributes:
            found = self._with_attributes(loaded, found, options)
        if source is not None:
            loaded = replace(loaded, source=source)
        return self._store(
            *(collection, loaded, found, external_image_id, options),
            restore_deleted=restore_deleted,
            repeat_photo=repeat_photo,
        )

    def _store(
        self,
        collection: Collection,
        loaded: PhotoContent,
        found: PhotoFaces,
        external_image_id: str | None,
        options: FaceOptions,
        *,
        restore_deleted: bool = True,
        repeat_photo: bool = True,
    ) -> IndexResult:
        """Store the faces of a photo, by default including those that were deleted before."""
        collection_id = collection.collection_id
        image = indexing.name_image(
            collection_id,
            loaded.content,
            external_image_id=external_image_id,
            source=loaded.source,
            id_version=collection.id_version,
        )
        imported = imported_faces(
            collection_id, [image.image_key], records=self._records, faces=self._faces
        )
        known = imported.get(image.image_key, [])
        chosen = indexing.to_stored_faces(
            image,
            found,
            options_digest=options.digest(),
            model_version=collection.model_version,
            now=self._clock(),
        )
        if not repeat_photo:
            nearest = known_faces(collection_id, chosen, faces=self._faces.of(collection))
            known += still_stored(collection_id, nearest, records=self._records)
            # events are about the face that is stored
            chosen = list(with_stored_ids(chosen, known))
        if not restore_deleted:
            own = [face.record for face in chosen]
            deleted = find_deleted(collection_id, {image: own}, records=self._records)
            chosen = [face for face in chosen if face.record.face_id not in deleted]
        writer = FaceWriter(
            self._registrations if self._matches_registered else None,
            self._faces.of(collection),
            self._records,
            self._engine_of(collection),
            self._clock,
        )
        stored = writer.store_with_events(
            collection_id,
            chosen,
            lambda: add_faces(
                collection,
                image.image_key,
                chosen,
                faces=self._faces,
                records=self._records,
                known=known,
            ),
        )
        if self._thumbnails is not None and self._keep_thumbnails:
            keep_thumbnails(
                collection_id,
                stored.records,
                loaded.content,
                thumbnails=self._thumbnails,
                max_pixels=options.max_pixels,
            )
        if restore_deleted and remove_all_tombstones(
            collection_id, {image: stored.records}, records=self._records
        ):
            self._drop_lifted_tombstones(collection_id)
        return indexing.IndexResult(
            collection_id,
            collection.model_version,
            image.image_id,
            found,
            with_users(collection_id, stored.records, records=self._records),
            stored.added,
        )


def source_of_named(photo: Photo, photo_name: str | None) -> str | None:
    """Return the source of a photo with a name; None for a photo without a name.

    Raises:
        InvalidInputError: The name is not valid, or the photo has an address too.
    """
    if photo_name is None:
        return None
    if not isinstance(photo, bytes):
        raise InvalidInputError(
            "a photo with an address cannot have another name",
            "give a name only to a photo that is passed as bytes",
        )
    return source_of_upload(photo_name)
