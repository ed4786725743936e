"""Removes the faces of photos that were replaced or are gone, when their job is complete.

The plan lists the candidates (``stale.jsonl``). Each is checked again at the time of the removal:

- A photo that is listed as gone but exists keeps its faces: a listing may miss a file that is
  renamed at the same time.
- A replaced photo keeps its faces until the new version has been read.
- Faces of a photo that also exists at another address stay: photos are identified by their content,
  so a copied photo has the same faces, and so has a moved one, unless its external image id depends
  on its path. An address counts only if a photo is there now: a folder may have been renamed since.
  Otherwise the address is no longer remembered, so that a photo that comes back, for example when a
  disk is mounted again, is indexed.
- If a photo that is gone was moved and has a new external image id, its people and corrections go
  to its faces at the new address. Without ``prune``, no other face of a photo that is gone is
  removed.
- If a photo has another external image id now, its old faces go when the new ones are stored, and
  their people and corrections go to these. The old id is no longer remembered, so that it can come
  back; neither is it if the photo was replaced as well.

Plans do not list versions that another job reads at the same time; ``concurrent_versions`` finds
them. Nor do they list photos that are not remembered, because of a restored copy or a deleted job;
``unremembered`` finds those if there is a doubt.

The faces are deleted as by ``Gallery.delete_faces``, in all copies, and disassociated from their
people.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cache, partial
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from facerec.core.batches import batches
from facerec.errors import ObjectNotFoundError
from facerec.gallery.people.moved_faces import hand_over
from facerec.jobs.concurrent_versions import (
    later_plans,
    memory_of,
    replaced_at_same_time,
    request_later_removals,
)
from facerec.jobs.difference import Removal
from facerec.jobs.ledger.layout import removal_uri, stale_uri
from facerec.jobs.ledger.removal_record import read_removal
from facerec.jobs.moved_photos import MovedPhotos, PhotoReadAgain, read_again_at, same_faces
from facerec.jobs.outcomes import NOT_READ
from facerec.jobs.remembered.comparison import StalePhoto, stale_photo_of_line
from facerec.jobs.remembered.doubts import doubt_about, note_compared
from facerec.jobs.remembered.photos import photo_of_line
from facerec.jobs.unremembered import find_unremembered
from facerec.jobs.writing import collection_of
from facerec.storage.objects.protocol import ObjectStore, may_exist

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.jobs.plan import Plan
    from facerec.jobs.remembered.runs import Memory, Remembered
    from facerec.storage.faces import FaceStore

Address: TypeAlias = tuple[str, str]
"""Address of a photo, and its external image id or ""."""

PHOTOS_AT_ONCE = 4096
"""Number of photos whose faces are deleted together, in one pass over all job folders."""

DeleteFaces = Callable[[str, Sequence[str]], int]
"""Deletes faces of a collection like ``Gallery.delete_faces``, including those of people, and
returns their number. It leaves no tombstones: nobody deleted these faces on purpose, and they come
back with their photo."""


def remove_stale(
    plan: Plan,
    objects: ObjectStore,
    faces: FaceStore,
    records: RecordStore,
    jobs_root: str,
    delete: DeleteFaces,
) -> Removal:
    """Remove the faces of photos that were replaced or are gone; call it when a job is complete.

    Calling it again changes nothing.

    Args:
        plan: the job's plan.
        objects: contains the photos and the job folders.
        faces: the store of the collection.
        records: store of its people.
        jobs_root: parent of all job folders, with the final ``/``.
        delete: deletes faces.

    Returns:
        Counts of what was removed, now or by an earlier call.

    Raises:
        InvalidInputError: more photos are gone than may be pruned.
    """
    done = read_removal(objects, plan.job_folder)
    if done is not None:
        return done
    memory, collection = memory_of(plan, objects, jobs_root), collection_of(plan)
    doubt = None
    if plan.prunes_folder:
        doubt = doubt_about(objects, jobs_root, collection, plan.base or "")
    later = later_plans(plan, objects, memory) if plan.children else []
    request_later_removals(later, objects)
    try:
        lines = objects.read(stale_uri(plan.job_folder)).splitlines()
    except ObjectNotFoundError:
        if not (later or doubt):
            return Removal()
        lines = []
    listed = [stale_photo_of_line(line) for line in lines]
    stale = [photo for photo in listed if not (photo.is_gone and may_exist(photo.uri, objects))]
    outdated = dict(replaced_at_same_time(plan, objects, memory))
    if doubt is not None:
        unremembered = find_unremembered(plan, objects, faces, memory)
        stale += unremembered.gone
        for uri, others in unremembered.replaced.items():
            outdated[uri] = outdated.get(uri, frozenset()) | others
    keys, dropped, renamed, read_again = _unheld_keys(stale, outdated, memory, plan, objects)
    gone = [photo for photo in stale if photo.is_gone]
    removal, staying = _remove_faces(
        plan, keys, gone, renamed, read_again, memory, objects, faces, records, delete
    )
    left = {
        (photo.uri, photo.external_image_id)
        for photo in stale
        if photo.is_gone and photo.key not in staying
    }
    memory.cancel(left | dropped, plan)
    objects.write(removal_uri(plan.job_folder), json.dumps(asdict(removal)).encode())
    objects.delete(stale_uri(plan.job_folder))
    if doubt is not None:
        note_compared(objects, jobs_root, collection, plan.base or "", doubt)
    return removal


def _remove_faces(
    plan: Plan,
    keys: Sequence[str],
    gone: Sequence[StalePhoto],
    renamed: dict[str, str],
    read_again: Mapping[str, PhotoReadAgain],
    memory: Memory,
    objects: ObjectStore,
    faces: FaceStore,
    records: RecordStore,
    delete: DeleteFaces,
) -> tuple[Removal, set[str]]:
    """Remove the faces of photos; those of moved photos hand over what is known about them.

    Without ``prune``, photos that are gone keep their faces, unless all these are found again where
    the photo is now. A replaced photo whose bytes are the same only has another external image id.

    Returns:
        Counts of what was removed, and the image keys of the photos that keep their faces.
    """
    staying = set() if plan.prune else {photo.key for photo in gone}.intersection(keys)
    moved_photos, photos, removed = MovedPhotos(gone, keys, memory), 0, 0
    moved = renamed_faces = 0
    for batch in batches(keys, PHOTOS_AT_ONCE):
        stored = dict(faces.get_images(plan.collection_id, batch))
        for key in stored.keys() & read_again.keys():
            new = read_again[key].same_bytes(plan, stored[key])
            if new is None:
                continue
            if read_again[key].replaces_id:
                renamed[key] = new
            else:
                del stored[key]
        successors = {key: new for key, new in renamed.items() if new not in moved_photos.removed}
        # A removal that was killed may have removed the faces already.
        staying -= set(batch) - stored.keys()
        at_new_ids = same_faces(plan, stored, successors, faces)
        found = moved_photos.faces(plan, stored, objects, faces) | at_new_ids
        ids = []
        for key, members in stored.items():
            if key not in staying or all(face.face_id in found for face in members):
                staying.discard(key)
                photos += 1
                ids += [face.face_id for face in members]
                if key in renamed:
                    renamed_faces += len(members)
        handed_over = {face_id: found[face_id] for face_id in ids if face_id in found}
        if handed_over:
            hand_over(plan.collection_id, handed_over, faces=faces, records=records)
            moved += len(handed_over.keys() - at_new_ids.keys())
        if ids:
            removed += delete(plan.collection_id, ids)
    return Removal(photos, removed, moved, renamed_faces), staying


def _unheld_keys(
    stale: Iterable[StalePhoto],
    outdated: Mapping[str, frozenset[str]],
    memory: Memory,
    plan: Plan,
    objects: ObjectStore,
) -> tuple[list[str], set[Address], dict[str, str], dict[str, PhotoReadAgain]]:
    """Return the image keys of stale and outdated photos that are no longer at any address.

    Returns:
        The keys in order; the addresses that are remembered with them but have no photo, or that
        have another photo or external image id now; the new image keys of photos by their old ones
        if they have another external image id now; and the replaced photos by image key.
    """
    candidates: dict[str, list[StalePhoto]] = {}
    for photo in stale:
        if photo.key:
            candidates.setdefault(photo.uri, []).append(photo)
    keys = {photo.key for photos in candidates.values() for photo in photos}
    keys = keys.union(*outdated.values())
    if not keys:
        return [], set(), {}, {}
    renamed: dict[str, str] = {}
    read_again: dict[str, PhotoReadAgain] = {}
    dropped = set[Address]()
    own = memory.number_of(plan.job_id)
    holders: dict[str, set[Address]] = {}
    for uri, members in groupby(memory.newest(), key=itemgetter(0)):
        lines = list(members)
        here = candidates.get(uri, ())
        renamed |= _renamed_at(lines, here)
        read_again |= read_again_at(lines, here, own)
        held = _held_at(lines, here, own)
        dropped |= _dropped_at(lines, here, held)
        held = keys & (held - outdated.get(uri, set()))
        for _, name, _, line in lines if held else ():
            if (key := photo_of_line(line).key) in held:
                holders.setdefault(key, set()).add((uri, name))
    exists = cache(partial(may_exist, objects=objects))
    unheld = [
        key for key in keys if not any(exists(uri) for uri, _ in sorted(holders.get(key, ())))
    ]
    dropped = dropped.union(*(holders.get(key, ()) for key in unheld))
    return sorted(unheld), dropped, renamed, read_again


def _renamed_at(lines: Sequence[Remembered], stale: Sequence[StalePhoto]) -> dict[str, str]:
    """Return the new image keys of photos at an address that were read under a new name."""
    old = {
        (photo.external_image_id, photo.version): photo.key for photo in stale if photo.is_renamed
    }
    if not old:
        return {}
    new: dict[str, str] = {}
    for photo in (photo_of_line(line) for *_, line in lines):
        is_old = (photo.external_image_id, photo.version) in old
        if photo.key and not is_old and photo.outcome not in NOT_READ:
            new.setdefault(photo.version, photo.key)
    return {key: new[version] for (_, version), key in old.items() if version in new}


def _dropped_at(
    lines: Sequence[Remembered], stale: Sequence[StalePhoto], held: set[str]
) -> set[Address]:
    """Return an address with the external image ids under which it no longer has any photo.

    Args:
        lines: remembered lines of the address.
        stale: stale photos of the address.
        held: image keys of the photo there.
    """
    if any(photo.is_gone for photo in stale):
        return set()
    names = {photo.external_image_id for photo in stale}
    kept = {name for _, name, _, line in lines if photo_of_line(line).key in {*held, ""}}
    return {(uri, name) for uri, name, *_ in lines if name in names - kept} if names else set()


def _held_at(lines: Sequence[Remembered], stale: Sequence[StalePhoto], own: int | None) -> set[str]:
    """Return the image keys of the photo at an address.

    Args:
        lines: remembered lines of the address, by external image id.
        stale: stale photos of the address.
        own: number of the run that replaces photos.
    """
    if any(photo.is_gone for photo in stale):
        return set()
    photos = [(photo_of_line(line), -number) for _, _, number, line in lines]
    renamed = _renamed_at(lines, stale)
    photos = [(photo, number) for photo, number in photos if photo.key not in renamed]
    stale = [photo for photo in stale if not photo.is_renamed]
    read = {
        photo.key for photo, number in photos if number == own and photo.outcome not in NOT_READ
    }
    if not stale or not read:
        # The photo was not replaced, or the new one could not be read: its faces are the old ones.
        return {photo.key for photo, _ in photos}
    return read | ({photo.key for photo, _ in photos} - {photo.key for photo in stale})
