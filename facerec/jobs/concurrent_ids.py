"""Decides between the external image ids that overlapping jobs of a collection give a photo.

The job that was started last decides, as if the jobs had run in turn. Each job compares
its source with the photos that earlier jobs remember, which lack those that incomplete jobs read.
The ids are therefore compared twice:

- A job that is planned processes all photos that other, unfinished jobs read under other ids
  (``PlannedIds``), even unchanged ones. So its ledger shows the ids that it gives these photos.
- When a job is complete, its photos are compared with those that all jobs have read by then. Photos
  that later jobs still have to read are left to those jobs.

A derived id never replaces one that somebody chose, whichever job was started last. If the jobs had
run in turn, the photo would have kept the chosen id.
"""

from __future__ import annotations

from dataclasses import replace
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from facerec.jobs.outcomes import NOT_READ
from facerec.jobs.planning.planned_ids import PlannedIds
from facerec.jobs.remembered.photos import photo_of_line
from facerec.jobs.remembered.stale_photos import StalePhoto

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from facerec.jobs.plan import Plan
    from facerec.jobs.remembered.memory import Memory
    from facerec.jobs.remembered.photos import RememberedPhoto
    from facerec.storage.objects.protocol import ObjectStore


def with_concurrent_ids(
    listed: Sequence[StalePhoto],
    plan: Plan,
    later: Sequence[Plan],
    memory: Memory,
    objects: ObjectStore,
) -> list[StalePhoto]:
    """Return the stale photos of a job, corrected by the reads of overlapping jobs.

    Args:
        listed: The stale photos that the job's plan lists.
        plan: Plan of a complete job.
        later: Plans of jobs that overlap it, and were started after it was planned.
        memory: The remembered photos of the collection.
        objects: Contains the photos and the job folders.
    """
    own, first = memory.number_of(plan.job_id), memory.first_number_of(plan.job_id)
    if own is None or first is None:
        return list(listed)
    # An unfinished job compares all photos when it is complete (``request_later_removals``). All
    # lines of the others can be read now.
    unfinished = {each.job_id for each in memory.unfinished()} if later else set()
    planned = PlannedIds((each for each in later if each.job_id in unfinished), objects)
    candidates: dict[str, list[StalePhoto]] = {}
    for photo in listed:
        if photo.is_renamed:
            candidates.setdefault(photo.uri, []).append(photo)
    stale = [photo for photo in listed if not photo.is_renamed]
    # Another job may have cancelled lines that this one wrote only later.
    lines = merge(memory.newest(), memory.lines_of(plan.job_folder, own))
    for uri, members in groupby(lines, key=itemgetter(0)):
        photos = _with_marks((-number, photo_of_line(line)) for _, _, number, line in members)
        here = candidates.pop(uri, [])
        if here or any(number == own for number, _ in photos):
            if planned.at(uri):
                continue
            named_later = {photo.external_image_id for number, photo in photos if number > own}
            stale += (photo for photo in here if photo.external_image_id not in named_later)
            stale += _renamed_since(first, photos)
    return [*stale, *(photo for photos in candidates.values() for photo in photos)]


def _with_marks(
    photos: Iterable[tuple[int, RememberedPhoto]],
) -> list[tuple[int, RememberedPhoto]]:
    """Return the photos of an address, marking an id as chosen in all if any of them does."""
    found = list(photos)
    chosen = {photo.external_image_id for _, photo in found if photo.is_marked}
    return [
        (number, replace(photo, is_marked=photo.external_image_id in chosen))
        for number, photo in found
    ]


def _renamed_since(
    first: int, photos: Sequence[tuple[int, RememberedPhoto]]
) -> Iterator[StalePhoto]:
    """Yield the photos of an address whose external image ids other jobs replace.

    Args:
        first: The number of the earliest job that may overlap others.
        photos: The photos, with the numbers of their jobs.
    """
    for number, old in photos:
        if old.key and any(
            max(number, other) >= first
            and _is_other(new, old)
            and _decides(new, old, is_later=number < other)
            for other, new in photos
            if other != number
        ):
            yield StalePhoto(
                old.uri,
                old.external_image_id,
                old.version,
                old.key,
                old.faces,
                is_gone=False,
                is_renamed=True,
                has_chosen_id=old.has_chosen_id,
            )


def _decides(new: RememberedPhoto, old: RememberedPhoto, *, is_later: bool) -> bool:
    """Return whether one external image id replaces another one.

    Args:
        new: The photo under the first id.
        old: The photo under the second id.
        is_later: Whether the job that gave the first id was started later.
    """
    if new.has_chosen_id == old.has_chosen_id:
        return is_later
    return new.has_chosen_id


def _is_other(new: RememberedPhoto, old: RememberedPhoto) -> bool:
    """Return whether two jobs have read the same photo under different external image ids."""
    return (
        new.key not in ("", old.key)
        and new.outcome not in NOT_READ
        and new.external_image_id != old.external_image_id
        and new.version == old.version != ""
    )
