"""Operations that list, show, sample and delete stored faces, and refresh their stats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.core.ids import checked_face_id
from facerec.core.limits import DEFAULT_PAGE, MAX_PAGE
from facerec.errors import FaceNotFoundError
from facerec.gallery.deferred import collection_results, erasures
from facerec.gallery.erasing.eraser import Eraser
from facerec.gallery.paging import checked_limit, listing_of
from facerec.gallery.people.names import display_names
from facerec.gallery.thumbnails import thumbnail_of

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import FaceRecord, StoredFace
    from facerec.gallery.collection_results import (
        FaceDeletion,
        FacePage,
        FailedDeletion,
        ListedFace,
    )
    from facerec.gallery.indexing import stats_refresh
    from facerec.gallery.indexing.stats_refresh import StatsRefresh
    from facerec.gallery.search import sampling
    from facerec.gallery.search.sampling import SampledFace
    from facerec.storage.faces import FaceStore
else:
    sampling = DeferredModule("facerec.gallery.search.sampling")
    stats_refresh = DeferredModule("facerec.gallery.indexing.stats_refresh")


def with_users(
    collection_id: str, faces: Sequence[FaceRecord], *, records: RecordStore
) -> tuple[ListedFace, ...]:
    """Return faces with the people that they are associated with."""
    face_ids = list(dict.fromkeys(record.face_id for record in faces))
    owners = records.users_of_faces(collection_id, face_ids) if face_ids else {}
    names = display_names(collection_id, owners.values(), records=records)

    def listed(record: FaceRecord) -> ListedFace:
        owner = owners.get(record.face_id)
        return collection_results.ListedFace(record, owner, names.get(owner or ""))

    return tuple(map(listed, faces))


def select_faces(
    collection_id: str,
    *,
    faces: FaceStore,
    after: str | None,
    limit: int,
    only: set[str] | None,
) -> list[FaceRecord]:
    """Return faces in the order of their ids.

    Args:
        collection_id: Id of the collection.
        faces: Store of its faces.
        after: Face id after which to start; None to start at the first face.
        limit: Maximum number of faces.
        only: Face ids to choose from; None for all faces of the collection.
    """
    if only is None:
        return faces.list_faces(collection_id, after=after, limit=limit)
    remaining = sorted(face_id for face_id in only if face_id > (after or ""))
    return [face.record for face in faces.get_faces(collection_id, remaining)[:limit]]


def require_stored(collection_id: str, face_id: str, *, faces: FaceStore) -> StoredFace:
    """Return a stored face with its embedding.

    Raises:
        InvalidInputError: The id is not a valid face id.
        FaceNotFoundError: The collection has no such face.
    """
    stored = faces.get_faces(collection_id, [checked_face_id(face_id)])
    if not stored:
        raise FaceNotFoundError(face_id)
    return stored[0]


class FaceOperations(Eraser):
    """The operations of a gallery on stored faces."""

    def refresh_stats(
        self, collection_id: str, *, next_token: str | None = None, limit: int = DEFAULT_PAGE
    ) -> StatsRefresh:
        """Store cohort stats for the faces of a page that have none of the current cohort.

        Until then, each search computes missing stats again. No photo is needed. The collection can
        be searched and changed at the same time.

        Args:
            collection_id: Id of the collection.
            next_token: Token from the previous page; None for the first page.
            limit: Maximum number of faces of the page, 1 to 4096.

        Raises:
            InvalidInputError: ``collection_id`` or ``limit`` is not valid.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: The deletion of the collection is not finished, or the collection was
                switched to another model version concurrently.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            ModelMismatchError: No engine of the gallery has the collection's model version.
            InvalidPageTokenError: The token belongs to another listing or has expired.
        """
        checked_limit(limit, MAX_PAGE)
        collection = self._get_comparable_to_change(collection_id)
        listing = listing_of("stats", collection)
        after = self._after(listing, next_token)
        found = self._faces.list_faces(collection_id, after=after, limit=limit + 1)
        page = found[:limit]
        refreshed = stats_refresh.store_current_stats(
            collection_id,
            page,
            faces=self._faces.of(collection),
            cohort=self._engine_of(collection),
        )
        token = self._token(listing, page[-1].face_id) if len(found) > limit else None
        return stats_refresh.StatsRefresh(collection_id, refreshed, token)

    def sample_faces(self, collection_id: str, limit: int) -> list[SampledFace]:
        """Return all faces of a collection with their embeddings, or a random sample.

        Args:
            collection_id: Id of the collection.
            limit: Maximum number of faces. The sample is the same as long as the faces are.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
            ModelMismatchError: No engine of the gallery has the collection's model version.
        """
        collection = self._get_comparable(collection_id)
        return sampling.sample_faces(
            collection_id,
            limit,
            faces=self._faces,
            records=self._records,
            cohort=self._engine_of(collection),
        )

    def list_faces(
        self,
        collection_id: str,
        *,
        next_token: str | None = None,
        limit: int = DEFAULT_PAGE,
        user_id: str | None = None,
        face_ids: Sequence[str] | None = None,
    ) -> FacePage:
        """Return a page of a collection's faces, in the order of their ids.

        Args:
            collection_id: Id of the collection.
            next_token: Token from the previous page; None for the first page.
            limit: Maximum number of faces, 1 to 4096.
            user_id: List only faces associated with this person.
            face_ids: List only faces with these ids; ids that no face has are ignored.

        Raises:
            InvalidInputError: An id is not valid, or ``limit`` is not between 1 and 4096.
            CollectionNotFoundError: The collection does not exist.
            UserNotFoundError: The person does not exist.
            InvalidPageTokenError: The token belongs to another listing or has expired.
        """
        checked_limit(limit, MAX_PAGE)
        collection = self._get(collection_id)
        only = None if face_ids is None else set(face_ids)
        listing = listing_of("faces", collection, user_id, None if only is None else sorted(only))
        if user_id is not None:
            held = set(self._get_user(collection_id, user_id).face_ids)
            only = held if only is None else only & held
        found = select_faces(
            collection_id,
            faces=self._faces,
            after=self._after(listing, next_token),
            limit=limit + 1,
            only=only,
        )
        page = found[:limit]
        token = self._token(listing, page[-1].face_id) if page and len(found) > limit else None
        return collection_results.FacePage(
            collection_id,
            collection.model_version,
            with_users(collection_id, page, records=self._records),
            token,
        )

    def delete_faces(
        self,
        collection_id: str,
        face_ids: Sequence[str],
        *,
        disassociate: bool = False,
        tombstones: bool = True,
    ) -> FaceDeletion:
        """Delete faces permanently, with their embeddings and their data in job folders.

        By default, jobs do not add the faces again; see ``facerec.gallery.erasing.tombstones``.

        A face that is associated with a person is not deleted unless ``disassociate`` is true: the
        person's vector is computed from it.

        Args:
            collection_id: Id of the collection.
            face_ids: Ids of the faces.
            disassociate: Whether to disassociate faces from their people first.
            tombstones: Whether later jobs must not add the faces again; if not, the faces come back
                with their photos.

        Returns:
            Which faces were deleted, and why others were not.

        Raises:
            InvalidInputError: An id is not valid.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: Too many concurrent changes of a person.
            FacerecError: A job folder or a store fails; ``resume_erasures`` completes the deletion.
        """
        self._get(collection_id)
        requested = list(dict.fromkeys(map(checked_face_id, face_ids)))
        if disassociate:
            self._disassociate(collection_id, requested, self._faces)
        owners = self._owners_of_stored(collection_id, requested)
        free = [face_id for face_id in requested if face_id not in owners]
        receipt, deleted = None, set[str]()
        if free:
            selection = erasures.Selection(frozenset(free), tombstones=tombstones)
            receipt, stored = self._erase(collection_id, erasures.SubjectKind.FACE, selection)
            deleted = set(stored)
        return collection_results.FaceDeletion(
            collection_id,
            tuple(face_id for face_id in requested if face_id in deleted),
            tuple(
                _failed_deletion(face_id, owners.get(face_id))
                for face_id in requested
                if face_id not in deleted
            ),
            receipt,
        )

    def thumbnail(self, collection_id: str, face_id: str) -> bytes:
        """Return a small JPEG file of a stored face: its thumbnail, or one cut from its photo.

        Raises:
            InvalidInputError: An id is not valid.
            CollectionNotFoundError: The collection does not exist.
            FaceNotFoundError: The collection has no such face.
            ObjectNotFoundError: No thumbnail is kept, and the photo has no address, is gone, has
                changed, cannot be decoded, or may not be read.
            PhotoTooLargeError: No thumbnail is kept, and the photo has too many bytes.
            StoreUnavailableError: The photo cannot be read for now.
        """
        self._get(collection_id)
        face = require_stored(collection_id, face_id, faces=self._faces)
        return thumbnail_of(
            collection_id,
            face.record,
            thumbnails=self._thumbnails,
            objects=self._indexed_objects,
            max_pixels=self._defaults.options.max_pixels,
        )

    def _owners_of_stored(self, collection_id: str, face_ids: Sequence[str]) -> dict[str, str]:
        """Return the owners of stored faces by face id, and disassociate those already deleted.

        A process may be killed after it removes a face and before it disassociates the face.
        """
        owners = self._records.users_of_faces(collection_id, face_ids) if face_ids else {}
        if not owners:
            return {}
        faces = self._faces.get_faces(collection_id, list(owners))
        stored = {face.record.face_id for face in faces}
        late = [each for each in owners if each not in stored]
        self._disassociate(collection_id, late, self._faces)
        return {face_id: user_id for face_id, user_id in owners.items() if face_id in stored}


def _failed_deletion(face_id: str, user_id: str | None) -> FailedDeletion:
    reasons = collection_results.DeletionFailureReason
    if user_id is None:
        return collection_results.FailedDeletion(face_id, reasons.FACE_NOT_FOUND)
    return collection_results.FailedDeletion(
        face_id, reasons.ASSOCIATED_TO_AN_EXISTING_USER, user_id
    )
