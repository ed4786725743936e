"""Decides whether a run must compare the ledgers of a collection with the store.

At the end of a run, its job and the version of the stored faces are recorded. The version changes
with every write, and a restored or emptied database has a different one. While the version is the
same, the store is in the state in which that run left it, and comparing millions of rows would find
nothing. The rows of other jobs are still compared: that run may have replaced faces of the same
photos.

An older copy of a database contains faces and people that were erased later: they are removed
first. Faces of photos that were replaced, renamed or removed later are removed at the end, and
faces of photos that moved later get the new addresses.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from facerec.core.existing import collection_or_none
from facerec.core.limits import MAX_JSON_BYTES
from facerec.errors import CollectionNotFoundError, ObjectNotFoundError
from facerec.jobs.erasing.first_release_deletions import keep_first_deletions
from facerec.jobs.erasing.lost_erasures import Returned, remove_returned
from facerec.jobs.ledger.layout import verified_uri
from facerec.jobs.planned_collection import collection_of
from facerec.jobs.remembered.collections import note_restored, was_lost
from facerec.jobs.remembered.doubts import note_doubt
from facerec.jobs.start_order import last_started_first, started_job
from facerec.jobs.verifying.addresses import correct_addresses
from facerec.jobs.verifying.job_check import other_plans, verify_job, verify_repeated
from facerec.jobs.verifying.lost_photos import count_lost, request_lost_photos
from facerec.jobs.verifying.outdated_faces import remove_outdated_faces
from facerec.jobs.verifying.segment_check import Verification
from facerec.jobs.verifying.statements import LastStatements

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import Collection
    from facerec.jobs.plan import Plan
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects.protocol import ObjectStore


def note_doubt_if_changed(
    collection_id: str, objects: ObjectStore, jobs_root: str, faces: FaceStore, records: RecordStore
) -> None:
    """Note that a collection may have faces of photos that no job remembers, if it has changed.

    It has changed if the version of its faces is not the one that the last run noted, for example
    because only the job folders or only the database were restored from a copy. See
    ``remembered.doubts``. A store whose faces have no version is not checked.
    """
    collection = collection_or_none(collection_id, records)
    if collection is None:
        return
    if has_changed(collection, objects, jobs_root, faces):
        note_doubt(objects, jobs_root, collection_id)


def has_changed(
    collection: Collection, objects: ObjectStore, jobs_root: str, faces: FaceStore
) -> bool:
    """Return whether the stored faces have a version, and it is not the one of the last run."""
    version = faces.version(collection.collection_id)
    note = verified_uri(jobs_root, collection.collection_id, collection.created_at)
    return version is not None and version != _read_note(objects, note)[1]


class CollectionCheck:
    """Compares a collection with the ledgers of its jobs if it has changed.

    Attributes:
        was_lost: Whether the database had lost the collection.
    """

    def __init__(
        self,
        plan: Plan,
        objects: ObjectStore,
        jobs_root: str,
        *,
        faces: FaceStore,
        records: RecordStore,
    ) -> None:
        self._plan, self._objects, self._jobs_root = plan, objects, jobs_root
        self._faces, self._records = faces, records
        self._note = verified_uri(jobs_root, plan.collection_id, plan.collection_created_at)
        self.was_lost = was_lost(objects, jobs_root, collection_of(plan))
        self._last = LastStatements()

    def verify(self) -> Verification:
        """Restore faces that the collection has lost, remove outdated ones, and return the counts.

        If the stored faces have not changed since the last run, only this job is compared, with the
        photos that it shares with others. If that run was one of this job, nothing is compared.

        Faces of this job take precedence: if another job indexed a photo with other options, the
        collection should contain this job's faces.

        Raises:
            ReceiptDamagedError: A copy of tombstones is damaged.
            InvalidInputError: A segment of a ledger, the note of a folder elsewhere, or the list of
                earlier collections is damaged.
            CollectionNotFoundError: The collection was deleted in the meantime.
            ConflictError: Too many concurrent changes of a person or of corrections, or the
                collection serves another model version now.
            ObjectNotFoundError: The job was deleted in the meantime.
            StoreUnavailableError: A store failed; another call continues the repair.
        """
        noted_job, noted_version = self._noted()
        version = self._faces.version(self._plan.collection_id)
        unchanged = version is not None and version == noted_version and not self.was_lost
        if unchanged and self._plan.job_id == noted_job:
            return Verification()
        total, last, returned = Verification(), LastStatements(), Returned()
        self._last = last
        if not unchanged:
            self._keep_first_deletions()
            returned = self._remove_returned()
            total.returned, total.people_returned = returned.faces, returned.people
        own = started_job(self._plan, self._objects)
        stores = self._faces, self._records
        total.add(verify_job(own, self._objects, *stores, repair=True, last=last))
        if unchanged:
            total.add(verify_repeated(self._plan, self._objects, self._jobs_root, *stores, last))
            return total
        others, unreadable = other_plans(self._plan, self._objects, self._jobs_root)
        for job in last_started_first(others, self._objects):
            total.add(verify_job(job, self._objects, *stores, repair=True, last=last))
        collection = self._collection()
        if collection is not None:
            total.outdated = remove_outdated_faces(
                collection, returned, last, *stores, repair=True, is_complete=not unreadable
            )
            if not unreadable:
                total.moved = correct_addresses(collection, last, *stores, repair=True)
        total.add(count_lost(last))
        return total

    def finish(self, found: Verification, *, has_changed: bool) -> bool:
        """Record, after the job is complete, that the collection agrees with the ledgers.

        If faces are lost, nothing is recorded, so that each run compares the collection. The next
        job of their source reads their photos.

        Args:
            found: The result of ``verify``; receives the numbers of faces that are still lost.
            has_changed: Whether the run has read or removed photos, which may be those of lost
                faces.

        Returns:
            Whether another job must read photos whose faces are lost, apart from those for which
            this was requested before.

        Raises:
            FacerecError: See ``verify``.
        """
        if found.lost and has_changed:
            left = self.verify()
            found.lost, found.lost_photos = left.lost, left.lost_photos
        requested = 0
        if found.lost:
            requested = request_lost_photos(
                collection_of(self._plan), self._last, [self._plan], self._objects, self._jobs_root
            )
        self._record(agrees=not found.lost)
        return requested > 0

    def _record(self, *, agrees: bool) -> None:
        version = self._faces.version(self._plan.collection_id)
        if version is not None and agrees:
            self._objects.write(self._note, f"{self._plan.job_id}\n{version}".encode())
        if self.was_lost:
            note_restored(self._objects, self._jobs_root, collection_of(self._plan))

    def _keep_first_deletions(self) -> None:
        if self._collection() is not None:
            keep_first_deletions(
                self._plan.collection_id,
                self._objects,
                self._jobs_root,
                self._faces,
                self._records,
            )

    def _collection(self) -> Collection | None:
        """Return the collection of the job; None if it was deleted."""
        plan = self._plan
        with suppress(CollectionNotFoundError):
            collection = self._records.get_collection(plan.collection_id)
            if collection.created_at == plan.collection_created_at:
                return collection
        return None

    def _remove_returned(self) -> Returned:
        collection = self._collection()
        if collection is None:
            return Returned()
        return remove_returned(
            collection,
            self._objects,
            self._jobs_root,
            self._faces,
            self._records,
            repair=True,
        )

    def _noted(self) -> tuple[str, str]:
        return _read_note(self._objects, self._note)


def _read_note(objects: ObjectStore, uri: str) -> tuple[str, str]:
    """Return the recorded job and version; both are empty if there is no record."""
    try:
        job_id, _, version = objects.read(uri, end=MAX_JSON_BYTES).decode().partition("\n")
    except ObjectNotFoundError:
        return "", ""
    return job_id, version
