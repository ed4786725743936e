"""Operations on collections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from facerec.core.collection_settings import IMPORT_TAGS
from facerec.core.limits import DEFAULT_PAGE, MAX_PAGE, MAX_TAGS
from facerec.core.names import check_number_of_tags, checked_collection_id
from facerec.core.records import new_collection
from facerec.errors import (
    CollectionExistsError,
    CollectionNotFoundError,
    FacerecError,
    InvalidInputError,
)
from facerec.gallery.deferred import collection_results, erasures
from facerec.gallery.erasing.eraser import Eraser
from facerec.gallery.indexing.preparing import store_new_collection
from facerec.gallery.operations.retention import check_new_tags, stored_retention
from facerec.gallery.paging import checked_limit
from facerec.gallery.receipts import completed_later
from facerec.gallery.scores.similarity import checked_threshold

if TYPE_CHECKING:
    from facerec.core.erasures import Receipt
    from facerec.core.records import Collection
    from facerec.gallery.collection_results import CollectionPage, CollectionSummary


class CollectionOperations(Eraser):
    """The operations of a gallery on collections and their tags."""

    def create_collection(
        self,
        collection_id: str,
        *,
        tags: Mapping[str, str] | None = None,
        recipe: str | None = None,
    ) -> Collection:
        """Create an empty collection for faces of one model version.

        Args:
            collection_id: Id of the collection.
            tags: Its tags.
            recipe: Recipe of its faces, ``fast`` or ``accurate``; by default the gallery's. It is
                part of the collection's model version, with which all its photos and probes are
                described.

        Raises:
            InvalidInputError: The id is not a valid collection id, or a tag is not valid or is
                reserved.
            RecipeUnavailableError: No engine of the gallery has this recipe.
            WeightsError: A file of network weights is missing or cannot be used.
            CollectionExistsError: A collection of this id exists.
            ConflictError: The deletion of a collection of this id is not finished.
            DeletedCollectionError: An older copy of the database brought back a deleted collection
                of this id.
            QuotaExceededError: There are more than ``MAX_TAGS`` tags.
        """
        check_number_of_tags(tags or (), MAX_TAGS)
        check_new_tags(tags or {})
        model_version, now = self._engine_named(recipe).model_version, self._clock()
        try:
            collection = store_new_collection(
                collection_id,
                model_version=model_version,
                now=now,
                records=self._records,
                tags=tags,
            )
        except CollectionExistsError:
            self._erasures.require_usable(collection_id, self._records)
            raise
        return collection

    def set_threshold(self, collection_id: str, threshold: float | None) -> Collection:
        """Set a collection's default minimum similarity of a match; None removes it.

        Raises:
            InvalidInputError: The id is not a valid collection id, or the threshold is not between
                0 and 1.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: The deletion of the collection is not finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            JobFolderError: The copy of the settings beside the job folders is damaged; the
                threshold was set.
        """
        if threshold is not None:
            checked_threshold(threshold)
        self._get_to_change(collection_id)
        self._records.set_threshold(collection_id, threshold)
        self._keep_settings(collection_id)
        return self._get(collection_id)

    def describe_collection(self, collection_id: str) -> CollectionSummary:
        """Return a collection with its counts.

        Raises:
            InvalidInputError: The id is not a valid collection id, or the tag of the retention is
                not a number of days.
            CollectionNotFoundError: The collection does not exist.
        """
        collection = self._get(collection_id)
        return collection_results.CollectionSummary(
            collection,
            self._faces.count_faces(collection_id),
            self._records.count_users(collection_id),
            stored_retention(collection_id, self._records),
            self._erasures.deletion_of(collection),
        )

    def list_collections(
        self,
        *,
        next_token: str | None = None,
        limit: int = DEFAULT_PAGE,
        only: AbstractSet[str] | None = None,
    ) -> CollectionPage:
        """Return a page of collections, in the order of their ids.

        Args:
            next_token: Token from the previous page; None for the first page.
            limit: Maximum number of collections, 1 to 4096.
            only: Ids of the collections that the caller may see; None for all. The answer reveals
                nothing about other collections, not even in the token.

        Raises:
            InvalidInputError: ``limit`` is not valid.
            InvalidPageTokenError: The token belongs to another listing or has expired.
        """
        checked_limit(limit, MAX_PAGE)
        after = self._after("collections", next_token)
        if only is None:
            found = self._records.list_collections(after=after, limit=limit + 1)
        else:
            visible = sorted(name for name in only if after is None or name > after)
            found = list(islice(self._existing(visible), limit + 1))
        page = tuple(found[:limit])
        more = page and len(found) > limit
        token = self._token("collections", page[-1].collection_id) if more else None
        return collection_results.CollectionPage(page, token)

    def _existing(self, collection_ids: Iterable[str]) -> Iterator[Collection]:
        for collection_id in collection_ids:
            with suppress(CollectionNotFoundError):
                yield self._records.get_collection(collection_id)

    def all_collections(self) -> Iterator[Collection]:
        """Yield all collections, in the order of their ids."""
        token = None
        while True:
            page = self.list_collections(next_token=token)
            yield from page.collections
            token = page.next_token
            if token is None:
                return

    def delete_collection(self, collection_id: str) -> Receipt:
        """Delete a collection permanently, with its faces, people, tags and data in job folders.

        The record of the collection is deleted after its faces, so that an interrupted deletion can
        be repeated. Job folders of earlier collections with this id are deleted too. If the
        collection was deleted before and an older copy of the database brought it back, the job
        folders of a collection created with its id since then are kept.

        On one machine, the record of the collection may be gone. Then its unfinished deletion is
        completed. If the database was lost, the collection is deleted from its job folders.

        Returns:
            Counts of the data removed from each store; see ``ErasureOperations.erase``.

        Raises:
            InvalidInputError: The id is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
            FacerecError: A job folder or a store fails; ``resume_erasures`` completes the deletion.
        """
        collection = self.find_deletable(collection_id)
        if collection is None:
            return self._complete_deletion(collection_id)
        created_at, returned = collection.created_at, self._erasures.was_deleted(collection)
        known = self._job_data.creations(collection_id)
        if returned:
            deletions = self._erasures.deletions(collection_id)
            known = frozenset(filter(deletions.include, known))
        selection = erasures.Selection(
            created_before=created_at,
            created_at=created_at,
            collections=known | {created_at},
            is_returned=returned,
        )
        return self._erase(collection_id, erasures.SubjectKind.COLLECTION, selection)[0]

    def find_deletable(self, collection_id: str) -> Collection | None:
        """Return the collection that ``delete_collection`` deletes, or check that there is one.

        If the database was lost, this is what is known about the latest collection with the id that
        has job folders; then the model version is "".

        Returns:
            The collection; None if only an unfinished deletion of it is left to complete.

        Raises:
            InvalidInputError: The id is not a valid collection id.
            CollectionNotFoundError: Nothing is left of a collection with this id.
            ReceiptDamagedError: The receipt of a deletion is damaged.
        """
        try:
            return self._get(collection_id)
        except CollectionNotFoundError:
            # Elsewhere, another process completes the deletion.
            if self._erasures.finishes_elsewhere:
                raise
            deletions = self._erasures.deletions(collection_id)
            known = self._job_data.creations(collection_id)
            lost = [created_at for created_at in known if not deletions.include(created_at)]
            if lost:
                return new_collection(collection_id, "", max(lost))
            if not self._erasures.is_being_deleted(collection_id):
                raise
            return None

    def _complete_deletion(self, collection_id: str) -> Receipt:
        """Complete the unfinished deletions of a collection; return the last receipt.

        Raises:
            CollectionNotFoundError: Another process has completed them in the meantime.
            FacerecError: A job folder or a store fails; ``resume_erasures`` completes the deletion.
        """
        receipt = None
        for erasure in self._erasures.pending_deletions(collection_id):
            try:
                with self._erasures.space():
                    receipt = self._perform(erasure)[0]
            except FacerecError as error:
                error.consequence = completed_later(erasure.receipt.erasure_id)
                raise
        if receipt is None:
            raise CollectionNotFoundError(collection_id)
        return receipt

    def get_tags(self, collection_id: str) -> dict[str, str]:
        """Return a collection's tags, except those that only mark an unfinished import.

        Raises:
            InvalidInputError: The id is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
        """
        tags = self._records.get_tags(checked_collection_id(collection_id))
        return {key: value for key, value in tags.items() if key not in IMPORT_TAGS}

    def set_tags(self, collection_id: str, tags: Mapping[str, str]) -> None:
        """Add tags to a collection; a tag of the same key is replaced.

        Raises:
            InvalidInputError: The id, a key or a value is not valid, or a key is reserved, and the
                collection does not have this tag.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: Too many concurrent changes of the tags, or the deletion of the
                collection is not finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            QuotaExceededError: There would be more than ``MAX_TAGS`` tags.
            JobFolderError: The copy of the tags beside the job folders is damaged; the tags were
                set.
        """
        check_new_tags(tags, lambda: self.get_tags(collection_id))
        self._get_to_change(collection_id)
        self._records.change_tags(collection_id, put=tags, limit=MAX_TAGS)
        self._keep_settings(collection_id)

    def remove_tags(self, collection_id: str, keys: Sequence[str]) -> None:
        """Remove tags from a collection; unknown keys are ignored.

        Raises:
            InvalidInputError: The id is not a valid collection id, or a key is that of the tag
                which shows whether an import is complete.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: Too many concurrent changes of the tags.
            JobFolderError: The copy of the tags beside the job folders is damaged; the tags were
                removed.
        """
        collection_id = checked_collection_id(collection_id)
        reserved = sorted(IMPORT_TAGS.intersection(keys))
        if reserved:
            raise InvalidInputError(f"the tag {reserved[0]!r} cannot be removed")
        self._records.change_tags(collection_id, remove=keys, limit=MAX_TAGS)
        self._keep_settings(collection_id)
