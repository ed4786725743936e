"""Compares a job's ledger with the collection, and restores faces that the collection has lost.

The ledger of a finished job shows the faces that were stored then, not now. The database may since
have been lost or restored from a backup, and a job with other options may have replaced faces. No
photo is read for the comparison. Faces are restored from the embeddings in the job folder. A face
that was deleted on purpose stays deleted: it has a tombstone, and its embedding was erased from the
job folder.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from facerec.core.ids import first_of_group
from facerec.errors import (
    CollectionNotFoundError,
    InvalidInputError,
    JobDeletedError,
)
from facerec.gallery.erasing.tombstones import count_deleted_photos
from facerec.jobs.erasing.existence import while_it_exists
from facerec.jobs.erasing.lost_erasures import remove_returned
from facerec.jobs.job_ids import NEVER_DELETED
from facerec.jobs.ledger.face_index import id_prefixes
from facerec.jobs.ledger.segments import read_segments
from facerec.jobs.planned_collection import collection_of, store_of_planned
from facerec.jobs.start_order import StartedJob, last_started_first
from facerec.jobs.verifying.addresses import correct_addresses
from facerec.jobs.verifying.lost_collections import (
    plans_of,
    plans_of_collection,
    restore_settings,
    restored_collection,
)
from facerec.jobs.verifying.lost_photos import count_lost, request_lost_photos
from facerec.jobs.verifying.outdated_faces import remove_outdated_faces
from facerec.jobs.verifying.segment_check import Verification, verify_segment
from facerec.jobs.verifying.statements import LastStatements

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from facerec.core.protocols.records import RecordStore
    from facerec.jobs.erasing import without_plan
    from facerec.jobs.folders import UnreadableFolder
    from facerec.jobs.ledger import job_face_index
    from facerec.jobs.plan import Plan
    from facerec.jobs.verifying.statements import Statement
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects.protocol import ObjectStore
else:
    from facerec.core.deferred import DeferredModule

    job_face_index = DeferredModule("facerec.jobs.ledger.job_face_index")
    without_plan = DeferredModule("facerec.jobs.erasing.without_plan")

MAX_CHILDREN_WITHOUT_INDEX = 100
"""Maximum number of children of a job to search for the embeddings of a few photos without an
index. A job on one machine has an index. On AWS, many children search concurrently; ``facerec
rebuild`` reads each job once."""


def verify_job(
    job: StartedJob,
    objects: ObjectStore,
    faces: FaceStore,
    records: RecordStore,
    *,
    repair: bool,
    children: Iterable[int] | None = None,
    last: LastStatements | None = None,
) -> Verification:
    """Compare the ledger of a job with its collection, and return the differences.

    Args:
        job: The job.
        objects: Contains the job folder.
        faces: The store of the collection.
        records: Store of its people.
        repair: Whether to repair differences: to restore lost faces, and to remove outdated ones.
        children: The children whose ledgers to compare; by default all.
        last: Statements (``verifying.statements``) of jobs that were started later; this job's are
            added.

    Raises:
        InvalidInputError: A segment of a ledger is damaged.
        CollectionNotFoundError: The collection was deleted in the meantime.
        ConflictError: Too many concurrent changes of a person or of corrections, or the collection
            serves another model version now.
        ObjectNotFoundError: The job was deleted in the meantime.
        StoreUnavailableError: A store failed; another call continues the repair.
    """
    plan, last = job.plan, LastStatements() if last is None else last
    total, faces = Verification(), store_of_planned(plan, faces, records, writes=repair)
    for child in range(plan.children) if children is None else children:
        for segment in read_segments(objects, plan.job_folder, child):
            total.add(verify_segment(job, segment, objects, faces, records, last, repair=repair))
    total.deleted += _count_erased(plan, records, last)
    return total


def _count_erased(plan: Plan, records: RecordStore, last: LastStatements) -> int:
    """Return the number of erased photos that were not counted for jobs that were started later.

    Their rows do not show which photos they were. As many are counted as have tombstones: the faces
    of the others were stored again on purpose, or they had none.
    """
    found = count_deleted_photos(plan.collection_id, last.erased_rows, records=records)
    counted = max(0, found - last.erased_photos)
    last.erased_photos += counted
    return counted


def verify_repeated(
    plan: Plan,
    objects: ObjectStore,
    jobs_root: str,
    faces: FaceStore,
    records: RecordStore,
    last: LastStatements,
) -> Verification:
    """Restore faces whose embeddings a job does not have, from the folders of all jobs.

    Reads other jobs only if faces are missing, and then only the children that name them.

    Args:
        plan: The job's plan.
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        faces: The store of the collection.
        records: Store of its people.
        last: Statements collected by the comparison of the job.

    Returns:
        Counts of the differences. Faces count as lost only if all jobs could be searched.

    Raises:
        InvalidInputError: A segment of a ledger, or the list of earlier collections, is damaged.
        CollectionNotFoundError: The collection was deleted in the meantime.
        ConflictError: Too many concurrent changes of a person or of corrections, or the collection
            serves another model version now.
        StoreUnavailableError: A store failed; another call continues the repair.
    """
    total = Verification()
    if not last.awaited:
        return total
    last.only_awaited = True
    # The job itself is searched too: another of its children may have indexed the photo.
    plans, unreadable = plans_of_collection(collection_of(plan), objects, jobs_root)
    is_complete = not unreadable
    for job in last_started_first(plans, objects):
        if job.plan.options.digest() != plan.options.digest():
            continue
        wanted = id_prefixes(
            face_id for found in last.awaited.values() for face_id in found.statement.face_ids
        )
        children = (
            job_face_index.children_of_faces(objects, job.plan.job_folder, wanted)
            if wanted
            else set[int]()
        )
        if children is None and job.plan.children > MAX_CHILDREN_WITHOUT_INDEX:
            is_complete = False
            continue
        with suppress(JobDeletedError), while_it_exists(job.plan, objects, writes=False):
            total.add(
                verify_job(job, objects, faces, records, repair=True, children=children, last=last)
            )
    if is_complete:
        total.add(count_lost(last))
    return total


def lost_statements(
    plan: Plan,
    objects: ObjectStore,
    jobs_root: str,
    faces: FaceStore,
    records: RecordStore,
    keys: Collection[str],
) -> dict[str, Statement]:
    """Return the statements about photos with lost faces, by image key; nothing is repaired.

    Faces are lost if neither the collection nor a job folder contains them. Reads only the children
    that name faces of these photos.

    Args:
        plan: A job of the collection.
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        faces: The store of the collection.
        records: Store of its people.
        keys: Image keys of the photos.

    Returns:
        Empty if some jobs cannot be searched, since they may have the faces.

    Raises:
        FacerecError: See ``verify_job``.
    """
    last, wanted = LastStatements(), id_prefixes(map(first_of_group, keys))
    plans, unreadable = plans_of_collection(collection_of(plan), objects, jobs_root)
    if unreadable or not keys:
        return {}
    for job in last_started_first(plans, objects):
        with suppress(JobDeletedError), while_it_exists(job.plan, objects, writes=False):
            children = job_face_index.children_of_faces(objects, job.plan.job_folder, wanted)
            if children is None and job.plan.children > MAX_CHILDREN_WITHOUT_INDEX:
                return {}
            verify_job(job, objects, faces, records, repair=False, children=children, last=last)
    return {key: last.awaited[key].statement for key in keys if key in last.awaited}


def other_plans(
    plan: Plan, objects: ObjectStore, jobs_root: str
) -> tuple[list[Plan], list[UnreadableFolder]]:
    """Return the plans of the other jobs of a job's collection, and the unreadable folders.

    Raises:
        JobFolderError: The list of earlier collections is damaged.
    """
    plans, unreadable = plans_of_collection(collection_of(plan), objects, jobs_root)
    return [other for other in plans if other.job_id != plan.job_id], unreadable


def verify_collection(
    collection_id: str,
    objects: ObjectStore,
    jobs_root: str,
    faces: FaceStore,
    records: RecordStore,
    *,
    repair: bool,
    all_erasures: bool = False,
    requests_lost: bool = True,
    last: LastStatements | None = None,
    is_deleted: Callable[[str], bool] = NEVER_DELETED,
) -> Verification:
    """Compare a collection with the ledgers of all its jobs, and return the differences.

    No photo is read. Faces that no job folder contains are lost; with ``repair``, the next job of
    their source reads their photos.

    If several jobs have read a photo, the one that was started last counts. With ``repair``, a
    collection whose record is lost is created again from the job folders. A deleted collection is
    not, since its job folders were deleted with it.

    Args:
        collection_id: The collection.
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        faces: The store of the collection.
        records: Store of the collections.
        repair: Whether to repair differences: to restore lost faces, and to remove outdated ones.
        all_erasures: See ``remove_returned``.
        requests_lost: Whether a repair requests that photos with lost faces are read.
        last: Receives the statements of all jobs; None discards them.
        is_deleted: Returns whether a job was deleted with its collection, given the id of the job.

    Raises:
        CollectionNotFoundError: The collection does not exist, and is not restored.
        InvalidInputError: The collection does not exist, and none of its job folders can be read;
            or a segment of a ledger, or the list of earlier collections, is damaged.
        ReceiptDamagedError: A copy of tombstones is damaged.
        ConflictError: Too many concurrent changes of a person or of corrections, or the collection
            serves another model version now.
        StoreUnavailableError: A store failed; another call continues the repair.
    """
    try:
        collection = records.get_collection(collection_id)
    except CollectionNotFoundError:
        if not repair:
            raise
        plans, unreadable = plans_of(collection_id, objects, jobs_root)
        if not plans:
            require_readable(collection_id, unreadable)
        collection = restored_collection(collection_id, plans, records)
        restore_settings(collection, plans, objects, jobs_root, records)
    plans, unreadable = plans_of_collection(collection, objects, jobs_root)
    folders = without_plan.data_without_plan(objects, jobs_root, collection_id, is_deleted)
    total = Verification(unreadable_jobs=len(unreadable), folders_without_plan=folders)
    last = last or LastStatements()
    returned = remove_returned(
        collection,
        objects,
        jobs_root,
        faces,
        records,
        repair=repair,
        all_erasures=all_erasures,
    )
    total.returned, total.people_returned = returned.faces, returned.people
    for job in last_started_first(plans, objects):
        with suppress(JobDeletedError), while_it_exists(job.plan, objects, writes=False):
            total.add(verify_job(job, objects, faces, records, repair=repair, last=last))
    total.add(count_lost(last))
    if repair and requests_lost:
        request_lost_photos(collection, last, plans, objects, jobs_root)
    total.outdated = remove_outdated_faces(
        collection, returned, last, faces, records, repair=repair, is_complete=total.is_complete
    )
    if total.is_complete:
        total.moved = correct_addresses(collection, last, faces, records, repair=repair)
    return total


def count_lost_faces(
    collection_id: str, objects: ObjectStore, jobs_root: str, faces: FaceStore, records: RecordStore
) -> int:
    """Return the number of lost faces that the jobs of another model version still contain.

    Args:
        collection_id: The collection.
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        faces: The store of the collection.
        records: Store of the collections.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        InvalidInputError: A segment of a ledger, or the list of earlier collections, is damaged.
        ConflictError: The collection was switched to another model version concurrently.
    """
    collection, lost, last = records.get_collection(collection_id), 0, LastStatements()
    plans, _ = plans_of_collection(collection, objects, jobs_root)
    for job in last_started_first(plans, objects):
        with suppress(JobDeletedError), while_it_exists(job.plan, objects, writes=False):
            found = verify_job(job, objects, faces, records, repair=False, last=last)
            if job.plan.model_version != collection.model_version:
                lost += found.missing
    return lost


def require_readable(collection_id: str, unreadable: Iterable[UnreadableFolder]) -> None:
    """Check, before a collection is restored, that none of its job folders is unreadable.

    Raises:
        InvalidInputError: A folder of the collection cannot be read.
    """
    for folder in unreadable:
        if folder.collection_id == collection_id:
            raise InvalidInputError(
                f"collection {collection_id!r} cannot be restored: the folder of its job "
                f"{folder.job_id} cannot be read: {folder.cause}",
                "index the photos again (the faces get the same ids); keep that folder until then",
            )
