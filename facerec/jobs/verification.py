"""Compares a job's ledger with the collection, and puts back faces that the collection has lost.

A finished job says what was stored, not what is stored: a database may have been lost or restored
from a backup, and a job with other options may have replaced faces since. No photo is read for the
comparison. Faces are restored from the embeddings in the job folder. A face that was deleted on
purpose has no embedding there any more, and a tombstone, so that it stays deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.ids import group_of
from facerec.core.records import Collection, StoredFace, new_collection
from facerec.errors import (
    CollectionNotFoundError,
    InvalidInputError,
    JobDeletedError,
    ObjectNotFoundError,
)
from facerec.gallery.storing import faces_to_keep, replace_faces
from facerec.gallery.tombstones import deleted_boxes, without_deleted
from facerec.jobs.existence import while_it_exists
from facerec.jobs.folders import JobFolder, UnreadableFolder, list_folders
from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.jobs.ledger.segments import Segment, read_segments
from facerec.jobs.lost_erasures import remove_returned_faces
from facerec.jobs.outcomes import Outcome
from facerec.jobs.plan import Plan
from facerec.jobs.writing import faces_of

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects.protocol import ObjectStore


@dataclass(slots=True)
class Verification:
    """What a comparison found.

    Attributes:
        faces: faces that the ledger names as indexed by the job.
        missing: faces among them that the collection lacked, or held as stored with other options,
            and that the job folder has; with ``repair`` they have been restored.
        extra: faces of the same photos that were stored with other options instead; with
            ``repair`` they have been removed.
        kept: faces of the same photos that were stored with other options, and that stay since
            they belong to people.
        deleted: faces of the ledger that were deleted on purpose; a photo without any face left
            counts as one.
        returned: faces that were deleted on purpose, and that the collection had again, from an
            older copy of the database; with ``repair`` they have been removed.
        unreadable_jobs: jobs whose folders cannot be read, so that nothing of them was compared.
    """

    faces: int = 0
    missing: int = 0
    extra: int = 0
    kept: int = 0
    deleted: int = 0
    returned: int = 0
    unreadable_jobs: int = 0

    @property
    def agrees(self) -> bool:
        """Whether the collection agreed with the ledger, deliberate deletions aside."""
        return not (self.missing or self.extra or self.returned)

    def add(self, other: Verification) -> None:
        """Add the numbers of another comparison."""
        self.faces += other.faces
        self.missing += other.missing
        self.extra += other.extra
        self.kept += other.kept
        self.deleted += other.deleted
        self.returned += other.returned
        self.unreadable_jobs += other.unreadable_jobs


def verify_job(
    plan: Plan,
    objects: ObjectStore,
    faces: FaceStore,
    records: RecordStore,
    *,
    repair: bool,
    children: Iterable[int] | None = None,
    seen: set[str] | None = None,
) -> Verification:
    """Compare the ledger of a job with its collection.

    Args:
        plan: the job's plan.
        objects: contains the job folder.
        faces: the store of the collection.
        records: store of its people.
        repair: whether to restore what differs.
        children: the children whose ledgers to compare; by default all.
        seen: keys of images that a newer job has indexed, which are skipped; those of this job are
            added.
    """
    total, faces = Verification(), faces_of(plan, faces, records)
    for child in range(plan.children) if children is None else children:
        for segment in read_segments(objects, plan.job_folder, child):
            expected = _expected(segment)
            if seen is not None:
                expected = {key: ids for key, ids in expected.items() if key not in seen}
                seen.update(expected)
            found = _verify_segment(plan, segment, expected, objects, faces, records, repair=repair)
            total.add(found)
    return total


def verify_collection(
    collection_id: str,
    objects: ObjectStore,
    jobs_root: str,
    faces: FaceStore,
    records: RecordStore,
    *,
    repair: bool,
) -> Verification:
    """Compare the ledgers of all jobs of a collection with it, without reading a photo.

    Of a photo that several jobs have indexed, the newest job counts. With ``repair`` a collection
    whose record is lost is created again, as the job folders name it. A deleted collection is not:
    its job folders are deleted with it.

    Args:
        collection_id: the collection.
        objects: contains the job folders.
        jobs_root: parent of all job folders, with the final ``/``.
        faces: the store of the collection.
        records: store of the collections.
        repair: whether to restore what differs.

    Raises:
        CollectionNotFoundError: the collection does not exist, and is not restored.
        InvalidInputError: the collection does not exist, and none of its job folders can be read.
    """
    plans, unreadable = plans_of(collection_id, objects, jobs_root)
    newest_first = sorted(plans, key=lambda plan: plan.created_at, reverse=True)
    try:
        collection = records.get_collection(collection_id)
    except CollectionNotFoundError:
        if repair and not newest_first:
            require_readable(collection_id, unreadable)
        if not repair:
            raise
        collection = restored_collection(collection_id, plans, records)
    total, seen = Verification(unreadable_jobs=len(unreadable)), set[str]()
    total.returned = remove_returned_faces(
        collection, objects, jobs_root, faces, records, repair=repair
    )
    for plan in newest_first:
        if plan.collection_created_at == collection.created_at:
            with suppress(JobDeletedError), while_it_exists(plan, objects, writes=False):
                total.add(verify_job(plan, objects, faces, records, repair=repair, seen=seen))
    return total


def plans_of(
    collection_id: str, objects: ObjectStore, jobs_root: str
) -> tuple[list[Plan], list[UnreadableFolder]]:
    """Return the plans of a collection's jobs, and the folders that cannot be read.

    A folder that does not name its collection may belong to this one.
    """
    plans, unreadable = list[Plan](), list[UnreadableFolder]()
    for folder in list_folders(objects, jobs_root):
        if isinstance(folder, JobFolder):
            if folder.plan.collection_id == collection_id:
                plans.append(folder.plan)
        elif folder.collection_id in (collection_id, None):
            unreadable.append(folder)
    return plans, unreadable


def require_readable(collection_id: str, unreadable: Iterable[UnreadableFolder]) -> None:
    """Refuse to restore a collection if none of its job folders can be read.

    Raises:
        InvalidInputError: there is one of the collection.
    """
    for folder in unreadable:
        if folder.collection_id == collection_id:
            raise InvalidInputError(
                f"collection {collection_id!r} cannot be restored: the folder of its job "
                f"{folder.job_id} cannot be read: {folder.cause}",
                "keep that folder, and index the photos again; the faces get the same ids",
            )


def restored_collection(
    collection_id: str, plans: Sequence[Plan], records: RecordStore
) -> Collection:
    """Return a collection, created again as the newest of its jobs names it if it is lost.

    Raises:
        CollectionNotFoundError: it does not exist, and there are no jobs.
    """
    try:
        return records.get_collection(collection_id)
    except CollectionNotFoundError:
        if not plans:
            raise
    newest = max(plans, key=lambda plan: plan.created_at)
    collection = new_collection(collection_id, newest.model_version, newest.collection_created_at)
    records.create_collection(collection)
    return collection


def _expected(segment: Segment) -> dict[str, set[str]]:
    """Return the ids of the faces that a segment names as indexed, by image key."""
    return {
        group_of(row.stored[0].face_id): {face.face_id for face in row.stored}
        for row in segment.rows
        if row.stored and row.outcome is not Outcome.ALREADY_INDEXED
    }


def _verify_segment(
    plan: Plan,
    segment: Segment,
    expected: Mapping[str, set[str]],
    objects: ObjectStore,
    faces: FaceStore,
    records: RecordStore,
    *,
    repair: bool,
) -> Verification:
    erased = sum(row.outcome is Outcome.ERASED for row in segment.rows)
    result = Verification(faces=sum(map(len, expected.values())), deleted=erased)
    if not expected:
        return result
    found = faces.get_images(plan.collection_id, list(expected))
    stored = {key: {record.face_id for record in held} for key, held in found.items()}
    own = plan.options.digest()
    differing = {
        key
        for key, ids in expected.items()
        if stored.get(key, set()) != ids
        or any(record.options_digest != own for record in found[key])
    }
    if not differing:
        return result
    saved = _read_saved(plan, segment, objects)
    repairs: dict[str, list[StoredFace]] = {}
    deleted = deleted_boxes(plan.collection_id, differing, records=records)
    for key in differing:
        named = [face for face in saved.get(key, ()) if face.record.face_id in expected[key]]
        here = without_deleted(named, deleted.get(key, ()))
        result.deleted += len(expected[key]) - len(here)
        if here:
            repairs[key] = list(here)
    kept = faces_to_keep(
        plan.collection_id,
        repairs,
        stored,
        options_digest=own,
        faces=faces,
        records=records,
    )
    result.kept += sum(map(len, kept.values()))
    for key, restored in list(repairs.items()):
        repairs[key] = [*restored, *kept.get(key, ())]
        ids, before = {face.record.face_id for face in repairs[key]}, stored.get(key, set())
        # A face may have been replaced under its id: its embedding is that of other options then.
        same = {face.face_id for face in found.get(key, ()) if face.options_digest == own}
        result.missing += len({face.record.face_id for face in restored} - same)
        result.extra += len(before - ids)
        if ids == before == same:
            del repairs[key]
    if repair and repairs:
        replace_faces(
            plan.collection_id,
            repairs,
            stored=set[str]().union(*(stored.get(key, ()) for key in repairs)),
            faces=faces,
            records=records,
        )
        _delete_again(plan.collection_id, repairs, faces, records)
    return result


def _delete_again(
    collection_id: str,
    repairs: Mapping[str, Sequence[StoredFace]],
    faces: FaceStore,
    records: RecordStore,
) -> None:
    """Delete faces that somebody deleted while they were restored."""
    deleted = deleted_boxes(collection_id, repairs.keys(), records=records)
    left = {
        face.record.face_id
        for key, own in deleted.items()
        for face in without_deleted(repairs[key], own)
    }
    late = [face.record.face_id for key in deleted for face in repairs[key]]
    if late := [face_id for face_id in late if face_id not in left]:
        faces.delete_faces(collection_id, late)


def _read_saved(plan: Plan, segment: Segment, objects: ObjectStore) -> dict[str, list[StoredFace]]:
    """Return the faces whose embeddings the job folder keeps of a segment, by image key."""
    saved: dict[str, list[StoredFace]] = {}
    if segment.embeddings is None:
        return saved
    try:
        for face in read_embeddings(objects, plan.job_folder + segment.embeddings):
            saved.setdefault(group_of(face.record.face_id), []).append(face)
    except (ObjectNotFoundError, InvalidInputError):
        # Erased with all its faces.
        return {}
    return saved
