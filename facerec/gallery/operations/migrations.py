"""Operations that migrate a collection to another model version.

Faces are described again from their photos, page by page, while the collection serves its present
version. The switch exchanges the two versions in one transaction. Face ids stay, and with them
people, corrections, clusters, the history and tombstones.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from facerec.core.batches import batches
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.core.limits import MAX_PAGE, MAX_USER_PAGE, MIGRATION_PAGE
from facerec.core.migrations import Migration, MigrationState, faces_lacking, is_same_face
from facerec.errors import (
    ConflictError,
    FacerecError,
    MigrationError,
    MigrationRemedy,
    UserNotFoundError,
)
from facerec.gallery.base import GalleryBase
from facerec.gallery.deferred import migration_results
from facerec.gallery.listing import all_users
from facerec.gallery.paging import checked_limit, listing_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from facerec.core.protocols.engine import FaceEngine
    from facerec.core.protocols.migrations import MigrationStore
    from facerec.core.records import Collection, FaceRecord, StoredFace
    from facerec.gallery.migrating import describing
    from facerec.gallery.migrating.describing import Describer
    from facerec.gallery.migrating.migration_results import (
        FinishedMigration,
        MigrationPage,
        MigrationStatus,
        MissingFace,
        MissingReason,
    )
    from facerec.gallery.people import user_vectors
    from facerec.storage.faces import FaceStore
else:
    describing = DeferredModule("facerec.gallery.migrating.describing")
    user_vectors = DeferredModule("facerec.gallery.people.user_vectors")


LISTED = 1000
"""Number of faces to list at a time: some stores list all their ids for each page."""


class MigrationOperations(GalleryBase):
    """The operations of a gallery that migrate a collection to another model version."""

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
            ModelMismatchError: The collection's model version is not that of any recipe.
            RecipeUnavailableError: No engine here has this recipe.
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
            recipe: The other recipe; None for that of the existing migration.

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

        Faces that cannot be described are left to ``migrate``. Several processes can describe
        different ranges at the same time.

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

    def switch_version(self, collection_id: str) -> MigrationStatus:
        """Serve the new model version from now on, for all searches at once.

        People's vectors are computed again. The version that was served is kept until the migration
        is finished or cancelled. The threshold of the collection is exchanged too: it was chosen
        for one version. Once the new version is served, calling this again changes nothing.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
            MigrationError: The collection cannot be migrated or is not being migrated, its
                migration is being finished, or some faces are not described with the new version.
            ConflictError: Faces were added, or the version was switched, concurrently, a job
                imports faces, or the deletion of the collection is not finished.
            DeletedCollectionError: The collection was deleted, and is back with an older copy of
                the database.
            JobFolderError: The copy of the settings beside the job folders is damaged; the version
                was switched.
        """
        self._get_to_change(collection_id)
        migration = self._migration_of(collection_id)
        if migration.state is MigrationState.FINISHING:
            raise _is_finishing(collection_id)
        if migration.state is MigrationState.PREPARING:
            self._switch(collection_id, migration.state)
        else:
            # The process that has switched may have been killed before it did this.
            self._refresh_people(collection_id)
        return self.migration_status(collection_id)

    def finish_migration(self, collection_id: str) -> FinishedMigration:
        """Remove the version that was served before the switch, for good.

        The embeddings in job folders are replaced too, so that a lost database is restored with the
        version that is served now. After an interruption, the same call continues.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
            MigrationError: The collection cannot be migrated, is not being migrated, was not
                switched, or has lost faces that job folders still have.
            ConflictError: The migration was switched back or ended concurrently.
            FacerecError: A job folder cannot be read; the other version is kept until it can.
        """
        store = self._require_migrations()
        state = self._migration_of(collection_id).state
        if state is MigrationState.PREPARING:
            raise MigrationError(
                f"collection {collection_id!r} has not been switched to the new version yet",
                MigrationRemedy.SWITCH,
            )
        if state is MigrationState.SWITCHED:
            self._require_no_lost_faces(collection_id)
        store.begin_finish(collection_id)
        self._refresh_people(collection_id)
        collection = self._get(collection_id)
        replaced, dropped = self._job_data.change_version(
            collection, lambda face_ids: self._faces.get_faces(collection_id, face_ids)
        )
        removed = store.count_standby_faces(collection_id)
        store.end_migration(collection_id, MigrationState.FINISHING)
        status = self.migration_status(collection_id)
        return migration_results.FinishedMigration(status, removed, replaced, dropped)

    def cancel_migration(self, collection_id: str) -> FinishedMigration:
        """Serve the earlier model version, and remove the new one.

        Faces that were indexed after the switch must be prepared with the earlier version first.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id.
            CollectionNotFoundError: The collection does not exist.
            MigrationError: The collection cannot be migrated or is not being migrated, its
                migration is being finished, or some faces are not described with the earlier
                version.
            ConflictError: Faces were added, or the version was switched, concurrently, or a job
                imports faces.
            JobFolderError: The copy of the settings beside the job folders is damaged; the version
                was switched, and the same call removes the new one.
        """
        store = self._require_migrations()
        migration = self._migration_of(collection_id)
        if migration.state is MigrationState.FINISHING:
            raise _is_finishing(collection_id)
        if migration.state is MigrationState.SWITCHED:
            self._switch(collection_id, migration.state)
        removed = store.count_standby_faces(collection_id)
        store.end_migration(collection_id, MigrationState.PREPARING)
        return migration_results.FinishedMigration(self.migration_status(collection_id), removed)

    def _switch(self, collection_id: str, state: MigrationState) -> None:
        """Exchange the versions of a collection.

        Args:
            collection_id: Id of the collection.
            state: The state that its migration must still be in.

        Raises:
            MigrationError: Some faces are not described with the other version.
            ConflictError: Faces were added, or the version was switched, concurrently, or a job
                imports faces.
            JobFolderError: The copy of the settings beside the job folders is damaged; the version
                was switched.
        """
        store = self._require_migrations()
        status = self.migration_status(collection_id)
        if status.ready < status.faces and not store.counts_lag:
            lacking = status.faces - status.ready
            raise faces_lacking(collection_id, lacking, status.faces)
        collection = self._get(collection_id)
        if self._job_data.has_import(collection_id, collection.created_at):
            raise ConflictError(
                f"a job is importing faces into collection {collection_id!r}",
                "try again when the job has ended",
            )
        try:
            with self._records.transaction():
                store.switch_version(
                    collection_id,
                    state,
                    lambda faces: self._store_people(faces, collection_id),
                )
                self._refresh_people(collection_id)
        except FacerecError:
            # Vectors of people who changed during the switch were refused.
            self._refresh_people(collection_id)
            raise
        self._keep_settings(collection_id)

    def _store_people(self, faces: FaceStore, collection_id: str) -> None:
        """Store the vectors of all people in a store that is not served yet."""
        for batch in batches(all_users(collection_id, records=self._records), MAX_USER_PAGE):
            for user in batch:
                user_vectors.put_vector(faces, collection_id, user)
            ids = [user.user_id for user in batch]
            left = {user.user_id for user in self._records.get_users(collection_id, ids)}
            for user_id in ids:
                # Whoever deletes a person deletes the vector after the record.
                if user_id not in left:
                    user_vectors.delete_vector(faces, collection_id, user_id)

    def _refresh_people(self, collection_id: str) -> None:
        """Store the vectors of people whose stored vectors are out of date.

        Raises:
            ConflictError: The collection is being switched by another process.
        """
        for user in all_users(collection_id, records=self._records):
            if user.vector_version != user.version:
                # The vector of a person who was deleted concurrently is deleted by now.
                with suppress(UserNotFoundError):
                    user_vectors.refresh_vector(self._faces, self._records, collection_id, user)

    def _require_no_lost_faces(self, collection_id: str) -> None:
        """Check that the embeddings in job folders that are about to be removed are not needed.

        Raises:
            MigrationError: The collection has lost faces, for example with a database restored from
                an older copy.
        """
        lost = self._job_data.count_lost(collection_id, self._faces, self._records)
        if lost:
            raise MigrationError(
                f"collection {collection_id!r} has lost {count(lost, 'face')} "
                "that only the folders of its jobs have; finishing would remove them",
                MigrationRemedy.REPAIR,
            )

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

    def _migration_of(self, collection_id: str) -> Migration:
        self._get(collection_id)
        migration = self._require_migrations().get_migration(collection_id)
        if migration is None:
            raise MigrationError(f"collection {collection_id!r} is not being migrated")
        return migration

    def _engine_on_standby(
        self, collection: Collection, store: MigrationStore, recipe: str | None, *, dry_run: bool
    ) -> FaceEngine:
        """Return the engine of the standby version; begin the migration if there is none.

        With ``dry_run``, no migration begins.

        Raises:
            RecipeUnavailableError: No engine here has this recipe.
            MigrationError: See ``prepare_migration``.
        """
        collection_id = collection.collection_id
        migration = store.get_migration(collection_id)
        if migration is not None and migration.state is MigrationState.FINISHING:
            raise _is_finishing(collection_id)
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


def _described(
    describer: Describer, stored: Sequence[StoredFace], *, dry_run: bool
) -> tuple[dict[FaceRecord, StoredFace], dict[FaceRecord, MissingReason]]:
    return ({}, describer.check(stored)) if dry_run else describer.describe(stored)


def _is_finishing(collection_id: str) -> MigrationError:
    return MigrationError(
        f"the migration of {collection_id!r} is being finished", MigrationRemedy.FINISH
    )
