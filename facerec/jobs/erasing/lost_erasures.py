"""Repeats erasures that a record store lacks because it was lost or restored from an older copy.

Their tombstones are restored from copies beside the job folders, so that no job adds an erased face
again. Erased faces and people that an older copy brought back are removed. This module imports no
numpy, so that the plan function can use it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.gallery.erasing.tombstone_copies import (
    doubtful_erasures,
    is_restored,
    mark_seen,
    remove_returned_faces,
    remove_returned_people,
    restore_tombstones,
    returned_faces,
    returned_people,
    unseen_erasures,
    without_lifted,
)
from facerec.gallery.erasing.tombstones import forget_lifts, lifts
from facerec.jobs.remembered.tombstones import (
    erasures_with_tombstones,
    read_tombstones,
    replace_tombstones,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import Collection
    from facerec.core.tombstone_copies import TombstoneCopy
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects.protocol import ObjectStore


def restore_lost_tombstones(
    collection_id: str, objects: ObjectStore, jobs_root: str, records: RecordStore
) -> bool:
    """Restore the tombstones of erasures that a store has not seen.

    ``remove_returned`` marks these erasures as seen, after it has removed what the store contains
    again.

    Args:
        collection_id: The collection, which exists.
        objects: The object store of the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        records: Store of the tombstones.

    Returns:
        Whether there were such erasures: then the store was lost, or restored from an older copy.

    Raises:
        ReceiptDamagedError: A copy of tombstones is damaged.
        CollectionNotFoundError: The collection was deleted in the meantime.
        ConflictError: Too many concurrent changes of the tombstones.
    """
    drop_lifted_tombstones(collection_id, objects, jobs_root, records)
    noted = erasures_with_tombstones(objects, jobs_root, collection_id)
    unseen = _unseen(collection_id, noted, objects, records, repair=True)
    if unseen:
        copies = read_tombstones(objects, [noted[each] for each in unseen])
        restore_tombstones(collection_id, copies, records=records)
    return bool(unseen)


def _unseen(
    collection_id: str,
    noted: Mapping[str, str],
    objects: ObjectStore,
    records: RecordStore,
    *,
    repair: bool,
) -> list[str]:
    """Return the erasures whose tombstones a store lacks, although it may have marked them.

    An earlier release marked erasures without restoring them if the store had a new key.

    Args:
        collection_id: The collection.
        noted: Addresses of copies of tombstones by erasure.
        objects: The object store of the job folders.
        records: Store of the tombstones.
        repair: Whether to mark erasures whose tombstones the store has, so that they are not read
            again.

    Raises:
        ReceiptDamagedError: A copy of tombstones is damaged.
    """
    unseen = unseen_erasures(collection_id, list(noted), records=records)
    for erasure_id in doubtful_erasures(collection_id, list(noted), records=records):
        (copy,) = read_tombstones(objects, [noted[erasure_id]])
        if not is_restored(collection_id, copy, records=records):
            unseen.append(erasure_id)
        elif repair:
            mark_seen(collection_id, [erasure_id], records=records)
    return unseen


def drop_lifted_tombstones(
    collection_id: str, objects: ObjectStore, jobs_root: str, records: RecordStore
) -> None:
    """Remove from the copies the tombstones that were removed from the store on purpose.

    Reads no copy if none has been removed since the last call.

    Args:
        collection_id: The collection.
        objects: The object store of the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        records: Store of the tombstones.

    Raises:
        ReceiptDamagedError: A copy of tombstones is damaged.
        CollectionNotFoundError: The collection was deleted in the meantime.
        ConflictError: Too many concurrent changes of the tombstones.
    """
    notes = lifts(collection_id, records=records)
    if not notes:
        return
    noted = erasures_with_tombstones(objects, jobs_root, collection_id)
    unseen = _unseen(collection_id, noted, objects, records, repair=True)
    for erasure_id in noted.keys() - set(unseen):
        (copy,) = read_tombstones(objects, [noted[erasure_id]])
        left = without_lifted(collection_id, copy, records=records)
        if left != copy:
            replace_tombstones(objects, noted[erasure_id], left)
    forget_lifts(collection_id, notes, records=records)


@dataclass(frozen=True, slots=True)
class Returned:
    """The data that an older copy of the store brought back.

    Attributes:
        faces: Number of erased faces that the copy contains.
        people: Number of erased people that the copy contains.
        removals: Records of removed photos that the store has not seen. Their faces are removed
            when the ledgers have been compared (``jobs.verifying.outdated_faces``).
    """

    faces: int = 0
    people: int = 0
    removals: tuple[TombstoneCopy, ...] = ()


def remove_returned(
    collection: Collection,
    objects: ObjectStore,
    jobs_root: str,
    faces: FaceStore,
    records: RecordStore,
    *,
    repair: bool,
    all_erasures: bool = False,
) -> Returned:
    """Return the erased data that an older copy of the store brought back.

    With ``repair``, removes erased faces and people, and restores the tombstones. Reads no face if
    the store has seen all erasures, unless ``all_erasures`` is true.

    Args:
        collection: The collection.
        objects: The object store of the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        faces: The store of the collection.
        records: Store of its records.
        repair: Whether to remove these faces and people, not only count them.
        all_erasures: Whether to search for the data of all erasures, including those that the store
            has seen. The records mark which erasures they have seen; if only the vectors are an
            older copy, these marks do not show it.

    Raises:
        ReceiptDamagedError: A copy of tombstones is damaged.
        CollectionNotFoundError: The collection was deleted in the meantime.
        ConflictError: Too many concurrent changes of a person or of corrections, or the collection
            serves another model version now.
    """
    collection_id, own = collection.collection_id, faces.of(collection)
    if repair:
        drop_lifted_tombstones(collection_id, objects, jobs_root, records)
    noted = erasures_with_tombstones(objects, jobs_root, collection_id)
    unseen = _unseen(collection_id, noted, objects, records, repair=repair)
    chosen = list(noted) if all_erasures else unseen
    if not chosen:
        return Returned()
    copies = list(read_tombstones(objects, [noted[each] for each in chosen]))
    removals = tuple(copy for copy in copies if copy.removed)
    erased = [copy for copy in copies if copy.places]
    returned = list(returned_faces(erased, own.all_faces(collection_id))) if erased else []
    people = returned_people(collection_id, copies, records=records)
    if repair:
        restore_tombstones(collection_id, copies, records=records)
        if returned:
            remove_returned_faces(collection_id, returned, faces=own, records=records)
        if people.names or people.users:
            remove_returned_people(collection_id, people, faces=own, records=records)
        later = {copy.erasure_id for copy in removals}
        mark_seen(collection_id, set(unseen) - later, records=records)
    return Returned(len(returned), len(people.users), removals)
