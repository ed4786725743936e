"""Removes the faces of photos that were replaced or renamed, or are gone, at the end of a job.

The plan lists the candidates (``stale.jsonl``). Each is checked again at the time of the removal:

- A photo that is listed as gone but exists keeps its faces: a listing may miss a file that is
  renamed at the same time.
- A replaced photo keeps its faces until the new version has been read.
- Faces of a photo that also exists at another address stay. Photos are identified by their content,
  so a copied or moved photo has the same faces, unless its external image id depends on its path.
  An address counts only if a photo is there now: a folder may have been renamed since. Other
  addresses are no longer remembered, so that a photo that comes back is indexed, for example when a
  disk is mounted again.
- If a photo that is gone was moved and has a new external image id, its people and corrections are
  handed over to its faces at the new address. Without ``prune``, no other face of a photo that is
  gone is removed.
- If a photo has another external image id now, its old faces are removed when the new ones are
  stored, and their people and corrections are handed over to the new faces. The old id is no longer
  remembered, so that it can come back. The same applies if the photo was replaced as well.

Plans do not list versions that another job reads concurrently, or external image ids that it gives
a photo; ``concurrent_versions`` and ``concurrent_ids`` find them. They also do not list photos that
are not remembered because of a restored copy or a deleted job; ``unremembered`` finds these if
there is a doubt.

The faces are deleted everywhere, as ``Gallery.delete_faces`` does, and disassociated from their
people. A record of the removal stays, for older copies of the database
(``facerec.gallery.erasing.removal_copies``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from facerec.core.batches import batches
from facerec.errors import ObjectNotFoundError
from facerec.gallery.erasing.removal_copies import copy_of_removal
from facerec.gallery.erasing.tombstone_copies import mark_seen
from facerec.gallery.people.moved_faces import hand_over
from facerec.jobs.concurrent_ids import with_concurrent_ids
from facerec.jobs.concurrent_versions import (
    later_plans,
    memory_of,
    replaced_at_same_time,
    request_later_removals,
)
from facerec.jobs.difference import Removal
from facerec.jobs.ledger.layout import removal_uri, stale_uri
from facerec.jobs.ledger.removal_record import is_listed_stale, read_removal
from facerec.jobs.moved_photos import MovedPhotos, same_faces
from facerec.jobs.planned_collection import collection_of
from facerec.jobs.remembered.doubts import doubt_about, note_compared
from facerec.jobs.remembered.stale_photos import read_stale_photos
from facerec.jobs.remembered.tombstones import write_tombstones
from facerec.jobs.unheld_photos import UnheldPhotos, find_unheld
from facerec.jobs.unremembered import find_unremembered
from facerec.jobs.verifying.job_check import lost_statements
from facerec.storage.objects.protocol import ObjectStore, may_exist

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import FaceRecord
    from facerec.gallery.gallery import Gallery
    from facerec.jobs.plan import Plan
    from facerec.jobs.remembered.memory import Memory
    from facerec.jobs.verifying.statements import Statement
    from facerec.storage.faces import FaceStore

PHOTOS_AT_ONCE = 4096
"""Number of photos whose faces are deleted together, in one pass over all job folders."""

DeleteFaces = Callable[[str, Sequence[str]], int]
"""Deletes faces of a collection like ``Gallery.delete_faces``, including those of people, and
returns their number. It leaves no tombstones: nobody deleted these faces on purpose, and they come
back with their photo."""


def deletion_by(gallery: Gallery) -> DeleteFaces:
    """Return the function by which a gallery deletes stale faces."""

    def delete(collection_id: str, face_ids: Sequence[str]) -> int:
        done = gallery.delete_faces(collection_id, face_ids, disassociate=True, tombstones=False)
        return len(done.deleted)

    return delete


def remove_stale(
    plan: Plan,
    objects: ObjectStore,
    faces: FaceStore,
    records: RecordStore,
    jobs_root: str,
    delete: DeleteFaces,
) -> Removal:
    """Remove the faces of a complete job's stale photos: replaced, renamed or gone ones.

    Faces of these photos that neither the collection nor a job folder contains are deleted from the
    ledgers. Calling it again changes nothing.

    Args:
        plan: The job's plan.
        objects: Contains the photos and the job folders.
        faces: The store of the collection.
        records: Store of its people.
        jobs_root: Parent of all job folders, with the final ``/``.
        delete: Deletes faces.

    Returns:
        Counts of the faces that this call or an earlier one removed.

    Raises:
        InvalidInputError: More photos are gone than may be pruned.
        JobFolderError: The list of stale photos, or the record of the removal, is damaged.
        CollectionNotFoundError: The collection was deleted in the meantime.
        ConflictError: Too many concurrent changes of a person or of corrections, or the collection
            serves another model version now.
    """
    done = read_removal(objects, plan.job_folder)
    if done is not None:
        return done
    memory, collection = memory_of(plan, objects, jobs_root), collection_of(plan)
    doubt = None
    if plan.prunes_folder:
        doubt = doubt_about(objects, jobs_root, collection, plan.base or "")
    later = later_plans(plan, objects, memory)
    request_later_removals(later, objects)
    if not (later or doubt or is_listed_stale(objects, plan.job_folder)):
        return Removal()
    stores = _Stores(objects, jobs_root, faces, records, delete)
    removal, is_done = Removal(), False
    while not is_done:
        # Repeated if photos are erased in the meantime: their addresses must not be recorded.
        done_now, is_done = _remove_once(plan, later, memory, stores, doubt)
        removal = removal.plus(done_now)
    objects.write(removal_uri(plan.job_folder), json.dumps(asdict(removal)).encode())
    objects.delete(stale_uri(plan.job_folder))
    if doubt is not None:
        note_compared(objects, jobs_root, collection, plan.base or "", doubt)
    return removal


@dataclass(frozen=True, slots=True)
class _Stores:
    """The stores and functions that a removal uses; see ``remove_stale``."""

    objects: ObjectStore
    jobs_root: str
    faces: FaceStore
    records: RecordStore
    delete: DeleteFaces


def _remove_once(
    plan: Plan, later: Sequence[Plan], memory: Memory, stores: _Stores, doubt: str | None
) -> tuple[Removal, bool]:
    """Remove stale faces, and cancel the remembered photos that are gone.

    Returns:
        Counts of the removed faces, and whether the photos were cancelled (``Memory.cancel``).
    """
    objects = stores.objects
    reservation = memory.begin_cancelling()
    try:
        listed = list(dict.fromkeys(read_stale_photos(objects, stale_uri(plan.job_folder))))
    except ObjectNotFoundError:
        listed = []
    listed = with_concurrent_ids(listed, plan, later, memory, objects)
    stale = [photo for photo in listed if not (photo.is_gone and may_exist(photo.uri, objects))]
    outdated = dict(replaced_at_same_time(plan, objects, memory))
    if doubt is not None:
        unremembered = find_unremembered(plan, objects, stores.faces, memory)
        stale += unremembered.gone
        for uri, others in unremembered.replaced.items():
            outdated[uri] = outdated.get(uri, frozenset()) | others
    unheld = find_unheld(stale, outdated, memory, plan, objects)
    expected = {photo.key: photo.faces for photo in stale if photo.key}
    removal, staying = _remove_faces(plan, unheld, expected, memory, stores)
    left = {
        (photo.uri, photo.external_image_id) for photo in unheld.gone if photo.key not in staying
    }
    return removal, memory.cancel(left | unheld.dropped, plan, reservation)


def _remove_faces(
    plan: Plan,
    unheld: UnheldPhotos,
    expected: Mapping[str, int],
    memory: Memory,
    stores: _Stores,
) -> tuple[Removal, set[str]]:
    """Remove the faces of photos; hand over people and corrections of moved photos.

    Without ``prune``, photos that are gone keep their faces, unless all of them are found again
    where the photo is now. A replaced photo whose bytes are the same only has another external
    image id.

    Returns:
        Counts of the removed faces, and the image keys of the photos that keep their faces.
    """
    keys, faces, renamed = unheld.keys, stores.faces, dict(unheld.renamed)
    staying = set() if plan.prune else {photo.key for photo in unheld.gone}.intersection(keys)
    moved_photos, photos, removed = MovedPhotos(unheld.gone, keys, memory), 0, 0
    moved = renamed_faces = 0
    for batch in batches(keys, PHOTOS_AT_ONCE):
        stored = dict(faces.get_images(plan.collection_id, batch))
        held = set(stored)
        lost_here = _find_lost(plan, batch, stored, expected, stores)
        for key in stored.keys() & unheld.read_again.keys():
            photo = unheld.read_again[key]
            new = photo.same_bytes(plan, stored[key][0].image_id)
            if new is None:
                continue
            if photo.replaces_id:
                renamed[key] = new
            else:
                del stored[key]
        successors = {key: new for key, new in renamed.items() if new not in moved_photos.removed}
        # A removal that was killed may already have removed the faces.
        lost = {key: lost_here[key] for key in lost_here.keys() - held}
        staying -= set(batch) - stored.keys() - lost.keys()
        forgotten = _forget_lost(plan, lost, staying, unheld, moved_photos, stores)
        staying -= forgotten
        photos += len(forgotten)
        removed += sum(len(lost[key].face_ids) for key in forgotten)
        at_new_ids = same_faces(plan, stored, successors, faces)
        found = moved_photos.faces(plan, stored, stores.objects, faces) | at_new_ids
        ids, indexed_at = [], 0.0
        for key, members in stored.items():
            if key not in staying or all(face.face_id in found for face in members):
                staying.discard(key)
                photos += 1
                ids += _ids_of(key, members, lost_here)
                indexed_at = max((indexed_at, *(face.indexed_at for face in members)))
                if key in renamed:
                    renamed_faces += len(members)
        handed_over = {face_id: found[face_id] for face_id in ids if face_id in found}
        if handed_over:
            hand_over(plan.collection_id, handed_over, faces=faces, records=stores.records)
            moved += len(handed_over.keys() - at_new_ids.keys())
        if ids:
            removed += _delete(plan, ids, handed_over, indexed_at, stores)
    return Removal(photos, removed, moved, renamed_faces), staying


def _find_lost(
    plan: Plan,
    keys: Sequence[str],
    stored: Mapping[str, Sequence[FaceRecord]],
    expected: Mapping[str, int],
    stores: _Stores,
) -> dict[str, Statement]:
    """Return statements about photos that have lost faces, by image key.

    Args:
        plan: The job's plan.
        keys: Image keys of the photos.
        stored: Faces of these photos in the collection.
        expected: How many faces are remembered of each photo.
        stores: What the removal reads and changes.
    """
    lacking = [key for key in keys if len(stored.get(key, ())) < expected.get(key, 0)]
    if not lacking:
        return {}
    own = stores.faces, stores.records
    return lost_statements(plan, stores.objects, stores.jobs_root, *own, lacking)


def _ids_of(key: str, stored: Sequence[FaceRecord], lost: Mapping[str, Statement]) -> list[str]:
    """Return the ids of the stored and the lost faces of a photo."""
    ids = {face.face_id for face in stored}
    return sorted(ids | lost[key].face_ids if key in lost else ids)


def _forget_lost(
    plan: Plan,
    lost: Mapping[str, Statement],
    staying: Collection[str],
    unheld: UnheldPhotos,
    moved_photos: MovedPhotos,
    stores: _Stores,
) -> set[str]:
    """Delete from the ledgers the lost faces that would be removed if the collection had them.

    Otherwise they would always count as lost, since no job reads their photos again.

    Args:
        plan: The job's plan.
        lost: Statements about photos without any stored face, by image key.
        staying: Image keys of photos that are gone and keep their faces, unless they have moved.
        unheld: The photos that are no longer at any address.
        moved_photos: Finds the new addresses of photos that are gone.
        stores: The stores and functions of the removal.

    Returns:
        The image keys of these photos.
    """
    forgotten = set[str]()
    for key, statement in lost.items():
        image_id = statement.image_id or ""
        if key in unheld.read_again:
            photo = unheld.read_again[key]
            stays = not photo.replaces_id and photo.same_bytes(plan, image_id) is not None
        else:
            moved = moved_photos.new_key(plan, key, image_id, stores.objects)
            stays = key in staying and moved is None
        if not stays:
            forgotten.add(key)
    gone = [lost[key] for key in sorted(forgotten)]
    if gone:
        ids = [face_id for statement in gone for face_id in sorted(statement.face_ids)]
        _delete(plan, ids, {}, max(statement.made_at for statement in gone), stores)
    return forgotten


def _delete(
    plan: Plan,
    face_ids: Sequence[str],
    handed_over: Mapping[str, str],
    indexed_at: float,
    stores: _Stores,
) -> int:
    """Delete faces, and return their number; keep a record for older copies of the database."""
    copy = copy_of_removal(
        plan.collection_id, face_ids, handed_over, indexed_at=indexed_at, records=stores.records
    )
    write_tombstones(stores.objects, stores.jobs_root, collection_of(plan), copy)
    removed = stores.delete(plan.collection_id, face_ids)
    # Recorded after the deletion: a copy of the database from before it has the faces.
    mark_seen(plan.collection_id, [copy.erasure_id], records=stores.records)
    return removed
