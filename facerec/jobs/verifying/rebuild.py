"""Rebuilds a collection from the embeddings in job folders, in any store, without photos.

Faces that were erased on purpose stay erased, since their embeddings were erased there too. Job
folders do not contain faces that no job has indexed, people or corrections. Unless they are lost,
people and corrections are copied to another store. A copy of the threshold and the tags, with the
retention, is beside the job folders.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from facerec.core.existing import still_exists
from facerec.core.json_fields import from_fields
from facerec.errors import CollectionNotFoundError, InvalidInputError
from facerec.gallery.erasing.tombstones import copy_tombstones
from facerec.gallery.transfer.copying import Copied, copy_records
from facerec.jobs.bulk_import.progress import begin_rebuild, drop_import
from facerec.jobs.folders import note_folder_elsewhere
from facerec.jobs.job_ids import NEVER_DELETED
from facerec.jobs.ledger.layout import memory_folder
from facerec.jobs.ledger.report import read_complete_report
from facerec.jobs.remembered.collections import note_restored, own_creations
from facerec.jobs.remembered.doubts import note_doubt
from facerec.jobs.verifying.job_check import require_readable, verify_collection
from facerec.jobs.verifying.lost_collections import plans_of, restored_collection
from facerec.jobs.verifying.segment_check import Verification
from facerec.storage.objects.protocol import exists

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from facerec.core.protocols.records import RecordStore
    from facerec.jobs.plan import Plan
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects.protocol import ObjectStore


class Records(StrEnum):
    """Outcome of a rebuild for the people and corrections of the collection."""

    KEPT = "KEPT"
    """People and corrections were already in the store."""
    COPIED = "COPIED"
    """People and corrections were copied from the store that the job folders belong to."""
    LOST = "LOST"
    """People and corrections were lost with the record of the collection."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The outcome of rebuilding a collection.

    Attributes:
        faces: Comparison of the jobs with the collection, and counts of restored faces.
        records: The outcome for the people and corrections.
        copied: Counts of copied records; None unless ``records`` is ``COPIED``.
    """

    faces: Verification
    records: Records
    copied: Copied | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        copied = None if self.copied is None else asdict(self.copied)
        return {**asdict(self.faces), "records": str(self.records), "copied": copied}


def rebuilt_from_json(document: Mapping[str, Any]) -> Rebuilt:
    """Return the result from the JSON values of ``Rebuilt.to_json``, perhaps of another release.

    Raises:
        KeyError: See ``from_fields``.
    """
    copied = document["copied"]
    return Rebuilt(
        from_fields(Verification, document),
        Records(document["records"]),
        None if copied is None else from_fields(Copied, copied),
    )


def rebuild_collection(
    collection_id: str,
    objects: ObjectStore,
    jobs_root: str,
    faces: FaceStore,
    records: RecordStore,
    *,
    complete_erasures: Callable[[], object],
    target_root: str | None = None,
    source: RecordStore | None = None,
    copy_clusters: Callable[[], object] = lambda: None,
    is_deleted: Callable[[str], bool] = NEVER_DELETED,
) -> Rebuilt:
    """Restore all faces that jobs have indexed, except those that were erased.

    If it was interrupted, call it again to continue.

    Args:
        collection_id: The collection; it is created if it does not exist.
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        faces: The store that receives the faces.
        records: Store of the collections that receives the collection.
        complete_erasures: Completes unfinished erasures, which may not have reached all job folders
            yet.
        target_root: Parent of the job folders of the receiving store, if that is a different one;
            the location of these job folders is recorded there, so that an erasure reaches them.
        source: The records that belong to the job folders, if the faces go to another store. People
            are copied once, and tombstones too, so that no job adds deleted faces again.
        copy_clusters: Copies the clusters to the other store; called before people are copied.
        is_deleted: See ``verify_collection``.

    Returns:
        The rebuilt collection.

    Raises:
        CollectionNotFoundError: No job has indexed the collection.
        InvalidInputError: The store has another collection of this id, or its own list of deleted
            faces; or no folder of its jobs can be read; or its faces are being imported; or a
            segment of a ledger is damaged.
        ReceiptDamagedError: A copy of tombstones is damaged.
        StoreUnavailableError: An import of its faces has just started, or a store failed.
        ConflictError: Too many concurrent changes of a person or of corrections, or the collection
            serves another model version now.
    """
    complete_erasures()
    plans, unreadable = plans_of(collection_id, objects, jobs_root)
    if not plans:
        require_readable(collection_id, unreadable)
    lost = not _require_same_collection(collection_id, plans, objects, jobs_root, records)
    if target_root is not None:
        for plan in plans:
            note_folder_elsewhere(objects, target_root, plan)
    if source is None or target_root is None:
        # The vectors may be an older copy, with faces that have since been erased or pruned.
        stored = _give_up_imports(collection_id, plans, objects, jobs_root)
        found = verify_collection(
            collection_id,
            objects,
            jobs_root,
            faces,
            records,
            repair=True,
            all_erasures=True,
            is_deleted=is_deleted,
        )
        for plan in stored:
            created_at = plan.collection_created_at
            drop_import(objects, jobs_root, collection_id, created_at, plan.job_folder)
        note_doubt(objects, jobs_root, collection_id)
        note_restored(objects, jobs_root, records.get_collection(collection_id))
        return Rebuilt(found, Records.LOST if lost else Records.KEPT)
    collection = restored_collection(collection_id, plans, records)
    copy_tombstones(collection_id, source=source, target=records)
    # The store that the job folders belong to may have faces that the folders do not contain.
    found = verify_collection(
        collection_id,
        objects,
        jobs_root,
        faces,
        records,
        repair=True,
        requests_lost=False,
        is_deleted=is_deleted,
    )
    # Changes in the other store since the last copy are not undone.
    note = f"{memory_folder(target_root, collection_id)}{collection.created_at!r}/copied"
    if exists(note, objects):
        return Rebuilt(found, Records.KEPT)
    if not still_exists(collection, source):
        return Rebuilt(found, Records.LOST)
    copy_clusters()
    copied = copy_records(collection_id, source=source, target=records, faces=faces)
    objects.write(note, b"")
    return Rebuilt(found, Records.COPIED, copied)


def _give_up_imports(
    collection_id: str, plans: list[Plan], objects: ObjectStore, jobs_root: str
) -> list[Plan]:
    """Cancel the planned imports of a collection; return the plans of their complete jobs.

    Children of incomplete jobs may be running, and store no faces: their jobs end incomplete.
    """
    creations = {plan.collection_created_at for plan in plans}
    folders = {begin_rebuild(objects, jobs_root, collection_id, each) for each in creations}
    given_up = [plan for plan in plans if plan.job_folder in folders]
    return [plan for plan in given_up if read_complete_report(plan, objects) is not None]


def _require_same_collection(
    collection_id: str,
    plans: list[Plan],
    objects: ObjectStore,
    jobs_root: str,
    records: RecordStore,
) -> bool:
    """Return whether the store contains the collection, and check that the jobs belong to it.

    Raises:
        CollectionNotFoundError: The store does not contain it, and no job has indexed it.
        InvalidInputError: The jobs do not belong to the collection in the store.
    """
    try:
        collection = records.get_collection(collection_id)
    except CollectionNotFoundError:
        if not plans:
            raise
        return False
    own = own_creations(objects, jobs_root, collection)
    if not plans:
        raise InvalidInputError(
            f"no job folder belongs to the collection {collection_id!r} in the store",
            "only faces that jobs have indexed can be restored",
        )
    if not any(plan.collection_created_at in own for plan in plans):
        raise InvalidInputError(
            f"the job folders belong to an earlier collection {collection_id!r}, not to the one in "
            "the store",
            "restore into another store; deleting that collection would delete the job folders too",
        )
    return True
