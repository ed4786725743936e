"""Rebuilds a collection from the embeddings in job folders, into any store, without a photo.

Faces that were erased on purpose have no embeddings there any more, so that they stay erased.
Faces that no job has indexed, people and corrections are in no job folder. Unless they are lost,
people and corrections are copied to another store. A copy of the threshold and the tags, with the
retention, is beside the job folders.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from facerec.errors import CollectionNotFoundError, InvalidInputError, ObjectNotFoundError
from facerec.gallery.copying import Copied, copy_records
from facerec.gallery.tombstones import copy_tombstones
from facerec.jobs.folders import redirect
from facerec.jobs.ledger.layout import memory_folder
from facerec.jobs.lost_collections import plans_of, restored_collection
from facerec.jobs.remembered.collections import note_restored, own_creations
from facerec.jobs.segment_check import Verification
from facerec.jobs.verification import require_readable, verify_collection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import Collection
    from facerec.jobs.plan import Plan
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects.protocol import ObjectStore


class Records(StrEnum):
    """What became of the people, corrections and retention of a rebuilt collection."""

    KEPT = "KEPT"
    """The store has them."""
    COPIED = "COPIED"
    """They were copied from the other store."""
    LOST = "LOST"
    """The record of the collection was lost, and they with it."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A rebuilt collection.

    Attributes:
        faces: what was found and restored.
        records: what became of its records.
        copied: what was copied, if anything was.
    """

    faces: Verification
    records: Records
    copied: Copied | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what was found and restored as JSON values."""
        copied = None if self.copied is None else asdict(self.copied)
        return {**asdict(self.faces), "records": str(self.records), "copied": copied}


def rebuilt_from_json(document: Mapping[str, Any]) -> Rebuilt:
    """Return what ``Rebuilt.to_json`` returned as JSON values."""
    fields = dict(document)
    records, copied = Records(fields.pop("records")), fields.pop("copied")
    return Rebuilt(Verification(**fields), records, None if copied is None else Copied(**copied))


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
) -> Rebuilt:
    """Restore all faces that jobs have indexed and that were not erased.

    Calling it again continues where an earlier call ended.

    Args:
        collection_id: the collection; it is created if it does not exist.
        objects: contains the job folders.
        jobs_root: parent of all job folders, with the final ``/``.
        faces: the store that receives the faces.
        records: store of the collections there.
        complete_erasures: completes erasures that are not finished, which may not have reached all
            job folders yet.
        target_root: parent of the job folders of the store that receives the faces, if that is
            another one: it is noted there where the job folders are, so that an erasure reaches
            them.
        source: the records that the job folders belong to, if the faces go to another store: what
            they know of people is copied, once, and what they know of deleted faces, so that no job
            adds these again.

    Returns:
        What was found and restored.

    Raises:
        CollectionNotFoundError: no job has indexed the collection.
        InvalidInputError: the store has another collection of this id, or its own list of deleted
            faces; or no folder of its jobs can be read.
    """
    complete_erasures()
    plans, unreadable = plans_of(collection_id, objects, jobs_root)
    if not plans:
        require_readable(collection_id, unreadable)
    lost = not _require_same_collection(collection_id, plans, objects, jobs_root, records)
    if target_root is not None:
        for plan in plans:
            redirect(objects, target_root, plan)
    if source is None or target_root is None:
        found = verify_collection(collection_id, objects, jobs_root, faces, records, repair=True)
        note_restored(objects, jobs_root, records.get_collection(collection_id))
        return Rebuilt(found, Records.LOST if lost else Records.KEPT)
    collection = restored_collection(collection_id, plans, records)
    copy_tombstones(collection_id, source=source, target=records)
    found = verify_collection(collection_id, objects, jobs_root, faces, records, repair=True)
    # What was changed in the other store since it was filled is not undone.
    note = f"{memory_folder(target_root, collection_id)}{collection.created_at!r}/copied"
    if _exists(objects, note):
        return Rebuilt(found, Records.KEPT)
    if not _has_collection(collection, source):
        return Rebuilt(found, Records.LOST)
    copied = copy_records(collection_id, source=source, target=records, faces=faces)
    objects.write(note, b"")
    return Rebuilt(found, Records.COPIED, copied)


def _exists(objects: ObjectStore, uri: str) -> bool:
    try:
        objects.head(uri)
    except ObjectNotFoundError:
        return False
    return True


def _has_collection(collection: Collection, records: RecordStore) -> bool:
    """Return whether records have this creation of a collection."""
    try:
        own = records.get_collection(collection.collection_id)
    except CollectionNotFoundError:
        return False
    return own.created_at == collection.created_at


def _require_same_collection(
    collection_id: str,
    plans: list[Plan],
    objects: ObjectStore,
    jobs_root: str,
    records: RecordStore,
) -> bool:
    """Return whether the store has the collection, which must be that of the jobs."""
    try:
        collection = records.get_collection(collection_id)
    except CollectionNotFoundError:
        if not plans:
            raise
        return False
    own = own_creations(objects, jobs_root, collection)
    if not any(plan.collection_created_at in own for plan in plans):
        raise InvalidInputError(
            f"no job folder belongs to the collection {collection_id!r} of the store",
            "restore into another store; deleting that collection would delete the job folders too",
        )
    return True
