"""Erases and exports the data about faces in job folders."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.jobs.job_ids import NEVER_DELETED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from facerec.core.collection_settings import CollectionSettings
    from facerec.core.erasures import ErasedJob, KeptByJob, Selection
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import Collection, StoredFace
    from facerec.core.tombstone_copies import TombstoneCopy
    from facerec.errors import FacerecError
    from facerec.gallery.receipts import Erasures
    from facerec.jobs.bulk_import import progress
    from facerec.jobs.erasing import (
        collection_erasure,
        job_versions,
        late_files,
        lost_erasures,
        tracing,
    )
    from facerec.jobs.remembered import collections, tombstones
    from facerec.jobs.verifying import job_check
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects.protocol import ObjectStore
else:
    collections = DeferredModule("facerec.jobs.remembered.collections")
    collection_erasure = DeferredModule("facerec.jobs.erasing.collection_erasure")
    job_check = DeferredModule("facerec.jobs.verifying.job_check")
    job_versions = DeferredModule("facerec.jobs.erasing.job_versions")
    late_files = DeferredModule("facerec.jobs.erasing.late_files")
    lost_erasures = DeferredModule("facerec.jobs.erasing.lost_erasures")
    progress = DeferredModule("facerec.jobs.bulk_import.progress")
    tombstones = DeferredModule("facerec.jobs.remembered.tombstones")
    tracing = DeferredModule("facerec.jobs.erasing.tracing")


@dataclass(frozen=True, slots=True)
class JobFolders:
    """The ``JobData`` of a data folder or a deployment, in its job folders.

    Attributes:
        objects: Store of the folders.
        jobs_root: Parent of all job folders; ends in ``/``.
        erasures: Knows which jobs were deleted with earlier collections of the same id; None if
            there are no receipts.
    """

    objects: ObjectStore
    jobs_root: str
    erasures: Erasures | None = None

    def _is_deleted(self, collection_id: str) -> Callable[[str], bool]:
        """Return a function that returns whether a job was deleted with its collection."""
        if self.erasures is None:
            return NEVER_DELETED
        return self.erasures.find_deleted_jobs(collection_id)

    def forget(
        self,
        collection_id: str,
        selection: Selection,
        *,
        on_error: Callable[[FacerecError], None] | None = None,
    ) -> list[ErasedJob]:
        """Erase a selection from the folders of a collection's jobs; see ``JobData.forget``.

        Raises:
            FacerecError: A job folder that may contain embeddings cannot be read.
        """
        if selection.erases_collection:
            return collection_erasure.erase_collection(
                self.objects,
                self.jobs_root,
                collection_id,
                selection.includes_collection,
                is_deleted=self._is_deleted(collection_id),
                on_error=on_error,
            )
        return collection_erasure.erase_faces(
            self.objects,
            self.jobs_root,
            collection_id,
            selection,
            is_deleted=self._is_deleted(collection_id),
            on_error=on_error,
        )

    def creations(self, collection_id: str) -> frozenset[float]:
        """Return the creation times of the collections with this id; see ``JobData.creations``."""
        return frozenset(collections.creations(self.objects, self.jobs_root, collection_id))

    def sweep(
        self,
        collection_ids: Iterable[str],
        is_gone: Callable[[str], bool],
        *,
        stop: Callable[[], bool] = lambda: False,
    ) -> frozenset[str]:
        """Delete remaining data of the jobs of deleted collections; see ``JobData.sweep``."""
        is_gone, receipts = cache(is_gone), cache(self._is_deleted)

        def is_deleted(collection_id: str, job_id: str) -> bool:
            return is_gone(collection_id) or receipts(collection_id)(job_id)

        @cache
        def deleted_creations(collection_id: str) -> frozenset[float]:
            if self.erasures is None:
                return frozenset()
            found = self.erasures.deleted_collections(collection_id)
            return frozenset(each.created_at for each in found)

        return late_files.sweep_late_files(
            self.objects,
            self.jobs_root,
            collection_ids,
            is_deleted,
            lambda collection_id, created_at: created_at in deleted_creations(collection_id),
            stop,
        )

    def is_importing(self, collection_id: str, created_at: float) -> bool:
        """Return whether an import may bring erased faces back; see ``JobData.is_importing``.

        Raises:
            JobFolderError: The progress of the import is damaged.
        """
        return progress.erasures_wait(self.objects, self.jobs_root, collection_id, created_at)

    def has_import(self, collection_id: str, created_at: float) -> bool:
        """Return whether an import is planned or under way; see ``JobData.has_import``.

        Raises:
            JobFolderError: The progress of the import is damaged.
        """
        return progress.has_import(self.objects, self.jobs_root, collection_id, created_at)

    def get(
        self,
        collection_id: str,
        selection: Selection,
        *,
        with_faces: bool = True,
        on_error: Callable[[FacerecError], None] | None = None,
    ) -> list[KeptByJob]:
        """Return the data about a selection in a collection's job folders; see ``JobData.get``.

        Raises:
            FacerecError: A job folder that may contain data cannot be read.
        """
        return tracing.kept_by_jobs(
            self.objects,
            self.jobs_root,
            collection_id,
            selection,
            with_faces=with_faces,
            is_deleted=self._is_deleted(collection_id),
            on_error=on_error,
        )

    def keep_tombstones(self, collection: Collection, copy: TombstoneCopy) -> None:
        """Keep a copy of the tombstones of an erasure beside the job folders."""
        tombstones.write_tombstones(self.objects, self.jobs_root, collection, copy)

    def tombstone_key(self, collection_id: str) -> bytes | None:
        """Return the key of the latest copy of tombstones; None if there are no copies.

        Raises:
            ReceiptDamagedError: A copy is damaged.
        """
        return tombstones.latest_key(self.objects, self.jobs_root, collection_id)

    def drop_lifted_tombstones(self, collection_id: str, records: RecordStore) -> None:
        """Remove from the copies the tombstones that were removed from the store on purpose.

        Raises:
            ReceiptDamagedError: A copy is damaged.
            CollectionNotFoundError: The collection was deleted in the meantime.
            ConflictError: Too many concurrent changes of the tombstones.
        """
        lost_erasures.drop_lifted_tombstones(collection_id, self.objects, self.jobs_root, records)

    def count_lost(self, collection_id: str, faces: FaceStore, records: RecordStore) -> int:
        """Return the number of lost faces of another version; see ``JobData.count_lost``.

        Raises:
            ConflictError: The collection was switched to another model version concurrently.
        """
        return job_check.count_lost_faces(
            collection_id, self.objects, self.jobs_root, faces, records
        )

    def change_version(
        self,
        collection: Collection,
        get_faces: Callable[[Sequence[str]], Sequence[StoredFace]],
    ) -> tuple[int, int]:
        """Replace the embeddings in job folders by those that a collection serves.

        Returns:
            How many embeddings were replaced, and how many were removed.

        Raises:
            FacerecError: A job folder that may contain embeddings cannot be read.
        """
        return job_versions.change_version(
            self.objects,
            self.jobs_root,
            collection,
            get_faces,
            is_deleted=self._is_deleted(collection.collection_id),
        )

    def keep_settings(self, collection: Collection, settings: CollectionSettings) -> None:
        """Keep a copy of the settings of a collection, if jobs remember its photos.

        Raises:
            JobFolderError: The earlier copy is damaged.
        """
        name = collection.collection_id
        if collection.created_at in collections.creations(self.objects, self.jobs_root, name):
            collections.write_settings(self.objects, self.jobs_root, collection, settings)
