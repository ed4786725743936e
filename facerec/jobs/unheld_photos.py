"""Finds photos that are no longer at any address, so that their faces are removed.

When the job is complete, each candidate of its plan (``jobs.stale_faces``) is compared with the
remembered photos of all addresses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, partial
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from facerec.jobs.moved_photos import PhotoReadAgain, read_again_at
from facerec.jobs.outcomes import NOT_READ
from facerec.jobs.remembered.photos import photo_of_line
from facerec.storage.objects.protocol import ObjectStore, may_exist

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from facerec.jobs.plan import Plan
    from facerec.jobs.remembered.memory import Memory
    from facerec.jobs.remembered.newest import Remembered
    from facerec.jobs.remembered.stale_photos import StalePhoto

Address: TypeAlias = tuple[str, str]
"""Address of a photo, and its external image id or ""."""


@dataclass(frozen=True, slots=True)
class UnheldPhotos:
    """The photos that are no longer at any address, and where they have moved.

    Attributes:
        gone: Photos that do not exist any more.
        keys: Image keys of gone and of replaced photos that are at no address any more, in order.
        dropped: Addresses that are remembered with one of ``keys`` but have no photo, or that have
            another photo or external image id now.
        renamed: New image keys of photos by their old ones, if they have another external image id
            now.
        read_again: Replaced photos, with the photos that the job has read at their addresses, by
            old image key.
    """

    gone: tuple[StalePhoto, ...]
    keys: tuple[str, ...] = ()
    dropped: frozenset[Address] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    read_again: Mapping[str, PhotoReadAgain] = field(default_factory=dict)


def find_unheld(
    stale: Sequence[StalePhoto],
    outdated: Mapping[str, frozenset[str]],
    memory: Memory,
    plan: Plan,
    objects: ObjectStore,
) -> UnheldPhotos:
    """Return the stale and outdated photos that are no longer at any address.

    Args:
        stale: The candidates.
        outdated: Image keys of versions that are no longer at their address, by address.
        memory: The remembered photos of the collection.
        plan: Plan of the job.
        objects: Contains the photos.
    """
    gone = tuple(photo for photo in stale if photo.is_gone)
    candidates: dict[str, list[StalePhoto]] = {}
    for photo in stale:
        if photo.key:
            candidates.setdefault(photo.uri, []).append(photo)
    keys = {photo.key for photos in candidates.values() for photo in photos}
    keys = keys.union(*outdated.values())
    if not keys:
        return UnheldPhotos(gone)
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
    return UnheldPhotos(gone, tuple(sorted(unheld)), frozenset(dropped), renamed, read_again)


def _renamed_at(lines: Sequence[Remembered], stale: Sequence[StalePhoto]) -> dict[str, str]:
    """Return the new image keys, by the old ones, of photos that were read under a new name."""
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
    """Return an address, with each external image id that the photo there no longer has.

    Args:
        lines: Remembered lines of the address.
        stale: Stale photos of the address.
        held: Image keys of the photo there.
    """
    if any(photo.is_gone for photo in stale):
        return set()
    names = {photo.external_image_id for photo in stale}
    kept = {name for _, name, _, line in lines if photo_of_line(line).key in {*held, ""}}
    return {(uri, name) for uri, name, *_ in lines if name in names - kept} if names else set()


def _held_at(lines: Sequence[Remembered], stale: Sequence[StalePhoto], own: int | None) -> set[str]:
    """Return the image keys of the photo at an address.

    Args:
        lines: Remembered lines of the address, one for each external image id.
        stale: Stale photos of the address.
        own: Number of the run that replaces photos.
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
