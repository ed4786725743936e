"""Permanently erases faces, photos and collections from job folders.

Embeddings are erased from every job folder of a collection, whichever release of facerec wrote it.
A folder with a renamed plan was left by a killed deletion: it is deleted too. A folder without any
plan may be one that somebody is restoring from a backup. Such a folder is deleted with its whole
collection, which the folder's name shows, but single faces cannot be erased from it. If a folder
that may contain embeddings of the collection cannot be read, everything else is erased, and the
caller gets the error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from facerec.core.collecting import collected, raise_first
from facerec.core.erasures import ErasedJob, Selection
from facerec.errors import FacerecError, InvalidInputError, JobFolderError, ObjectNotFoundError
from facerec.jobs.erasing.covered_jobs import cover_jobs
from facerec.jobs.erasing.folder_deletion import (
    delete_folder,
    delete_late_files,
)
from facerec.jobs.erasing.folder_erasure import (
    erase_from_folder,
    erase_from_memory,
    selected_prefixes,
)
from facerec.jobs.erasing.folder_lock import folder_lock
from facerec.jobs.erasing.unchecked_plans import delete_lists_without_plan
from facerec.jobs.erasing.without_plan import (
    erase_without_plan,
    may_be_of,
    problem_without_plan,
)
from facerec.jobs.folders import (
    Entry,
    has_plan,
    list_entries,
    missing_folder,
)
from facerec.jobs.job_ids import NEVER_DELETED, is_of_collection
from facerec.jobs.ledger.collection_face_index import CollectionFaceIndex
from facerec.jobs.ledger.layout import memory_folder
from facerec.jobs.plan import planned_creation, read_collection_id, read_facts
from facerec.jobs.remembered.collections import creation_of, creations
from facerec.jobs.remembered.erased_photos import note_end
from facerec.storage.objects.leftovers import delete_leftovers

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore


def erase_faces(
    objects: ObjectStore,
    jobs_root: str,
    collection_id: str,
    selection: Selection,
    *,
    is_deleted: Callable[[str], bool] = NEVER_DELETED,
    on_error: Callable[[FacerecError], None] | None = None,
) -> list[ErasedJob]:
    """Erase faces and photos from all job folders of their collection.

    Faces selected by id are searched for only in the jobs that may name them, and in those that the
    face index of the collection does not cover yet (``ledger.collection_face_index``).

    Embeddings and their records are deleted, and rows of ledgers no longer name the faces. If
    photos are selected, their lines in manifests that facerec has listed are blanked; a job that is
    reading such a manifest is interrupted, and resumes when it is started again.

    Args:
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        collection_id: The collection.
        selection: The faces and photos.
        is_deleted: See ``entries_of``.
        on_error: Receives the error of each folder that cannot be read or changed; None raises the
            first one at the end.

    Returns:
        Counts of the removed data, for each folder that changed.

    Raises:
        FacerecError: A job folder that may contain embeddings cannot be read, or cannot be changed;
            raised after the others were erased.
    """
    unreadable: list[FacerecError] = []
    memory = memory_folder(jobs_root, collection_id)
    index = None
    may_name: Callable[[str], bool] = lambda job_id: True  # noqa: E731
    if not selection.names_photos:
        index = CollectionFaceIndex(objects, jobs_root, collection_id)
        may_name = index.may_name(selected_prefixes(selection))
    listed = set[str]()

    def is_searched(job_id: str) -> bool:
        listed.add(job_id)
        return may_name(job_id)

    searched = set[tuple[str, float]]()

    def erase_from_folders() -> Iterator[ErasedJob]:
        for entry in entries_of(
            objects,
            jobs_root,
            collection_id,
            unreadable,
            may_name=is_searched,
            is_deleted=is_deleted,
        ):
            with collected(unreadable):
                plan = entry.job_folder, _planned_at(objects, entry)
                if plan not in searched:
                    searched.add(plan)
                    with folder_lock(jobs_root):
                        yield _erase_from(objects, entry, selection, memory, planned_at=plan[1])

    erased = list(erase_from_folders())
    if index is not None:
        with collected(unreadable):
            index.forget_others(listed)
            cover_jobs(index, objects, jobs_root, collection_id, listed)
    if selection.names_photos:
        for created in list(objects.folders(memory)):
            with collected(unreadable):
                _erase_from_creation(objects, created, selection)
        # These plans were stored in the meantime. Later ones are planned again (``planner``).
        erased += erase_from_folders()
        for created in list(objects.folders(memory)):
            with collected(unreadable):
                delete_lists_without_plan(objects, jobs_root, created)
    raise_first(distinct(unreadable), on_error)
    return [job for job in erased if not job.is_untouched]


def erase_collection(
    objects: ObjectStore,
    jobs_root: str,
    collection_id: str,
    includes: Callable[[float], bool] | None = None,
    *,
    is_deleted: Callable[[str], bool] = NEVER_DELETED,
    on_error: Callable[[FacerecError], None] | None = None,
) -> list[ErasedJob]:
    """Delete the folders of all jobs of a collection: embeddings, ledger, manifest and report.

    In folders outside of ``jobs_root``, only files that facerec wrote are deleted. The next
    deletion completes one that was killed.

    Args:
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        collection_id: The collection.
        includes: Returns whether to delete the jobs of the collection that was created at a given
            time, in seconds since 1970. Jobs of a collection without a memory (``jobs.remembered``)
            are deleted too, since that collection no longer exists. If None, the folders of all
            jobs are deleted.
        is_deleted: See ``entries_of``.
        on_error: See ``erase_faces``.

    Returns:
        Counts of the data removed from each folder.

    Raises:
        FacerecError: A job folder that may contain embeddings cannot be read, or cannot be
            deleted; raised after the others were deleted.
    """
    unreadable: list[FacerecError] = []
    index = CollectionFaceIndex(objects, jobs_root, collection_id)
    with collected(unreadable):
        index.delete()

    def is_kept(entry: Entry) -> bool:
        created_at = None if includes is None else planned_creation(objects, entry.job_folder)
        if includes is None or created_at is None or includes(created_at):
            return False
        # A planner notes its collection before it stores the plan.
        return created_at in creations(objects, jobs_root, collection_id)

    deleted: list[ErasedJob] = []
    if includes is None or all(map(includes, creations(objects, jobs_root, collection_id))):
        # Otherwise a folder without a plan may belong to a later collection of the same name.
        found = erase_without_plan(objects, jobs_root, [collection_id], unreadable.append)
        deleted += [job for _, job in found]
    entries = []
    for entry in entries_of(objects, jobs_root, collection_id, unreadable, is_deleted=is_deleted):
        with collected(unreadable):
            if not is_kept(entry):
                entries.append(entry)
    # A folder may be inside another one: delete the innermost first, and none before its note is
    # handled.
    entries.sort(key=lambda entry: (entry.is_elsewhere, entry.job_folder), reverse=True)
    for entry in entries:
        with collected(unreadable):
            deleted.append(ErasedJob(entry.job_id, files=delete_folder(objects, entry)))
    if not unreadable:
        # It shows a repeated deletion which folders belong to a later collection.
        _erase_memory(objects, jobs_root, collection_id, includes)
    raise_first(distinct(unreadable), on_error)
    return deleted


def _erase_from(
    objects: ObjectStore, entry: Entry, selection: Selection, memory: str, *, planned_at: float
) -> ErasedJob:
    """Erase a selection from a job folder, which may be deleted, or planned again, concurrently."""
    erased = ErasedJob(entry.job_id)
    try:
        erased = erase_from_folder(objects, entry, selection, memory)
    except ObjectNotFoundError:
        if has_plan(objects, entry.job_folder) and _planned_at(objects, entry) == planned_at:
            raise
    # A file that was read before the deletion may have been written after it.
    delete_late_files(objects, entry.job_folder)
    return erased


def _erase_from_creation(objects: ObjectStore, folder: str, selection: Selection) -> None:
    """Erase photos from the memory of one creation of a collection."""
    while erase_from_memory(objects, folder, selection, folder):
        # Other processes may have copied a line from one file to another before it was erased.
        pass
    delete_leftovers(objects, folder, below=True)
    note_end(objects, folder)


def _erase_memory(
    objects: ObjectStore,
    jobs_root: str,
    collection_id: str,
    includes: Callable[[float], bool] | None,
) -> None:
    """Delete the remembered photos of a collection, or only those of some of its creations."""
    folder = memory_folder(jobs_root, collection_id)
    for created in list(objects.folders(folder)):
        created_at = creation_of(created)
        # A folder that facerec did not create is deleted too.
        if includes is None or created_at is None or includes(created_at):
            delete_lists_without_plan(objects, jobs_root, created, is_deleted=True)
            objects.delete_folder(created)
    if not list(objects.folders(folder)):
        objects.delete_folder(folder)


def entries_of(
    objects: ObjectStore,
    jobs_root: str,
    collection_id: str,
    unreadable: list[FacerecError],
    *,
    sweep: bool = True,
    may_name: Callable[[str], bool] = lambda job_id: True,
    is_deleted: Callable[[str], bool] = NEVER_DELETED,
) -> Iterator[Entry]:
    """Yield the entries of a collection's jobs; append folders that cannot be read to a list.

    Folders of other collections are not touched, even if they cannot be read; only deletions of
    their jobs that were started are completed.

    Args:
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        collection_id: The collection.
        unreadable: Receives the errors of folders that cannot be read and may belong to the
            collection.
        sweep: Whether to delete files that a killed deletion or a killed child left.
        may_name: Returns whether to search a job at all, given its id.
        is_deleted: Returns whether a job was deleted with its collection, given its id. A folder of
            such a job that has no plan contains only what a killed child has added.
    """

    def note_unreadable(job_id: str, error: FacerecError) -> None:
        if is_of_collection(job_id, collection_id) is not False:
            unreadable.append(error)

    for entry in list_entries(objects, jobs_root, may_name, on_error=note_unreadable):
        try:
            found = read_collection_id(objects, entry.job_folder)
        except ObjectNotFoundError:
            problem = problem_without_plan(
                objects, entry, collection_id, sweep=sweep, is_deleted=is_deleted
            )
            unreadable += [] if problem is None else [problem]
        except FacerecError as error:
            if may_be_of(entry, collection_id):
                unreadable.append(_unreadable_folder(entry, error))
        else:
            if found == collection_id:
                yield entry
            elif entry.is_elsewhere and entry.collection_id == collection_id:
                # Another job has taken the place of this one.
                unreadable.append(missing_folder(entry))


def _planned_at(objects: ObjectStore, entry: Entry) -> float:
    """Return when a job was planned, in seconds since 1970; 0 if its plan has been deleted."""
    try:
        return read_facts(objects, entry.job_folder).created_at
    except ObjectNotFoundError:
        return 0.0


def _unreadable_folder(entry: Entry, error: FacerecError) -> FacerecError:
    if not isinstance(error, InvalidInputError):
        # Such as a bad sector or a missing permission, which the error names with the file.
        return error
    return JobFolderError(
        entry.job_folder,
        "cannot be read; it may contain faces to be deleted",
        "restore the folder or remove it, then delete again",
    )


def distinct(errors: list[FacerecError]) -> list[FacerecError]:
    """Return errors without those that repeat an earlier one, as a second listing finds them."""
    return list({str(error): error for error in errors}.values())
