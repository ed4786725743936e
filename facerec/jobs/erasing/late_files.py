"""Sweeps what killed children have added to jobs of deleted collections, in several calls.

A call that is stopped notes in ``sweep@place``, beside the job folders, the last job that it has
swept, with the job at which its round ends. A call that follows within ``SAME_ROUND`` seconds
continues the round. A later one, or one after a failure, starts a new round at that place, which
also contains the jobs that precede it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from facerec.core.limits import MAX_JSON_BYTES
from facerec.errors import FacerecError, JobFolderError, ObjectNotFoundError
from facerec.jobs.erasing.folder_deletion import delete_folder
from facerec.jobs.erasing.without_plan import has_only_late_files
from facerec.jobs.folders import entries_at, list_job_ids
from facerec.jobs.job_ids import is_of_collection
from facerec.jobs.plan import planned_creation

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore


SAME_ROUND = 300.0
"""Seconds in which a call that continues another one belongs to the same round."""


def sweep_late_files(
    objects: ObjectStore,
    jobs_root: str,
    collection_ids: Iterable[str],
    is_deleted: Callable[[str, str], bool],
    is_deleted_creation: Callable[[str, float], bool],
    stop: Callable[[], bool],
) -> frozenset[str]:
    """Delete the folders of the jobs of deleted collections.

    A killed planner may have stored a plan after the deletion.

    Args:
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        collection_ids: Deleted collections; later ones with these ids may exist.
        is_deleted: Returns whether a job was deleted with its collection, given the ids of the
            collection and of the job.
        is_deleted_creation: Returns whether a collection was deleted, given its id and when it was
            created.
        stop: Called before each folder; once it returns true, the rest is left to the next call.

    Returns:
        The collections from whose jobs something was deleted.

    Raises:
        FacerecError: A folder cannot be read or deleted; raised after the other folders were swept.
    """
    ids, errors, swept = sorted(collection_ids), list[FacerecError](), set[str]()
    place = f"{jobs_root}sweep@place"
    first, until = _read_place(objects, place)
    last = first
    for job_id in sorted(list_job_ids(objects, jobs_root), key=lambda each: (each <= first, each)):
        owner = next((each for each in ids if is_of_collection(job_id, each)), None)
        is_left = [job_id > first, job_id <= until]
        if owner is None or not (any(is_left) if until <= first else all(is_left)):
            continue
        if stop():
            written_at = 0.0 if errors else time.time()
            objects.write(place, f"{last}\n{until}\n{written_at}".encode())
            break
        try:
            if _sweep_job(
                objects,
                f"{jobs_root}{job_id}/",
                partial(is_deleted, owner, job_id),
                partial(is_deleted_creation, owner),
            ):
                swept.add(owner)
        except FacerecError as error:
            errors.append(error)
        last = job_id
    else:
        if first:
            objects.delete(place)
    if errors:
        raise errors[0]
    return frozenset(swept)


def _sweep_job(
    objects: ObjectStore,
    uri: str,
    is_deleted: Callable[[], bool],
    is_deleted_creation: Callable[[float], bool],
) -> bool:
    """Delete the folder of a deleted job in the root; return whether it did."""
    own = next(entry for entry in entries_at(objects, uri) if not entry.is_elsewhere)
    created_at = None
    with suppress(JobFolderError):  # A damaged plan may be of a collection that exists.
        created_at = planned_creation(objects, own.job_folder)
    if created_at is not None:
        is_late = is_deleted_creation(created_at)
    else:
        is_late = has_only_late_files(objects, own.job_folder) and is_deleted()
    if is_late:
        delete_folder(objects, own)
    return is_late


def _read_place(objects: ObjectStore, uri: str) -> tuple[str, str]:
    """Return the last job that was swept, and the one at which the round ends; "" without one."""
    try:
        content = objects.read(uri, end=MAX_JSON_BYTES).decode(errors="replace")
    except ObjectNotFoundError:
        return "", ""
    last, *others = content.split("\n")
    with suppress(ValueError):
        until, written_at = others
        if abs(time.time() - float(written_at)) < SAME_ROUND:
            return last, until
    return last, last
