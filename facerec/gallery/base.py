"""The collaborators of a gallery, and checks of arguments that its operations share."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from facerec.core.existing import collection_or_none
from facerec.core.names import checked_collection_id, checked_user_id
from facerec.core.options import checked_recipe
from facerec.errors import CollectionNotFoundError, ModelMismatchError
from facerec.gallery.defaults import GalleryDefaults
from facerec.gallery.inspection import Inspector
from facerec.gallery.paging import page_token, read_page_token
from facerec.gallery.scores.similarity import checked_threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from facerec.core.protocols.clusters import ClusterStore
    from facerec.core.protocols.engine import AttributeEstimator, FaceEngine
    from facerec.core.protocols.job_data import JobData
    from facerec.core.protocols.migrations import MigrationStore
    from facerec.core.protocols.records import RecordStore
    from facerec.core.protocols.registrations import RegistrationStore
    from facerec.core.protocols.thumbnails import ThumbnailStore
    from facerec.core.records import Collection, User
    from facerec.gallery.receipts import Erasures
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects.protocol import ObjectStore


class GalleryBase(Inspector):
    """The collaborators of a gallery."""

    def __init__(
        self,
        engine: FaceEngine,
        *,
        faces: FaceStore,
        records: RecordStore,
        objects: ObjectStore,
        job_data: JobData,
        erasures: Erasures,
        recipes: Mapping[str, FaceEngine] | None = None,
        clusters: ClusterStore | None = None,
        migrations: MigrationStore | None = None,
        registrations: RegistrationStore | None = None,
        matches_registered: bool = True,
        thumbnails: ThumbnailStore | None = None,
        keep_thumbnails: bool = False,
        indexed_objects: ObjectStore | None = None,
        attributes: AttributeEstimator | None = None,
        defaults: GalleryDefaults = GalleryDefaults(),  # noqa: B008 - frozen
        clock: Callable[[], float] = time.time,
        restore_lost: Callable[[str], int | None] = lambda _: None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        """Create a gallery over its collaborators.

        Args:
            engine: Finds faces in photos. It is used for new collections that name no recipe, and
                for operations without a collection.
            faces: Store of faces and of the people's vectors.
            records: Store of collections, people, tags and answered requests.
            objects: Reads the photos that callers name, restricted to those that they may read.
            job_data: Erases faces from job folders.
            erasures: Store of unfinished erasures and of receipts.
            recipes: Engines by the names of their recipes; a collection is used with the engine of
                its model version. None if ``engine`` is the only one.
            clusters: Store of clusters; None if the record store does not support them.
            migrations: Store of migrations, which shares transactions with the other stores; None
                if the stores do not support them.
            registrations: Store of registered people; None if the stores do not support them.
            matches_registered: Whether people can be registered, and new faces are matched against
                them. If false, existing registrations are still listed and erased.
            thumbnails: Store of thumbnails; None if the stores do not support them.
            keep_thumbnails: Whether to keep a thumbnail of each face of a photo that is indexed by
                a request.
            indexed_objects: Reads the photos of stored faces; by default ``objects``.
            attributes: Estimates age and gender; None if that is not available.
            defaults: Defaults of the operations.
            clock: Returns the time in seconds since 1970.
            restore_lost: Restores a collection whose database was lost, from what jobs have kept;
                returns the number of restored faces, or None if nothing was lost.
            on_close: Releases the resources of the gallery; called by ``close``.
        """
        super().__init__(engine, objects=objects, attributes=attributes, defaults=defaults)
        self._recipes = dict(recipes or {})
        self._faces, self._records, self._job_data = faces, records, job_data
        self._erasures, self._clusters, self._migrations = erasures, clusters, migrations
        self._registrations, self._matches_registered = registrations, matches_registered
        self._thumbnails, self._keep_thumbnails = thumbnails, keep_thumbnails
        self._indexed_objects = indexed_objects or objects
        self._clock, self._restore_lost, self._on_close = clock, restore_lost, on_close

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the resources of the gallery, such as its open files."""
        self._on_close()

    def _get(self, collection_id: str) -> Collection:
        """Return a collection of any model version.

        Raises:
            InvalidInputError: The id is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
        """
        return self._records.get_collection(checked_collection_id(collection_id))

    def _get_or_restore(self, collection_id: str) -> Collection:
        """Return a collection like ``_get``, which is restored first if its database was lost.

        Raises:
            FacerecError: See ``_get`` and ``ErasureOperations.restore_if_lost``.
        """
        self._restore(collection_id)
        return self._get(collection_id)

    def _restore(self, collection_id: str) -> int | None:
        """Restore a collection whose database was lost; see ``ErasureOperations.restore_if_lost``.

        Raises:
            ConflictError: The record of the collection is gone, but its deletion is not finished.
            FacerecError: A job folder cannot be read, or an erasure cannot be completed first.
        """
        restored = self._restore_lost(checked_collection_id(collection_id))
        if restored is None and collection_or_none(collection_id, self._records) is None:
            self._erasures.require_no_deletion(collection_id)
        return restored

    def _get_to_change(self, collection_id: str) -> Collection:
        """Return a collection of any model version that is about to be changed.

        Raises:
            InvalidInputError: The id is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: The deletion of the collection is not finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
        """
        collection = self._get(collection_id)
        self._erasures.require_not_deleted(collection)
        return collection

    def _get_user(self, collection_id: str, user_id: str) -> User:
        """Return a person; the caller has checked that the collection exists.

        Raises:
            InvalidInputError: The id is not a valid user id.
            UserNotFoundError: The collection has no such person.
        """
        return self._records.get_user(collection_id, checked_user_id(user_id))

    def _keep_settings(self, collection_id: str) -> None:
        """Store a copy of a collection's settings beside its job folders.

        Does nothing where another process changes the job folders: the next job stores the copy.

        Raises:
            CollectionNotFoundError: The collection was deleted concurrently.
            JobFolderError: The earlier copy is damaged.
        """
        if not self._erasures.finishes_elsewhere:
            # Imported late: few commands change settings.
            from facerec.core.collection_settings import settings_to_keep

            collection = self._get(collection_id)
            tags = self._records.get_tags(collection_id)
            settings = settings_to_keep(collection.threshold, tags)
            self._job_data.keep_settings(collection, settings)

    def _restore_tombstone_key(self, collection_id: str) -> None:
        """Restore the key of tombstones in a store that lost it, before a new one is created.

        Tombstones can only be restored from their copies while the store uses their key.

        Raises:
            ConflictError: Too many concurrent changes of the tombstones.
            ReceiptDamagedError: A copy of tombstones is damaged.
        """
        if self._records.get_tombstone_key(collection_id) is None:
            key = self._job_data.tombstone_key(collection_id)
            if key is not None:
                with suppress(CollectionNotFoundError):
                    self._records.create_tombstone_key(collection_id, key)

    def _drop_lifted_tombstones(self, collection_id: str) -> None:
        """Remove from the copies, too, the tombstones that were lifted in the store.

        If another process changes the job folders, the next job changes the copies instead.

        Raises:
            ReceiptDamagedError: A copy of tombstones is damaged.
        """
        if not self._erasures.finishes_elsewhere:
            self._job_data.drop_lifted_tombstones(collection_id, self._records)

    def _get_comparable(self, collection_id: str) -> Collection:
        """Return a collection, after checking that an engine here has its model version.

        Raises:
            InvalidInputError: The id is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
            ModelMismatchError: No engine of the gallery has the collection's model version.
        """
        collection = self._get(collection_id)
        if self._engine_of(collection).model_version != collection.model_version:
            raise ModelMismatchError(self.model_version, collection.model_version)
        return collection

    def _get_comparable_to_change(self, collection_id: str) -> Collection:
        """Return a collection to change, after checking that an engine has its model version.

        Raises:
            InvalidInputError: The id is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
            ModelMismatchError: No engine of the gallery has the collection's model version.
            ConflictError: The deletion of the collection is not finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
        """
        collection = self._get_comparable(collection_id)
        self._erasures.require_not_deleted(collection)
        return collection

    def _engine_of(self, collection: Collection) -> FaceEngine:
        """Return the engine of a collection's model version, or else the default engine."""
        return self._engine_with(collection.model_version) or self._engine

    def _engine_with(self, model_version: str) -> FaceEngine | None:
        """Return the engine of a model version, or None if there is none."""
        engines = (self._engine, *self._recipes.values())
        return next((each for each in engines if each.model_version == model_version), None)

    def _engine_named(self, recipe: str | None) -> FaceEngine:
        """Return the engine of a recipe; None means the default engine.

        Raises:
            RecipeUnavailableError: No engine of the gallery has this recipe.
        """
        return (
            self._engine if recipe is None else self._recipes[checked_recipe(recipe, self._recipes)]
        )

    def _threshold(self, collection: Collection, threshold: float | None) -> float:
        """Return the minimum similarity of a match: the caller's, the collection's or the default.

        Raises:
            InvalidInputError: ``threshold`` is not between 0 and 1.
        """
        if threshold is not None:
            return checked_threshold(threshold)
        return self._defaults.threshold if collection.threshold is None else collection.threshold

    def _after(self, listing: str, next_token: str | None) -> str | None:
        """Return the name after which a page starts; None for the first page.

        Raises:
            InvalidPageTokenError: The token belongs to another listing or has expired.
        """
        return None if next_token is None else read_page_token(listing, next_token, self._clock())

    def _token(self, listing: str, last: str) -> str:
        """Return the token of the page that starts after a name."""
        return page_token(listing, last, self._clock())
