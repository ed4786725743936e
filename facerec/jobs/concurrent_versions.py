"""Finds photos that concurrent jobs of one collection have read in different versions.

A plan lists replaced photos that earlier jobs remember. A job that is interrupted or slow adds its
photos to the remembered ones only later, so a later job may index another version of the same file
without detecting this. The job that ends last sees the lines of both, and removes the faces of the
version that is no longer at the address.

A manifest may name several versions of a photo on purpose, by their version ids: these stay.
"""

from __future__ import annotations

from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from facerec.errors import AccessDeniedError, InvalidInputError, ObjectNotFoundError
from facerec.jobs.ledger.layout import stale_uri
from facerec.jobs.ledger.removal_record import is_listed_stale, read_removal
from facerec.jobs.plan import Plan, read_plan
from facerec.jobs.planned_collection import collection_of
from facerec.jobs.planning.rounds import is_complete
from facerec.jobs.remembered.doubts import doubt_about
from facerec.jobs.remembered.memory import Memory
from facerec.jobs.remembered.photos import RememberedPhoto, photo_of_line
from facerec.jobs.versions import is_pinned, version_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from facerec.jobs.remembered.newest import Remembered
    from facerec.storage.objects.protocol import ObjectStore


def memory_of(plan: Plan, objects: ObjectStore, jobs_root: str) -> Memory:
    """Return the remembered photos of a job's collection."""
    return Memory(objects, jobs_root, collection_of(plan))


def is_removal_due(plan: Plan, objects: ObjectStore, jobs_root: str) -> bool:
    """Return whether a complete job may have faces to remove that it has not removed yet.

    Raises:
        JobFolderError: The record of its removal is damaged.
    """
    if read_removal(objects, plan.job_folder) is not None:
        return False
    if is_listed_stale(objects, plan.job_folder):
        return True
    if plan.prunes_folder and doubt_about(objects, jobs_root, collection_of(plan), plan.base or ""):
        return True
    return bool(plan.children and later_plans(plan, objects, memory_of(plan, objects, jobs_root)))


def later_plans(plan: Plan, objects: ObjectStore, memory: Memory) -> list[Plan]:
    """Return the plans of jobs that were started after a job was planned and may overlap it."""
    own = memory.first_number_of(plan.job_id) or 0
    found = []
    for folder in memory.folders_after(own):
        try:
            later = read_plan(objects, folder)
        except (ObjectNotFoundError, InvalidInputError):
            # The plan has since been deleted, or was written by another release.
            continue
        if later.job_id != plan.job_id:
            found.append(later)
    return found


def request_later_removals(later: Iterable[Plan], objects: ObjectStore) -> None:
    """Request that later, incomplete jobs check for overlaps too when they complete."""
    for plan in later:
        if not is_complete(plan, objects):
            objects.write(stale_uri(plan.job_folder), b"", if_absent=True)


def replaced_at_same_time(
    plan: Plan, objects: ObjectStore, memory: Memory
) -> Mapping[str, frozenset[str]]:
    """Return the image keys of photo versions that are no longer at their address, by address.

    Versions that a manifest names by their version ids are not among them.

    Args:
        plan: Plan of a complete job; only its photos are checked.
        objects: Contains the photos and the job folders.
        memory: The remembered photos of the collection.
    """
    own = memory.number_of(plan.job_id)
    lines = memory.lines()
    if own is None:
        # The record of the job was merged with others before the job was complete.
        own = 0
        lines = merge(lines, memory.lines_of(plan.job_folder, own))
    found = {}
    for uri, members in groupby(lines, key=itemgetter(0)):
        keys = _outdated(uri, list(_photos(members)), own, objects)
        if keys:
            found[uri] = keys
    return found


def _photos(lines: Iterable[Remembered]) -> Iterator[tuple[int, RememberedPhoto]]:
    """Yield the photos that were read, with the numbers of their runs."""
    for _, _, number, line in lines:
        photo = photo_of_line(line)
        if photo.key:
            yield -number, photo


def _outdated(
    uri: str, photos: Sequence[tuple[int, RememberedPhoto]], own: int, objects: ObjectStore
) -> frozenset[str]:
    pinned = {photo.key for _, photo in photos if is_pinned(photo.version)}
    photos = [(number, photo) for number, photo in photos if not is_pinned(photo.version)]
    if len({photo.key for _, photo in photos}) < 2 or own not in {number for number, _ in photos}:
        return frozenset()
    try:
        version = version_of(objects.head(uri))
    except (ObjectNotFoundError, AccessDeniedError):
        version = None
    # An unknown version may be the one at the address.
    current = [photo for _, photo in photos if photo.version in (version, "")]
    if not current:
        latest = max(number for number, _ in photos)
        current = [photo for number, photo in photos if number == latest]
    versions = {photo.version for photo in current}
    outdated = {photo.key for _, photo in photos if photo.version not in versions}
    return frozenset(outdated - {photo.key for photo in current} - pinned)
