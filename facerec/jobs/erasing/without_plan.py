"""Decides what to do with job folders that have no plan.

A killed deletion leaves a renamed plan, and is completed. Without a renamed plan, a child that was
killed after a deletion may have added to the folder, or somebody is restoring the folder from a
backup. The names of job folders show which collection they belong to. If a receipt lists the job as
deleted with its collection, its folder is deleted, even if a collection of the same id exists: the
id of a job is a digest that includes when its collection was created, so no other collection has a
job with this id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from facerec.core.collecting import raise_first
from facerec.core.erasures import ErasedJob
from facerec.errors import FacerecError, JobFolderError
from facerec.jobs.erasing.folder_deletion import (
    delete_folder,
    delete_note,
    has_data,
    has_files_after_plan,
)
from facerec.jobs.erasing.leftovers import is_abandoned
from facerec.jobs.folders import (
    Entry,
    has_plan,
    is_being_deleted,
    list_entries,
    missing_folder,
)
from facerec.jobs.job_ids import is_of_collection

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore


def problem_without_plan(
    objects: ObjectStore,
    entry: Entry,
    collection_id: str,
    *,
    sweep: bool,
    is_deleted: Callable[[str], bool],
) -> FacerecError | None:
    """Complete the deletion of a job, or return why its folder without a plan cannot be erased.

    Folders of other collections are not touched, except that a deletion that was started is
    completed.

    Args:
        objects: Contains the job folders.
        entry: The entry of the job.
        collection_id: The collection from which something is erased.
        sweep: Whether to delete files that a killed deletion or a killed child left.
        is_deleted: Returns whether a job was deleted with its collection, given the id of the job.
    """
    try:
        _handle(objects, entry, collection_id, sweep=sweep, is_deleted=is_deleted)
    except FacerecError as error:
        return error if may_be_of(entry, collection_id) else None
    return None


def _handle(
    objects: ObjectStore,
    entry: Entry,
    collection_id: str,
    *,
    sweep: bool,
    is_deleted: Callable[[str], bool],
) -> None:
    """Complete the deletion of a job, or raise an error if its folder cannot be erased.

    Raises:
        FacerecError: The folder may have data of the collection, or its deletion failed.
    """
    if is_being_deleted(objects, entry):
        if sweep:
            delete_folder(objects, entry)
    elif not may_be_of(entry, collection_id):
        # Somebody may be restoring it from a backup.
        return
    elif entry.is_elsewhere:
        _handle_elsewhere(objects, entry, sweep=sweep)
    elif not has_data(objects, entry.job_folder):
        own = is_of_collection(entry.job_id, collection_id)
        if sweep and own and _is_left(objects, entry, is_deleted):
            delete_folder(objects, entry)
    elif not is_deleted(entry.job_id):
        raise _folder_without_plan(entry)
    elif sweep:
        delete_folder(objects, entry)


def _is_left(objects: ObjectStore, entry: Entry, is_deleted: Callable[[str], bool]) -> bool:
    """Return whether nobody needs a folder without a plan and without data."""
    if has_files_after_plan(objects, entry.job_folder) and is_deleted(entry.job_id):
        return True
    return is_abandoned(objects, entry.job_folder)


def _handle_elsewhere(objects: ObjectStore, entry: Entry, *, sweep: bool) -> None:
    if not entry.erased:
        # For example, its disk may not be mounted.
        raise missing_folder(entry)
    if sweep:
        delete_note(objects, entry)


def may_be_of(entry: Entry, collection_id: str) -> bool:
    """Return whether an entry with an unreadable plan may belong to a job of a collection."""
    if entry.is_elsewhere:
        return entry.collection_id == collection_id
    return is_of_collection(entry.job_id, collection_id) is not False


def erase_without_plan(
    objects: ObjectStore,
    jobs_root: str,
    collection_ids: Iterable[str],
    on_error: Callable[[FacerecError], None] | None = None,
) -> list[tuple[str, ErasedJob]]:
    """Delete the folders without a plan of the jobs of deleted collections.

    For example, a child that was killed may have added files to a deleted job.

    Args:
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        collection_ids: The deleted collections, none of which exists again.
        on_error: Receives the error of each folder that cannot be deleted; None raises the first
            one at the end.

    Returns:
        Counts of the deleted data, each with the id of its collection.

    Raises:
        FacerecError: A folder cannot be deleted; raised after the other folders were deleted.
    """
    ids, errors = sorted(collection_ids), list[FacerecError]()
    deleted = list[tuple[str, ErasedJob]]()

    def owner_of(job_id: str) -> str | None:
        return next((each for each in ids if is_of_collection(job_id, each)), None)

    for entry in list_entries(
        objects,
        jobs_root,
        lambda job_id: owner_of(job_id) is not None,
        on_error=lambda _, error: errors.append(error),
    ):
        owner, folder = owner_of(entry.job_id), entry.job_folder
        if owner is None or entry.is_elsewhere:
            continue
        try:
            if has_only_late_files(objects, folder):
                deleted.append(
                    (owner, ErasedJob(entry.job_id, files=delete_folder(objects, entry)))
                )
        except FacerecError as error:
            errors.append(error)
    raise_first(errors, on_error)
    return deleted


def has_only_late_files(objects: ObjectStore, folder: str) -> bool:
    """Return whether a folder has files of a job, or abandoned lists of photos, but no plan.

    For example, a report may have been written while the job was deleted.
    """
    return not has_plan(objects, folder) and (
        has_data(objects, folder)
        or has_files_after_plan(objects, folder)
        or is_abandoned(objects, folder)
    )


def data_without_plan(
    objects: ObjectStore, jobs_root: str, collection_id: str, is_deleted: Callable[[str], bool]
) -> list[str]:
    """Return the folders with data that may be of a collection, but that have lost their plan.

    Folders whose deletion has started are not included, nor what killed children have added to
    jobs that were deleted.

    Args:
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        collection_id: The collection.
        is_deleted: Returns whether a job was deleted with its collection, given the id of the job.
    """

    def is_wanted(job_id: str) -> bool:
        return is_of_collection(job_id, collection_id) is not False

    found = []
    # A note that cannot be read is a job that cannot be read.
    for entry in list_entries(objects, jobs_root, is_wanted, on_error=lambda *_: None):
        folder = entry.job_folder
        try:
            if (
                not entry.is_elsewhere
                and not has_plan(objects, folder)
                and not is_being_deleted(objects, entry)
                and has_data(objects, folder)
                and not is_deleted(entry.job_id)
            ):
                found.append(folder)
        except FacerecError:
            found.append(folder)
    return found


def _folder_without_plan(entry: Entry) -> JobFolderError:
    return JobFolderError(
        entry.job_folder,
        "has no plan; it may contain faces to be deleted",
        "restore its plan.json from a backup or remove the folder, then delete again",
    )
