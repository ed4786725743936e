"""Repeats erasures that a record store lacks because it was lost or restored from an older copy.

Their tombstones are restored from copies beside the job folders, so that no job adds an erased face
again. Erased faces that an older copy brought back are removed. This module imports no numpy, so
that the plan function can use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.gallery.erasing.tombstone_copies import (
    mark_seen,
    remove_returned,
    restore_tombstones,
    returned_faces,
    unseen_erasures,
)
from facerec.jobs.remembered.tombstones import erasures_with_tombstones, read_tombstones

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import Collection
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects.protocol import ObjectStore


def restore_lost_tombstones(
    collection_id: str, objects: ObjectStore, jobs_root: str, records: RecordStore
) -> None:
    """Restore the tombstones of erasures that a store has not seen.

    Args:
        collection_id: the collection, which exists.
        objects: contains what jobs remember.
        jobs_root: parent of all job folders, with the final ``/``.
        records: store of the tombstones.
    """
    noted = erasures_with_tombstones(objects, jobs_root, collection_id)
    unseen = unseen_erasures(collection_id, list(noted), records=records)
    if unseen:
        copies = read_tombstones(objects, [noted[each] for each in unseen])
        restore_tombstones(collection_id, copies, records=records)
        mark_seen(collection_id, unseen, records=records)


def remove_returned_faces(
    collection: Collection,
    objects: ObjectStore,
    jobs_root: str,
    faces: FaceStore,
    records: RecordStore,
    *,
    repair: bool,
) -> int:
    """Remove erased faces that an older copy brought back, and restore the tombstones.

    Reads no face if the store has seen all erasures.

    Args:
        collection: the collection.
        objects: contains what jobs remember.
        jobs_root: parent of all job folders, with the final ``/``.
        faces: the store of the collection.
        records: store of its records.
        repair: whether to change anything.

    Returns:
        The number of such faces.
    """
    collection_id, own = collection.collection_id, faces.of(collection)
    noted = erasures_with_tombstones(objects, jobs_root, collection_id)
    unseen = unseen_erasures(collection_id, list(noted), records=records)
    if not unseen:
        return 0
    copies = list(read_tombstones(objects, [noted[each] for each in unseen]))
    returned = list(returned_faces(copies, own.all_faces(collection_id)))
    if repair:
        restore_tombstones(collection_id, copies, records=records)
        if returned:
            remove_returned(collection_id, returned, faces=own, records=records)
        mark_seen(collection_id, unseen, records=records)
    return len(returned)
