"""Operations that change the model version that a collection serves, and end its migration.

The switch exchanges the two versions in one transaction. Face ids stay, and with them people,
corrections, clusters, the history and tombstones.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from facerec.core.batches import batches
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.core.limits import MAX_USER_PAGE
from facerec.core.migrations import MigrationState, faces_lacking
from facerec.errors import (
    ConflictError,
    FacerecError,
    MigrationError,
    MigrationRemedy,
    UserNotFoundError,
)
from facerec.gallery.deferred import migration_results
from facerec.gallery.listing import all_users
from facerec.gallery.operations.preparations import PreparationOperations, is_finishing

if TYPE_CHECKING:
    from facerec.gallery.migrating.migration_results import (
        FinishedMigration,
        MigrationStatus,
    )
    from facerec.gallery.people import user_vectors
    from facerec.storage.faces import FaceStore
else:
    user_vectors = DeferredModule("facerec.gallery.people.user_vectors")


class MigrationOperations(PreparationOperations):
    """The operations of a gallery that switch a collection to its other version, or back."""

    def switch_version(self, collection_id: str) -> MigrationStatus:
        """Serve the new model version from now on, switching all searches at the same moment.

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
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            JobFolderError: The copy of the settings beside the job folders is damaged; the version
                was switched.
        """
        self._get_to_change(collection_id)
        migration = self._migration_of(collection_id)
        if migration.state is MigrationState.FINISHING:
            raise is_finishing(collection_id)
        if migration.state is MigrationState.PREPARING:
            self._switch(collection_id, migration.state)
        else:
            # The process that switched the version may have been killed before it did this.
            self._refresh_people(collection_id)
        return self.migration_status(collection_id)

    def finish_migration(self, collection_id: str) -> FinishedMigration:
        """Permanently remove the version that was served before the switch.

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
            raise is_finishing(collection_id)
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
            # The stores refused vectors of people who changed during the switch.
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
                # The vector of a person is deleted after the record.
                if user_id not in left:
                    user_vectors.delete_vector(faces, collection_id, user_id)

    def _refresh_people(self, collection_id: str) -> None:
        """Store the vectors of people whose stored vectors are out of date.

        Raises:
            ConflictError: The collection is being switched by another process.
        """
        for user in all_users(collection_id, records=self._records):
            if user.vector_version != user.version:
                # The vector of a person who was deleted concurrently has been deleted too.
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
