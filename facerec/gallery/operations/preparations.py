"""Operations that prepare a migration: faces are described with another model version.

Faces are described again from their photos, page by page, while the collection serves its present
version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.batches import batches
from facerec.core.deferred import DeferredModule
from facerec.core.limits import MAX_PAGE, MIGRATION_PAGE
from facerec.core.migrations import Migration, MigrationState, is_same_face
from facerec.errors import (
    MigrationError,
    MigrationRemedy,
)
from facerec.gallery.base import GalleryBase
from facerec.gallery.deferred import migration_results
from facerec.gallery.paging import checked_limit, listing_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from facerec.core.protocols.engine import FaceEngine
    from facerec.core.protocols.migrations import MigrationStore
    from facerec.core.records import Collection, FaceRecord, StoredFace
    from facerec.gallery.migrating import describing
    from facerec.gallery.migrating.describing import Describer
    from facerec.gallery.migrating.migration_results import (
        MigrationPage,
        MigrationStatus,
        MissingFace,
        MissingReason,
    )
else:
    describing = DeferredModule("facerec.gallery.migrating.describing")

LISTED = 1000
"""Number of faces to list at a time: some stores list all their ids for each page."""


class PreparationOperations(GalleryBase):
    """The operations of a gallery that prepare the migration of a collection."""

    def migration_status(self, collection_id: str) -> MigrationStatus:
        """Return the progress of the migration of a collection.

        Raises:
            InvalidInputError: The id is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
        """
        collection = self._get(collection_id)
        migration, ready = None, 0
        if self._migrations is not None:
            migration = self._migrations.get_migration(collection_id)
            ready = self._migrations.count_standby_faces(collection_id)
        return migration_results.MigrationStatus(
            collection_id,
            None if migration is None else migration.state,
            collection.model_version,
            None if migration is None else migration.standby_version,
            collection.threshold,
            None if migration is None else migration.threshold,
            self._faces.count_faces(collection_id),
            ready,
            None if migration is None else migration.started_at,
        )

    def prepare_migration(
        self,
        collection_id: str,
        recipe: str | None = None,
        *,
        next_token: str | None = None,
        limit: int = MIGRATION_PAGE,
        dry_run: bool = False,
    ) -> MigrationPage:
        """Describe the faces of a page with the model version of another recipe.

        The collection can be searched and changed at the same time, in the version that it serves.
        Faces that are already described are not described again, so an interrupted migration
        continues from any page. Photos are read from the addresses at which they were indexed, and
        must not have changed.

        Args:
            collection_id: Id of the collection.
            recipe: The other recipe; None continues the migration or, after the switch, prepares to
                cancel it.
            next_token: Token from the previous page; None for the first page.
            limit: Maximum number of faces of the page, 1 to 4096.
            dry_run: Whether to only check that the photos exist and are unchanged, and store
                nothing.

        Raises:
            InvalidInputError: ``collection_id`` or ``limit`` is not valid.
            CollectionNotFoundError: The collection does not exist.
            ModelMismatchError: No recipe has the collection's model version.
            RecipeUnavailableError: No engine of the gallery has this recipe.
            MigrationError: The collection already has this recipe, is migrated to another version,
                cannot be migrated, or its migration is being finished; or without ``recipe``, it is
                not being migrated.
            InvalidPageTokenError: The token belongs to another listing or has expired.
            ConflictError: The version was switched or the migration ended concurrently, or the
                deletion of the collection is not finished.
            DeletedCollectionError: The collection was deleted, and is back with an older copy of
                the database.
            StoreUnavailableError: A photo cannot be read for now.
            WeightsError: A file of network weights is missing or cannot be used.
        """
        checked_limit(limit, MAX_PAGE)
        collection = self._get_comparable_to_change(collection_id)
        store = self._require_migrations()
        engine = self._engine_on_standby(collection, store, recipe, dry_run=dry_run)
        listing = listing_of("migration", collection, engine.model_version, dry_run)
        after = self._after(listing, next_token)
        found = self._faces.list_faces(collection_id, after=after, limit=limit + 1)
        page = found[:limit]
        described, missing = self._describe(collection, store, engine, page, dry_run=dry_run)
        token = self._token(listing, page[-1].face_id) if len(found) > limit else None
        return migration_results.MigrationPage(
            collection_id, described, self._with_people(collection_id, missing), token
        )

    def begin_migration(self, collection_id: str, recipe: str | None = None) -> MigrationStatus:
        """Begin the migration of a collection, or check that it can be continued.

        Args:
            collection_id: Id of the collection.
            recipe: The other recipe; None for the recipe of the existing migration.

        Raises:
            FacerecError: See ``prepare_migration``.
        """
        collection = self._get_comparable_to_change(collection_id)
        store = self._require_migrations()
        self._engine_on_standby(collection, store, recipe, dry_run=False)
        return self.migration_status(collection_id)

    def prepare_range(
        self,
        collection_id: str,
        recipe: str | None,
        *,
        after: str | None,
        last: str | None,
        stop: Callable[[], bool],
    ) -> tuple[int, str | None, bool]:
        """Describe the faces of a range of ids with the model version of another recipe.

        Faces that cannot be described are skipped; ``migrate`` handles them. Several processes can
        describe different ranges at the same time.

        Args:
            collection_id: Id of the collection.
            recipe: The other recipe; None continues the migration.
            after: The id before the range; None for the first id.
            last: The last id of the range; None for the last id.
            stop: Called before every ``MIGRATION_PAGE`` faces; once it returns true, the rest of
                the range is left.

        Returns:
            The number of faces that were described; ``after`` of the rest of the range; and whether
            the range is done.

        Raises:
            FacerecError: See ``prepare_migration``.
        """
        collection = self._get_comparable_to_change(collection_id)
        store = self._require_migrations()
        engine = self._engine_on_standby(collection, store, recipe, dry_run=False)
        described = 0
        while page := self._faces.list_faces(collection_id, after=after, limit=LISTED):
            own = [each for each in page if last is None or each.face_id <= last]
            for batch in batches(own, MIGRATION_PAGE):
                if stop():
                    return described, after, False
                described += self._describe(collection, store, engine, batch, dry_run=False)[0]
                after = batch[-1].face_id
            if len(own) < len(page) or len(page) < LISTED:
                break
        return described, after, True

    def _describe(
        self,
        collection: Collection,
        store: MigrationStore,
        engine: FaceEngine,
        page: Sequence[FaceRecord],
        *,
        dry_run: bool,
    ) -> tuple[int, dict[FaceRecord, MissingReason]]:
        """Describe the faces that are not described yet, from their photos.

        Returns:
            The number of faces that were described, and why others cannot be.

        Raises:
            ConflictError: The version was switched or the migration ended concurrently.
            StoreUnavailableError: A photo cannot be read for now.
        """
        collection_id = collection.collection_id
        stored = store.get_standby_faces(collection_id, [each.face_id for each in page])
        ready = {face.record.face_id: face.record for face in stored}
        left = [
            each.face_id
            for each in page
            if each.face_id not in ready or not is_same_face(ready[each.face_id], each)
        ]
        describer = describing.Describer(
            collection,
            served=self._engine_of(collection),
            engine=engine,
            objects=self._indexed_objects,
            max_pixels=self._defaults.options.max_pixels,
        )
        described = 0
        missing: dict[FaceRecord, MissingReason] = {}
        photos: dict[tuple[str, str], list[StoredFace]] = {}
        for face in self._faces.get_faces(collection_id, left) if left else ():
            photos.setdefault((face.record.source, face.record.image_id), []).append(face)
        for own in photos.values():
            added, lacking = _described(describer, own, dry_run=dry_run)
            if added:
                described += store.put_standby_faces(collection, added)
            missing |= lacking
        return described, missing

    def _with_people(
        self, collection_id: str, missing: dict[FaceRecord, MissingReason]
    ) -> tuple[MissingFace, ...]:
        ids = [record.face_id for record in missing]
        owners = self._records.users_of_faces(collection_id, ids) if ids else {}
        return tuple(
            migration_results.MissingFace(
                record.face_id, record.external_image_id, owners.get(record.face_id), reason
            )
            for record, reason in missing.items()
        )

    def _engine_on_standby(
        self, collection: Collection, store: MigrationStore, recipe: str | None, *, dry_run: bool
    ) -> FaceEngine:
        """Return the engine of the standby version; begin the migration if there is none.

        With ``dry_run``, no migration begins.

        Raises:
            RecipeUnavailableError: No engine of the gallery has this recipe.
            MigrationError: See ``prepare_migration``.
        """
        collection_id = collection.collection_id
        migration = store.get_migration(collection_id)
        if migration is not None and migration.state is MigrationState.FINISHING:
            raise is_finishing(collection_id)
        if recipe is None:
            version = self._migration_of(collection_id).standby_version
        else:
            version = self._engine_named(recipe).model_version
            if version == collection.model_version:
                raise MigrationError(
                    f"collection {collection_id!r} already has the recipe {recipe!r}"
                )
        if migration is None:
            migration = Migration(collection_id, version, MigrationState.PREPARING, self._clock())
            if not dry_run:
                migration = store.begin_migration(migration)
        if migration.standby_version != version:
            raise MigrationError(
                f"collection {collection_id!r} is being migrated to another version",
                MigrationRemedy.END,
            )
        engine = self._engine_with(version)
        if engine is None:
            raise MigrationError(
                f"no recipe here has the model version {version!r}",
                MigrationRemedy.RELEASE,
            )
        return engine

    def _migration_of(self, collection_id: str) -> Migration:
        self._get(collection_id)
        migration = self._require_migrations().get_migration(collection_id)
        if migration is None:
            raise MigrationError(f"collection {collection_id!r} is not being migrated")
        return migration

    def _require_migrations(self) -> MigrationStore:
        if self._migrations is None:
            raise MigrationError(
                "collections of this deployment cannot be migrated",
                MigrationRemedy.NEW_COLLECTION,
            )
        if self._erasures.finishes_elsewhere:
            raise MigrationError(
                "this deployment migrates collections by its workflow, not by requests",
                MigrationRemedy.WORKFLOW,
            )
        return self._migrations


def is_finishing(collection_id: str) -> MigrationError:
    """Return the error for a migration that is being finished."""
    return MigrationError(
        f"the migration of {collection_id!r} is being finished", MigrationRemedy.FINISH
    )


def _described(
    describer: Describer, stored: Sequence[StoredFace], *, dry_run: bool
) -> tuple[dict[FaceRecord, StoredFace], dict[FaceRecord, MissingReason]]:
    return ({}, describer.check(stored)) if dry_run else describer.describe(stored)
