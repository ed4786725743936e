"""Deletes job folders: only what facerec wrote, and the plan last.

A job folder that the user chose may contain files of the user, which stay.
"""

from __future__ import annotations

import re

from facerec.errors import InvalidInputError
from facerec.jobs.folders import Entry, note_erased
from facerec.jobs.plan import plan_uri
from facerec.jobs.service import Job
from facerec.storage.objects.local import TEMPORARY_PREFIX
from facerec.storage.objects.protocol import ObjectStore, exists

_SUBFOLDERS = ("embeddings", "index", "remembered", "ledger", "children", "crashes")
"""In the order in which they are deleted."""

_OWN = re.compile(
    r"""
    (plan|report|run|removal|elsewhere)\.json | stale\.jsonl | run\.new | run\.lock | cancel
    | manifest-[0-9a-f]{8}\.jsonl
    | incomplete/\d+\.json
    | ledger/\d{7}/\d{16}\.jsonl
    | embeddings/\d{7}/\d{16}-\d{16}-[0-9a-f]{16}\.npz
    | (index|remembered)/\d{7}
    | index/sorted(-\d{7}|\.json)
    | children/\d{7}\.json
    | crashes/\d{7}/\d{16}-[0-9a-f]{16}
    """,
    re.VERBOSE,
)


def is_own_file(path: str) -> bool:
    """Return whether facerec wrote a file, given as its path in a job folder."""
    folder, _, name = path.rpartition("/")
    if name.startswith(TEMPORARY_PREFIX):
        return folder.partition("/")[0] in ("", "incomplete", *_SUBFOLDERS)
    return _OWN.fullmatch(path) is not None


def delete_job(objects: ObjectStore, entry: Entry, job: Job) -> int:
    """Delete the folder of a job that is not running, and return the number of its files.

    Raises:
        InvalidInputError: the job is pending or running.
    """
    if not job.status.ended:
        raise InvalidInputError(f"the job {job.id!r} is {job.status.lower()}", "cancel it first")
    return delete_folder(objects, entry)


def delete_folder(objects: ObjectStore, entry: Entry) -> int:
    """Delete what a root contains of a job, and return the number of files.

    A folder in the root is facerec's as a whole; of one elsewhere, only what facerec wrote is
    deleted.
    """
    folder, plan = entry.job_folder, plan_uri(entry.job_folder)
    files = [found.uri for found in objects.list(folder)]
    if entry.is_elsewhere:
        files = [uri for uri in files if is_own_file(uri.removeprefix(folder))]
        files.sort(key=lambda uri: _order(uri.removeprefix(folder)))
    else:
        for name in _SUBFOLDERS:
            objects.delete_folder(f"{folder}{name}/")
    for uri in files:
        inside = uri.removeprefix(folder).partition("/")[0]
        if uri not in (plan, entry.note) and (entry.is_elsewhere or inside not in _SUBFOLDERS):
            objects.delete(uri)
    if entry.is_elsewhere:
        # Once the plan is gone, a deletion that was killed here looks like a missing folder.
        note_erased(objects, entry)
        objects.delete(plan)
        _delete_empty(objects, folder)
        delete_note(objects, entry)
    elif exists(entry.note, objects):
        objects.delete(plan)
    else:
        objects.delete_folder(folder)
    return len(files)


def delete_note(objects: ObjectStore, entry: Entry) -> None:
    """Delete the note of a job whose folder is elsewhere, once that folder is erased."""
    if all(found.uri == entry.note for found in objects.list(entry.uri)):
        objects.delete_folder(entry.uri)
    else:
        objects.delete(entry.note)


def _order(path: str) -> int:
    """Return the place of a file in the order of deletion: embeddings first."""
    top = path.partition("/")[0]
    return _SUBFOLDERS.index(top) if top in _SUBFOLDERS else len(_SUBFOLDERS)


def _delete_empty(objects: ObjectStore, folder: str) -> None:
    """Delete the folders of a job folder that have no file left."""
    for name in (*_SUBFOLDERS, "incomplete"):
        if next(iter(objects.list(f"{folder}{name}/")), None) is None:
            objects.delete_folder(f"{folder}{name}/")
    if next(iter(objects.list(folder)), None) is None:
        objects.delete_folder(folder)
