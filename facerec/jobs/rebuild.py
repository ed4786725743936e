"""Rebuilds a collection from the embeddings in job folders, into any store, without a photo.

Faces that were erased on purpose have no embeddings there any more, so that they stay erased.
Faces that no job has indexed, people and corrections are in no job folder.
"""

from __future__ import annotations

from collections.abc import Callable

from facerec.core.protocols.records import RecordStore
from facerec.errors import CollectionNotFoundError, InvalidInputError
from facerec.gallery.tombstones import copy_tombstones
from facerec.jobs.folders import redirect
from facerec.jobs.plan import Plan
from facerec.jobs.verification import (
    Verification,
    plans_of,
    require_readable,
    restored_collection,
    verify_collection,
)
from facerec.storage.faces import FaceStore
from facerec.storage.objects.protocol import ObjectStore


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
) -> Verification:
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
            they know of deleted faces is copied, so that no job adds these again.

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
    _require_same_collection(collection_id, plans, records)
    if target_root is not None:
        for plan in plans:
            redirect(objects, target_root, plan)
    if source is not None:
        restored_collection(collection_id, plans, records)
        copy_tombstones(collection_id, source=source, target=records)
    return verify_collection(collection_id, objects, jobs_root, faces, records, repair=True)


def _require_same_collection(collection_id: str, plans: list[Plan], records: RecordStore) -> None:
    try:
        collection = records.get_collection(collection_id)
    except CollectionNotFoundError:
        if not plans:
            raise
        return
    if not any(plan.collection_created_at == collection.created_at for plan in plans):
        raise InvalidInputError(
            f"no job folder belongs to the collection {collection_id!r} of the store",
            "restore into another store; deleting that collection would delete the job folders too",
        )
