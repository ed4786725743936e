"""Operations that search a collection for the faces of a photo, or for a stored face."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.limits import MAX_MATCHES
from facerec.core.names import checked_external_image_id
from facerec.errors import InvalidInputError
from facerec.gallery.operations.faces import require_stored
from facerec.gallery.operations.indexing import IndexOperations, source_of_named
from facerec.gallery.paging import checked_limit
from facerec.gallery.photos import Photo, require_face
from facerec.gallery.scores.similarity import threshold_at
from facerec.gallery.search.matching import search_probes, search_stored_face
from facerec.gallery.search.search_results import FaceSearchResult, SearchResult

if TYPE_CHECKING:
    from facerec.core.options import FaceOptions
    from facerec.core.records import Collection


class SearchOperations(IndexOperations):
    """The operations of a gallery that search for faces; a search can index its photo too."""

    def search(
        self,
        collection_id: str,
        photo: Photo,
        *,
        threshold: float | None = None,
        target_fmr: float | None = None,
        limit: int | None = None,
        options: FaceOptions | None = None,
        largest_only: bool = False,
        repeat_people: bool = False,
        index: bool = False,
        external_image_id: str | None = None,
        photo_name: str | None = None,
    ) -> SearchResult:
        """Search a collection for every face of a photo.

        Args:
            collection_id: Id of the collection.
            photo: The probe: bytes of an image file, or its address.
            threshold: Minimum similarity of a match, 0 to 1; by default the collection's, otherwise
                the gallery's.
            target_fmr: The share of searches for a stranger, above 0 and below 1, that may have a
                match in a collection of this size; instead of ``threshold``.
            limit: Maximum number of matches of each face, 1 to 4096; by default the gallery's.
            options: How the probe's faces are found and chosen; by default as
                ``GalleryDefaults.probe_options`` returns.
            largest_only: Whether to search for the largest face only.
            repeat_people: Whether several faces of the photo may match one person; by default only
                the most similar one does, since a photo shows nobody twice.
            index: Whether to add all faces of the photo to the collection after the search, as
                ``index`` does: also those that were deleted before. The default of ``options`` is
                then as ``GalleryDefaults.index_options`` returns.
            external_image_id: The caller's own name for the photo, if it is added.
            photo_name: As in ``index``, if the photo is added.

        Raises:
            InvalidInputError: An id, ``threshold``, ``target_fmr``, ``limit``, ``options``, or the
                address or name of the photo is not valid, both ``threshold`` and ``target_fmr``
                are given, a photo with an address has a name too, or the store cannot return
                that many matches.
            CollectionNotFoundError: The collection does not exist, or was deleted concurrently.
            ConflictError: The collection was switched to another model version during the search,
                or, with ``index``, for one of the reasons that the method ``index`` names.
            DeletedCollectionError: With ``index``: the collection was deleted, but an older copy of
                the database brought it back.
            ModelMismatchError: No engine of the gallery has the collection's model version.
            ObjectNotFoundError: The photo does not exist.
            AccessDeniedError: The photo may not be read.
            StoreUnavailableError: The photo cannot be read for now.
            UnreadablePhotoError: The photo cannot be decoded.
            PhotoTooLargeError: The photo has too many bytes.
            WeightsError: A file of network weights is missing or cannot be used.
            NoFaceError: The photo shows no face that the options accept.
            ReceiptDamagedError: With ``index``: a copy of tombstones is damaged; the faces were
                stored.
        """
        limit = self._limit(limit)
        if external_image_id is not None:
            checked_external_image_id(external_image_id)
        source = source_of_named(photo, photo_name)
        collection = (self._get_comparable_to_change if index else self._get_comparable)(
            collection_id
        )
        threshold = self._search_threshold(collection, threshold, target_fmr)
        options = self._defaults.complete(options, stores=index)
        engine = self._engine_of(collection)
        loaded, found = self._detect(photo, options, engine=engine)
        require_face(found)
        searched = search_probes(
            found.faces[:1] if largest_only else found.faces,
            collection_id=collection_id,
            faces=self._faces.of(collection),
            records=self._records,
            cohort=engine,
            threshold=threshold,
            limit=limit,
            repeat_people=repeat_people,
        )
        result = SearchResult(
            collection_id=collection_id,
            model_version=collection.model_version,
            threshold=threshold,
            photo=found,
            faces=searched,
        )
        if not index:
            return result
        if source is not None:
            loaded = replace(loaded, source=source)
        indexed = self._store(collection, loaded, found, external_image_id, options)
        return replace(result, indexed=indexed)

    def search_face(
        self,
        collection_id: str,
        face_id: str,
        *,
        threshold: float | None = None,
        target_fmr: float | None = None,
        limit: int | None = None,
    ) -> FaceSearchResult:
        """Search a collection for faces that resemble a stored face, which itself is not returned.

        ``threshold``, ``target_fmr`` and ``limit`` are as in ``search``.

        Raises:
            InvalidInputError: An id, ``threshold``, ``target_fmr`` or ``limit`` is not valid, both
                ``threshold`` and ``target_fmr`` are given, or the store cannot return that many
                matches.
            CollectionNotFoundError: The collection does not exist.
            FaceNotFoundError: The collection has no such face.
            ConflictError: The collection was switched to another model version during the search.
        """
        limit = self._limit(limit)
        collection = self._get(collection_id)
        threshold = self._search_threshold(collection, threshold, target_fmr)
        face = require_stored(collection_id, face_id, faces=self._faces)
        matches, more = search_stored_face(
            face,
            collection_id=collection_id,
            faces=self._faces.of(collection),
            records=self._records,
            cohort=self._engine_of(collection),
            threshold=threshold,
            limit=limit,
        )
        return FaceSearchResult(
            collection_id, collection.model_version, threshold, face_id, matches, more
        )

    def _search_threshold(
        self, collection: Collection, threshold: float | None, target_fmr: float | None
    ) -> float:
        """Return the minimum similarity of a match.

        Raises:
            InvalidInputError: One of the values is out of range, or both are given.
        """
        if target_fmr is None:
            return self._threshold(collection, threshold)
        if threshold is not None:
            raise InvalidInputError(
                "a minimum similarity and a target false match rate are both given",
                "use one of them",
            )
        return threshold_at(target_fmr, self._faces.count_faces(collection.collection_id))

    def _limit(self, limit: int | None) -> int:
        return self._defaults.limit if limit is None else checked_limit(limit, MAX_MATCHES)
