"""Decides whether a run has to compare the ledgers of a collection with the store.

At the end of a run its job and the version of the stored faces are noted. The version changes with
every write, and a restored or emptied database has another one. While it is the same, the store
holds what that run left, and comparing millions of rows would find nothing. The rows of other jobs
are compared nevertheless: that run may have replaced faces of the same photos.

An older copy of a database has faces that were erased since: they are removed first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.errors import CollectionNotFoundError, ObjectNotFoundError
from facerec.jobs.folders import JobFolder, list_folders
from facerec.jobs.ledger.layout import verified_uri
from facerec.jobs.lost_erasures import remove_returned_faces
from facerec.jobs.verification import Verification, verify_job

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.jobs.plan import Plan
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects.protocol import ObjectStore


class CollectionCheck:
    """Compares a collection with the ledgers of its jobs, unless nobody has changed it."""

    def __init__(
        self,
        plan: Plan,
        objects: ObjectStore,
        jobs_root: str,
        faces: FaceStore,
        records: RecordStore,
    ) -> None:
        self._plan, self._objects, self._jobs_root = plan, objects, jobs_root
        self._faces, self._records = faces, records
        self._note = verified_uri(jobs_root, plan.collection_id, plan.collection_created_at)

    def verify(self) -> Verification:
        """Restore what the collection has lost of this job and all others.

        Faces of this job come first: of a photo that another job has indexed with other options,
        they are what the collection is to hold.
        """
        noted_job, noted_version = self._noted()
        version = self._faces.version(self._plan.collection_id)
        unchanged = version is not None and version == noted_version
        if unchanged and self._plan.job_id == noted_job:
            return Verification()
        total, seen = Verification(), set[str]()
        if not unchanged:
            total.returned = self._remove_returned()
        for plan in (self._plan, *(() if unchanged else self._other_plans())):
            total.add(
                verify_job(plan, self._objects, self._faces, self._records, repair=True, seen=seen)
            )
        return total

    def note(self) -> None:
        """Note that the collection is as the ledgers say."""
        version = self._faces.version(self._plan.collection_id)
        if version is not None:
            self._objects.write(self._note, f"{self._plan.job_id}\n{version}".encode())

    def _remove_returned(self) -> int:
        plan = self._plan
        try:
            collection = self._records.get_collection(plan.collection_id)
        except CollectionNotFoundError:
            return 0
        if collection.created_at != plan.collection_created_at:
            return 0
        return remove_returned_faces(
            collection,
            self._objects,
            self._jobs_root,
            self._faces,
            self._records,
            repair=True,
        )

    def _other_plans(self) -> list[Plan]:
        """Return the plans of the other jobs of this creation of the collection, newest first."""
        plans = [
            folder.plan
            for folder in list_folders(self._objects, self._jobs_root)
            if isinstance(folder, JobFolder)
        ]
        own = (self._plan.collection_id, self._plan.collection_created_at)
        others = (
            plan
            for plan in plans
            if (plan.collection_id, plan.collection_created_at) == own
            and plan.job_id != self._plan.job_id
        )
        return sorted(others, key=lambda plan: plan.created_at, reverse=True)

    def _noted(self) -> tuple[str, str]:
        """Return the noted job and version; both are empty if there is no note."""
        try:
            job_id, _, version = self._objects.read(self._note).decode().partition("\n")
        except ObjectNotFoundError:
            return "", ""
        return job_id, version
