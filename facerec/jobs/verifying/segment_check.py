"""Compares a ledger segment with the collection, and repairs differences.

A row is a statement about the faces of its photo (``verifying.statements``). Counts and ids are
compared; embeddings are read only if faces are missing, and photos never.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from facerec.core.records import by_image
from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.gallery.erasing.tombstones import deleted_boxes, without_deleted
from facerec.gallery.indexing.storing import faces_to_keep, pair_boxes, replace_faces
from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.jobs.outcomes import Outcome
from facerec.jobs.verifying.statements import (
    Awaited,
    LastStatements,
    Statement,
    key_of_row,
    statements_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import FaceRecord, StoredFace
    from facerec.jobs.ledger.segments import Segment
    from facerec.jobs.plan import Plan
    from facerec.jobs.start_order import StartedJob
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects.protocol import ObjectStore


MIN_SHARE_OF_DELETED = 0.99
"""Minimum intersection over union of the boxes of a ledger's face and a deleted face that count as
the same without the photo. The tombstone has the box of the row, and the row may not contain all
faces that were found near it."""


@dataclass(slots=True)
class Verification:
    """Result of a comparison.

    Attributes:
        faces: Number of faces that the collection should contain according to the job.
        missing: Number of these faces that the collection lacked, or contained with other options,
            and that the job folder contains; with ``repair`` they were restored.
        extra: Number of faces of the same photos, including photos without a face, that were stored
            with other options instead; with ``repair`` they were removed.
        kept: Number of faces of the same photos that were stored with other options and that stay
            because they belong to people.
        deleted: Number of faces of the ledger that were deleted on purpose and are not stored; a
            photo without any face left counts as one.
        lost: Number of faces that the collection lacked and that no job folder contains; only
            reading their photos again can restore them.
        lost_photos: Number of the photos of these faces.
        returned: Number of faces deleted on purpose that the collection contained again, from an
            older copy of the database; with ``repair`` they were removed.
        people_returned: Number of people deleted on purpose that the collection contained again,
            from an older copy of the database; with ``repair`` they were removed.
        outdated: Number of faces that the collection contained again, from an older copy of the
            database, although their photos were replaced, are gone or have another external image
            id. With ``repair`` they were removed.
        moved: Number of faces that the collection had at earlier addresses of their photos, from an
            older copy of the database; with ``repair`` their addresses were corrected.
        unreadable_jobs: Number of jobs that were not compared because their folders cannot be read.
        folders_without_plan: Folders that may be of jobs of the collection, and that were not
            compared because they have lost their plan.
    """

    faces: int = 0
    missing: int = 0
    extra: int = 0
    kept: int = 0
    deleted: int = 0
    lost: int = 0
    lost_photos: int = 0
    returned: int = 0
    people_returned: int = 0
    outdated: int = 0
    moved: int = 0
    unreadable_jobs: int = 0
    folders_without_plan: Sequence[str] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all jobs of the collection could be compared."""
        return not (self.unreadable_jobs or self.folders_without_plan)

    @property
    def agrees(self) -> bool:
        """Whether the collection agreed with the ledger, apart from deliberate deletions."""
        older = self.returned or self.people_returned or self.outdated or self.moved
        return not (self.missing or self.extra or self.lost or older)

    def add(self, other: Verification) -> None:
        """Add the counts of another comparison."""
        self.faces += other.faces
        self.missing += other.missing
        self.extra += other.extra
        self.kept += other.kept
        self.deleted += other.deleted
        self.lost += other.lost
        self.lost_photos += other.lost_photos
        self.returned += other.returned
        self.people_returned += other.people_returned
        self.outdated += other.outdated
        self.moved += other.moved
        self.unreadable_jobs += other.unreadable_jobs
        self.folders_without_plan = (*self.folders_without_plan, *other.folders_without_plan)


def verify_segment(
    job: StartedJob,
    segment: Segment,
    objects: ObjectStore,
    faces: FaceStore,
    records: RecordStore,
    last: LastStatements,
    *,
    repair: bool,
) -> Verification:
    """Compare the current statements of a segment with the collection; return the differences.

    Args:
        job: The job.
        segment: A segment of its ledger.
        objects: Contains the job folder.
        faces: The collection's store, restricted to writes of the job.
        records: Store of its people.
        last: Statements of jobs that were started later.
        repair: Whether to repair differences.

    Raises:
        CollectionNotFoundError: The collection was deleted in the meantime.
        ConflictError: Too many concurrent changes of a person or of corrections, or the collection
            serves another model version now.
        StoreUnavailableError: A store failed; another call continues the repair.
    """
    plan, own = job.plan, job.plan.options.digest()
    result = Verification()
    last.note_erased(sum(row.outcome is Outcome.ERASED for row in segment.rows))
    statements = last.choose(statements_of(segment, job), own)
    newest = last.newest_rows(segment)
    keys = [*statements, *(newest.keys() - statements.keys())]
    found = _stored_faces(plan, segment, keys, faces) if keys else {}
    stored = {key: {record.face_id: record for record in held} for key, held in found.items()}
    lacking, differing = set[str](), dict[str, Statement]()
    for key, statement in statements.items():
        here = stored.get(key, {})
        missing = statement.missing(here, own)
        if missing or statement.superseded(here, own):
            differing[key] = statement
        if missing:
            lacking.add(key)
    saved = _read_saved(plan, segment, objects) if lacking else {}
    unsaved = _without_deleted(plan, segment, lacking - saved.keys(), statements, stored, records)
    for key, statement in statements.items():
        left = unsaved[key].missing(stored.get(key, {}), own) if key in unsaved else set[str]()
        if left:
            last.await_embeddings(key, Awaited(unsaved[key], own, len(left)))
            del differing[key]
        else:
            last.decide(key)
            result.faces += len(statement.face_ids)
            if key in unsaved:
                differing[key] = unsaved[key]
                result.deleted += len(statement.face_ids - unsaved[key].face_ids)
    if differing:
        repairs = _repairs(plan, differing, saved, stored, faces, records, result)
        if repair and repairs:
            replace_faces(
                plan.collection_id,
                repairs,
                stored_ids=set[str]().union(*(stored.get(key, ()) for key in repairs)),
                faces=faces,
                records=records,
            )
            delete_again(plan.collection_id, repairs, faces, records)
        for key, repaired in repairs.items():
            stored[key] = {face.record.face_id: face.record for face in repaired}
    last.locate(newest, segment.finished, stored)
    return result


def _repairs(
    plan: Plan,
    differing: Mapping[str, Statement],
    saved: Mapping[str, Sequence[StoredFace]],
    stored: Mapping[str, Mapping[str, FaceRecord]],
    faces: FaceStore,
    records: RecordStore,
    result: Verification,
) -> dict[str, list[StoredFace]]:
    """Return the faces that photos should have, by image key, and count the differences.

    Args:
        plan: Plan of the job that made the statements.
        differing: Statements that differ from the collection.
        saved: Faces of these photos in the job folder.
        stored: Faces of these photos in the collection, by id.
        faces: The store of the collection.
        records: Store of its people.
        result: Receives the counts.
    """
    own = plan.options.digest()
    repairs: dict[str, list[StoredFace]] = {}
    deleted = deleted_boxes(plan.collection_id, differing.keys(), records=records)
    for key, statement in differing.items():
        ids = statement.face_ids
        named = [face for face in saved.get(key, ()) if face.record.face_id in ids]
        # If all faces are stored, the job folder was not read.
        if statement.missing(stored.get(key, {}), own):
            here = without_deleted(named, deleted.get(key, ()))
            result.deleted += len(ids) - len(here)
            if here:
                repairs[key] = list(here)
        else:
            repairs[key] = faces.get_faces(plan.collection_id, sorted(ids)) if ids else []
    _add_staying(plan, repairs, differing, stored, faces)
    kept = faces_to_keep(
        plan.collection_id, repairs, stored, options_digest=own, faces=faces, records=records
    )
    result.kept += sum(map(len, kept.values()))
    for key, restored in list(repairs.items()):
        before = stored.get(key, {})
        named_ids = {face.record.face_id for face in restored} & differing[key].face_ids
        repairs[key] = [*restored, *kept.get(key, ())]
        after = {face.record.face_id for face in repairs[key]}
        missing = named_ids & differing[key].missing(before, own)
        result.missing += len(missing)
        result.extra += len(before.keys() - after)
        kept_anew = any(
            before[face.record.face_id].options_digest != own for face in kept.get(key, ())
        )
        if not missing and before.keys() == after and not kept_anew:
            del repairs[key]
    return repairs


def _without_deleted(
    plan: Plan,
    segment: Segment,
    keys: Collection[str],
    statements: Mapping[str, Statement],
    stored: Mapping[str, Mapping[str, FaceRecord]],
    records: RecordStore,
) -> dict[str, Statement]:
    """Return the statements with the given keys, without faces that somebody has deleted."""
    if not keys:
        return {}
    deleted = deleted_boxes(plan.collection_id, keys, records=records)
    left = {key: statements[key] for key in keys}
    for row in segment.rows if deleted else ():
        key = key_of_row(row, plan)
        if key in left and key in deleted:
            missing = [face for face in row.stored if face.face_id not in stored.get(key, {})]
            boxes = [face.box for face in missing]
            pairs = pair_boxes(boxes, deleted[key], min_share=MIN_SHARE_OF_DELETED)
            gone = {missing[number].face_id for number, _ in pairs}
            left[key] = replace(left[key], face_ids=left[key].face_ids - gone)
    return left


def _add_staying(
    plan: Plan,
    repairs: Mapping[str, list[StoredFace]],
    differing: Mapping[str, Statement],
    stored: Mapping[str, Mapping[str, FaceRecord]],
    faces: FaceStore,
) -> None:
    """Add the stored faces that come from no job, so that the repair keeps them."""
    own = plan.options.digest()
    staying = {
        face_id: key
        for key in repairs
        for face_id in stored.get(key, {}).keys()
        - differing[key].face_ids
        - differing[key].superseded(stored.get(key, {}), own)
    }
    for face in faces.get_faces(plan.collection_id, sorted(staying)) if staying else ():
        repairs[staying[face.record.face_id]].append(face)


def delete_again(
    collection_id: str,
    repairs: Mapping[str, Sequence[StoredFace]],
    faces: FaceStore,
    records: RecordStore,
) -> None:
    """Delete faces again that somebody deleted while the repair stored them."""
    deleted = deleted_boxes(collection_id, repairs.keys(), records=records)
    left = {
        face.record.face_id
        for key, own in deleted.items()
        for face in without_deleted(repairs[key], own)
    }
    late = [face.record.face_id for key in deleted for face in repairs[key]]
    if late := [face_id for face_id in late if face_id not in left]:
        faces.delete_faces(collection_id, late)


def _stored_faces(
    plan: Plan, segment: Segment, keys: Sequence[str], faces: FaceStore
) -> dict[str, list[FaceRecord]]:
    """Return the stored faces of photos of a segment by image key."""
    wanted = set(keys)
    image_ids = {
        key: row.image_id
        for row in segment.rows
        if row.image_id is not None and (key := key_of_row(row, plan)) in wanted
    }
    known = image_ids if len(image_ids) == len(keys) else None
    return faces.get_images(plan.collection_id, keys, image_ids=known)


def _read_saved(plan: Plan, segment: Segment, objects: ObjectStore) -> dict[str, list[StoredFace]]:
    """Return the faces of a segment whose embeddings are in the job folder, by image key."""
    if segment.embeddings is None:
        return {}
    try:
        return by_image(read_embeddings(objects, plan.job_folder + segment.embeddings))
    except (ObjectNotFoundError, InvalidInputError):
        # An erasure has removed the file with all its faces, or it is lost or damaged.
        return {}
