"""Compares a job's ledger with the collection, and puts back faces that the collection has lost.

A finished job says what was stored, not what is stored: a database may have been lost or restored
from a backup, and a job with other options may have replaced faces since. No photo is read for the
comparison. Faces are restored from the embeddings in the job folder. A face that was deleted on
purpose has no embedding there any more, so that it stays deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from facerec.core.ids import group_of
from facerec.core.records import StoredFace
from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.jobs.ledger.segments import Segment, read_segments
from facerec.jobs.outcomes import Outcome
from facerec.jobs.plan import Plan
from facerec.storage.faces import FaceStore
from facerec.storage.objects.protocol import ObjectStore


@dataclass(slots=True)
class Verification:
    """What a comparison found.

    Attributes:
        faces: faces that the ledger names as indexed by the job.
        missing: those of them that the collection lacked and the job folder has; they have been
            restored unless the comparison was only to report.
        extra: faces of the same photos that other options had stored instead; likewise removed.
        deleted: those of them that were deleted on purpose.
    """

    faces: int = 0
    missing: int = 0
    extra: int = 0
    deleted: int = 0

    @property
    def agrees(self) -> bool:
        """Whether the collection agreed with the ledger, deliberate deletions aside."""
        return not (self.missing or self.extra)

    def add(self, other: Verification) -> None:
        """Add the numbers of another comparison."""
        self.faces += other.faces
        self.missing += other.missing
        self.extra += other.extra
        self.deleted += other.deleted


def verify_job(
    plan: Plan,
    objects: ObjectStore,
    faces: FaceStore,
    *,
    repair: bool,
    children: Iterable[int] | None = None,
) -> Verification:
    """Compare the ledger of a job with its collection.

    Args:
        plan: the job's plan.
        objects: contains the job folder.
        faces: the store of the collection.
        repair: whether to restore what differs.
        children: the children whose ledgers to compare; by default all.
    """
    total = Verification()
    for child in range(plan.children) if children is None else children:
        for segment in read_segments(objects, plan.job_folder, child):
            total.add(_verify_segment(plan, segment, objects, faces, repair=repair))
    return total


def _verify_segment(
    plan: Plan, segment: Segment, objects: ObjectStore, faces: FaceStore, *, repair: bool
) -> Verification:
    expected = {
        group_of(row.faces[0].face_id): {face.face_id for face in row.faces}
        for row in segment.rows
        if row.outcome is Outcome.INDEXED and row.faces
    }
    result = Verification(faces=sum(map(len, expected.values())))
    if not expected:
        return result
    found = faces.find_images(plan.collection_id, list(expected))
    stored = {key: {record.face_id for record in records} for key, records in found.items()}
    differing = {key for key, ids in expected.items() if stored.get(key, set()) != ids}
    if not differing:
        return result
    kept = _read_kept(plan, segment, objects)
    repairs: dict[str, list[StoredFace]] = {}
    for key in differing:
        here = [face for face in kept.get(key, ()) if face.record.face_id in expected[key]]
        ids = {face.record.face_id for face in here}
        result.deleted += len(expected[key] - ids)
        if not ids or ids == stored.get(key, set()):
            continue
        result.missing += len(ids - stored.get(key, set()))
        result.extra += len(stored.get(key, set()) - ids)
        repairs[key] = here
    if repair and repairs:
        faces.put_images(plan.collection_id, repairs)
    return result


def _read_kept(plan: Plan, segment: Segment, objects: ObjectStore) -> dict[str, list[StoredFace]]:
    """Return the faces whose embeddings the job folder keeps of a segment, by image key."""
    kept: dict[str, list[StoredFace]] = {}
    if segment.embeddings is None:
        return kept
    try:
        for face in read_embeddings(objects, plan.job_folder + segment.embeddings):
            kept.setdefault(group_of(face.record.face_id), []).append(face)
    except (ObjectNotFoundError, InvalidInputError):
        # Erased with all its faces.
        return {}
    return kept
