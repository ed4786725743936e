"""Operations that search for the people whom a face, a person or a photo may show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.core.limits import MAX_USER_MATCHES
from facerec.gallery.base import GalleryBase
from facerec.gallery.operations.faces import require_stored
from facerec.gallery.paging import checked_limit
from facerec.gallery.people.user_vectors import user_vector
from facerec.gallery.photos import Photo, require_face

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core.arrays import np
    from facerec.core.options import FaceOptions
    from facerec.core.records import Collection
    from facerec.gallery.people import person_search
    from facerec.gallery.people.person_search import (
        PhotoUserSearchResult,
        UserMatch,
        UserSearchResult,
    )
else:
    person_search = DeferredModule("facerec.gallery.people.person_search")


class UserSearchOperations(GalleryBase):
    """The operations of a gallery that search for people."""

    def search_users_by_face(
        self,
        collection_id: str,
        face_id: str,
        *,
        threshold: float | None = None,
        limit: int = MAX_USER_MATCHES,
    ) -> UserSearchResult:
        """Search for the people whom a stored face may show.

        ``threshold`` and ``limit`` are as in ``search_users_by_photo``.

        Raises:
            InvalidInputError: An id is not valid, ``threshold`` is not between 0 and 1, ``limit``
                is not between 1 and 500, or the store cannot return that many people.
            CollectionNotFoundError: The collection does not exist.
            FaceNotFoundError: The collection has no such face.
            ConflictError: The collection was switched to another model version during the search.
        """
        checked_limit(limit, MAX_USER_MATCHES)
        collection = self._get(collection_id)
        threshold = self._threshold(collection, threshold)
        face = require_stored(collection_id, face_id, faces=self._faces)
        return self._search_users(collection, face.embedding, threshold, limit)

    def search_users_by_user(
        self,
        collection_id: str,
        user_id: str,
        *,
        threshold: float | None = None,
        limit: int = MAX_USER_MATCHES,
    ) -> UserSearchResult:
        """Search for other people who resemble a person; a person without faces resembles nobody.

        ``threshold`` and ``limit`` are as in ``search_users_by_photo``.

        Raises:
            InvalidInputError: An id is not valid, ``threshold`` is not between 0 and 1, ``limit``
                is not between 1 and 500, or the store cannot return that many people.
            CollectionNotFoundError: The collection does not exist.
            UserNotFoundError: The person does not exist.
            ConflictError: The collection was switched to another model version during the search.
        """
        checked_limit(limit, MAX_USER_MATCHES)
        collection = self._get(collection_id)
        threshold = self._threshold(collection, threshold)
        user = self._get_user(collection_id, user_id)
        vector = user_vector(self._faces, collection_id, user)
        return self._search_users(collection, vector, threshold, limit, exclude=user_id)

    def search_users_by_photo(
        self,
        collection_id: str,
        photo: Photo,
        *,
        threshold: float | None = None,
        limit: int = MAX_USER_MATCHES,
        options: FaceOptions | None = None,
        allow_no_face: bool = False,
    ) -> PhotoUserSearchResult:
        """Search for the people whom the largest face of a photo may show.

        Args:
            collection_id: Id of the collection.
            photo: Bytes of an image file, or its address.
            threshold: Minimum similarity, 0 to 1; by default the collection's, otherwise the
                gallery's.
            limit: Maximum number of people, 1 to 500.
            options: How faces are found and chosen; by default as
                ``GalleryDefaults.probe_options`` returns.
            allow_no_face: Whether to return a result without matches, instead of an error, for a
                photo without an accepted face.

        Raises:
            InvalidInputError: ``threshold`` is not between 0 and 1, ``limit`` is not between 1 and
                500, ``collection_id``, ``options`` or the address of the photo is not valid, or the
                store cannot return that many people.
            CollectionNotFoundError: The collection does not exist.
            ModelMismatchError: No engine of the gallery has the collection's model version.
            ConflictError: The collection was switched to another model version during the search.
            ObjectNotFoundError: The photo does not exist.
            AccessDeniedError: The photo may not be read.
            StoreUnavailableError: The photo cannot be read for now.
            UnreadablePhotoError: The photo cannot be decoded.
            PhotoTooLargeError: The photo has too many bytes.
            WeightsError: A file of network weights is missing or cannot be used.
            NoFaceError: The photo shows no face that the options accept.
        """
        checked_limit(limit, MAX_USER_MATCHES)
        collection = self._get_comparable(collection_id)
        threshold = self._threshold(collection, threshold)
        _, found = self._detect(
            photo,
            self._defaults.complete(options, stores=False),
            engine=self._engine_of(collection),
        )
        if not allow_no_face:
            require_face(found)
        face = found.faces[0] if found.faces else None
        probe = None if face is None else face.embedding
        searched = self._search_users(collection, probe, threshold, limit)
        return person_search.PhotoUserSearchResult(
            collection_id,
            collection.model_version,
            threshold,
            searched.matches,
            searched.more_matches,
            face,
            found.faces[1:],
            found.rejected,
        )

    def _search_users(
        self,
        collection: Collection,
        probe: NDArray[np.float32] | None,
        threshold: float,
        limit: int,
        *,
        exclude: str | None = None,
    ) -> UserSearchResult:
        """Return the people who resemble a probe; no matches if ``probe`` is None."""
        matches: tuple[UserMatch, ...] = ()
        more = False
        if probe is not None:
            matches, more = person_search.search_users(
                probe,
                collection_id=collection.collection_id,
                faces=self._faces.of(collection),
                records=self._records,
                cohort=self._engine_of(collection),
                threshold=threshold,
                limit=limit,
                exclude=exclude,
            )
        return person_search.UserSearchResult(
            collection.collection_id, collection.model_version, threshold, matches, more
        )
