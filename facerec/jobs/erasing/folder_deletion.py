"""Deletes job folders, but only the files in them that facerec wrote.

The plan is renamed first, which ends the job, and deleted last, so that the next deletion finds and
completes one that was killed. Other files in a job folder that the user chose are kept.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from facerec.core.limits import MAX_JSON_BYTES
from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.bulk_import.progress import drop_import
from facerec.jobs.folders import Entry, entries_at, has_plan, note_erased
from facerec.jobs.ledger.collection_face_index import CollectionFaceIndex
from facerec.jobs.plan import deleted_plan_uri, plan_uri, read_facts, read_plan
from facerec.jobs.remembered.doubts import note_doubt
from facerec.storage.objects.local_writing import TEMPORARY_PREFIX
from facerec.storage.objects.protocol import ObjectStore, exists, folder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from facerec.jobs.service import Job

_SUBFOLDERS = (
    *("embeddings", "index", "remembered", "ledger", "children", "outages"),
    *("crashes", "runs"),
)
"""Subfolders of a job folder, in the order of deletion."""

_OWN = re.compile(
    r"""
    (plan|deleted|started|report|run|run-summary|removal|enrolled|imported)\.json
    | (elsewhere|first-failures)\.json
    | stale\.jsonl | run\.new | run\.lock | cancel
    | manifest-[0-9a-f]{8}\.jsonl
    | incomplete/\d+\.json
    | ledger/\d{7}/\d{16}\.jsonl
    | embeddings/\d{7}/\d{16}-\d{16}-[0-9a-f]{16}\.npz
    | (index|remembered)/\d{7}
    | index/sorted(-\d{7}|\.json)
    | children/\d{7}\.json
    | outages/\d+/\d{10}-\d{7}
    | runs/\d+/(\d{7}|restored)\.json
    | crashes/\d{7}/\d{16}-[0-9a-f]{16}
    """,
    re.VERBOSE,
)

_BEFORE_PLAN = re.compile(
    rf"manifest-|stale\.jsonl|elsewhere\.json|plan\.json|{re.escape(TEMPORARY_PREFIX)}"
)
"""The own files in a job folder that may be written before its plan, and the plan."""


def is_own_file(path: str) -> bool:
    """Return whether facerec wrote a file, given as its path in a job folder."""
    folder, _, name = path.rpartition("/")
    if name.startswith(TEMPORARY_PREFIX):
        return folder.partition("/")[0] in ("", "incomplete", *_SUBFOLDERS)
    return _OWN.fullmatch(path) is not None


def delete_job(objects: ObjectStore, entry: Entry, job: Job) -> int:
    """Delete the folder of a job that is not running, and return the number of its files.

    Raises:
        InvalidInputError: The job is pending or running, or its faces are being imported.
    """
    if not job.status.ended:
        raise InvalidInputError(f"job {job.id!r} is {job.status.lower()}", "cancel it first")
    jobs_root = folder_of(entry.uri.rstrip("/"))
    _give_up_import(objects, jobs_root, entry.job_folder)
    if job.collection_id is not None:
        CollectionFaceIndex(objects, jobs_root, job.collection_id).remove(entry.job_id)
    deleted = delete_folder(objects, entry)
    if job.collection_id is not None:
        note_doubt(objects, jobs_root, job.collection_id)
    return deleted


def delete_folder(objects: ObjectStore, entry: Entry) -> int:
    """Delete the files of a job, and return their number.

    A folder in the root belongs to facerec and is deleted as a whole; in a folder elsewhere, only
    files that facerec wrote are deleted. As soon as the deletion starts, the job no longer exists;
    processes that still add to it remove what they added (``facerec.jobs.erasing.existence``).
    """
    folder = entry.job_folder
    files = [uri for uri in _files(objects, entry) if uri != entry.note]
    _rename_plan(objects, folder)
    _delete_files(objects, entry, {deleted_plan_uri(folder), entry.note})
    if entry.is_elsewhere:
        # Once the plan is gone, a deletion that was killed here looks like a missing folder.
        note_erased(objects, entry)
        objects.delete(deleted_plan_uri(folder))
        _delete_empty(objects, folder)
        delete_note(objects, entry)
    elif exists(entry.note, objects):
        objects.delete(deleted_plan_uri(folder))
    else:
        objects.delete_folder(folder)
    return len(files)


def delete_damaged_entry(objects: ObjectStore, jobs_root: str, job_id: str) -> int:
    """Delete the entry of a job whose note is damaged; return the number of deleted files.

    The folder that the note named is unknown and is not deleted.
    """
    folder = f"{jobs_root}{job_id}/"
    files = sum(1 for _ in objects.list(folder))
    objects.delete_folder(folder)
    return files


def delete_late_files(
    objects: ObjectStore, job_folder: str, *, is_claimed: Callable[[], bool] = lambda: False
) -> None:
    """Delete files that were added to a job folder after its deletion, unless it has a new job.

    The renamed plan is kept for the deletion to remove.

    Args:
        objects: Contains the folder.
        job_folder: Uri of the folder, with the final ``/``.
        is_claimed: Returns whether somebody is writing the files of a new job there.
    """
    late = [
        found.uri
        for found in objects.list(job_folder)
        if is_own_file(found.uri.removeprefix(job_folder))
        and found.uri != deleted_plan_uri(job_folder)
    ]
    # Checked after the listing: files of a new job are written only after its claim.
    if is_claimed() or has_plan(objects, job_folder):
        return
    for uri in late:
        objects.delete(uri)
    _delete_empty(objects, job_folder)


def _give_up_import(objects: ObjectStore, jobs_root: str, job_folder: str) -> None:
    """Delete the planned import of a job's faces, which must not have started.

    Raises:
        InvalidInputError: The faces are being imported, or the object with the progress is damaged.
    """
    try:
        plan = read_plan(objects, job_folder)
    except (ObjectNotFoundError, InvalidInputError):
        return
    if plan.bulk_import:
        created_at = plan.collection_created_at
        drop_import(objects, jobs_root, plan.collection_id, created_at, job_folder)


def abandon_job(objects: ObjectStore, job_folder: str) -> None:
    """Delete the files of a job whose collection does not exist, except its renamed plan."""
    _rename_plan(objects, job_folder)
    delete_late_files(objects, job_folder)


def withdraw_plan(
    objects: ObjectStore,
    jobs_root: str,
    job_folder: str,
    created_at: float,
    *,
    is_claimed: Callable[[], bool],
) -> None:
    """Delete the files of a job that was not started, unless its folder has a new plan.

    Unlike ``delete_folder``, this may be called while others plan the same job again. It completes
    a call that was killed: the renamed plan is deleted last.

    Args:
        objects: Contains the folder.
        jobs_root: Parent of all job folders, with the final ``/``.
        job_folder: The folder of the job.
        created_at: When the plan was created; others may have deleted it.
        is_claimed: See ``delete_late_files``.

    Raises:
        JobFolderError: The plan in the folder, or the note of the job, is damaged.
    """
    with suppress(ObjectNotFoundError):
        if read_facts(objects, job_folder).created_at == created_at:
            _rename_plan(objects, job_folder)
    delete_late_files(objects, job_folder, is_claimed=is_claimed)
    if is_claimed() or has_plan(objects, job_folder):
        return
    with suppress(ObjectNotFoundError):
        job_id = read_facts(objects, job_folder, deleted=True).job_id
        for entry in entries_at(objects, f"{jobs_root}{job_id}/"):
            if entry.is_elsewhere and entry.job_folder == job_folder:
                delete_note(objects, entry)
        objects.delete(deleted_plan_uri(job_folder))


def complete_deletion(objects: ObjectStore, jobs_root: str, job_folder: str) -> None:
    """Complete the deletion of the job whose renamed plan a folder contains, if there is one.

    Does nothing if the folder now has the plan of another job.

    Raises:
        JobFolderError: The renamed plan, or the note of the job, is damaged.
    """
    try:
        job_id = read_facts(objects, job_folder, deleted=True).job_id
    except ObjectNotFoundError:
        return
    if has_plan(objects, job_folder):
        return
    for entry in entries_at(objects, f"{jobs_root}{job_id}/"):
        if entry.job_folder == job_folder:
            delete_folder(objects, entry)
            return
    delete_late_files(objects, job_folder)
    objects.delete(deleted_plan_uri(job_folder))


def complete_deletion_of_running(
    objects: ObjectStore, jobs_root: str, job_folder: str, job_id: str
) -> None:
    """Complete the deletion of a job that was running, including its note.

    Raises:
        JobFolderError: The renamed plan, or the note of the job, is damaged.
    """
    complete_deletion(objects, jobs_root, job_folder)
    for entry in entries_at(objects, f"{jobs_root}{job_id}/"):
        own = entry.is_elsewhere and entry.job_folder == job_folder
        if own and not has_plan(objects, job_folder):
            delete_note(objects, entry)


def has_data(objects: ObjectStore, job_folder: str) -> bool:
    """Return whether a folder contains more than the files that are written before a plan."""
    return any(
        next(iter(objects.list(f"{job_folder}{name}/")), None) is not None for name in _SUBFOLDERS
    )


def has_files_after_plan(objects: ObjectStore, job_folder: str) -> bool:
    """Return whether a folder contains files that are only written once it has a plan."""
    return any(
        is_own_file(path) and not _BEFORE_PLAN.match(path)
        for path in (found.uri.removeprefix(job_folder) for found in objects.list(job_folder))
    )


def _rename_plan(objects: ObjectStore, job_folder: str) -> None:
    try:
        content = objects.read(plan_uri(job_folder), end=MAX_JSON_BYTES)
    except ObjectNotFoundError:
        return
    objects.write(deleted_plan_uri(job_folder), content)
    objects.delete(plan_uri(job_folder))


def _files(objects: ObjectStore, entry: Entry) -> list[str]:
    """Return the files that are deleted with a job, embeddings first."""
    folder = entry.job_folder
    files = [found.uri for found in objects.list(folder)]
    if entry.is_elsewhere:
        files = [uri for uri in files if is_own_file(uri.removeprefix(folder))]
    return sorted(files, key=lambda uri: _order(uri.removeprefix(folder)))


def _delete_files(objects: ObjectStore, entry: Entry, last: Set[str]) -> None:
    """Delete the files of a job, except those in ``last``."""
    folder = entry.job_folder
    if not entry.is_elsewhere:
        for name in _SUBFOLDERS:
            objects.delete_folder(f"{folder}{name}/")
    for uri in _files(objects, entry):
        if uri not in last:
            objects.delete(uri)


def delete_note(objects: ObjectStore, entry: Entry) -> None:
    """Delete the note of a job whose folder is elsewhere, once that folder is erased."""
    if all(found.uri == entry.note for found in objects.list(entry.uri)):
        objects.delete_folder(entry.uri)
    else:
        objects.delete(entry.note)


def _order(path: str) -> int:
    """Return the position of a file in the order of deletion; embeddings come first."""
    top = path.partition("/")[0]
    return _SUBFOLDERS.index(top) if top in _SUBFOLDERS else len(_SUBFOLDERS)


def _delete_empty(objects: ObjectStore, folder: str) -> None:
    """Delete the empty subfolders of a job folder."""
    for name in (*_SUBFOLDERS, "incomplete"):
        if next(iter(objects.list(f"{folder}{name}/")), None) is None:
            objects.delete_folder(f"{folder}{name}/")
    if next(iter(objects.list(folder)), None) is None:
        objects.delete_folder(folder)
