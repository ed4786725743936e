"""Reads and lists the job folders below one root, and notes of folders elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from facerec.core.limits import MAX_JSON_BYTES
from facerec.core.stored_json import stored_json
from facerec.errors import (
    FacerecError,
    InvalidInputError,
    JobFolderError,
    ObjectNotFoundError,
)
from facerec.jobs.ledger.report import Report, read_report
from facerec.jobs.plan import Plan, deleted_plan_uri, plan_uri, read_facts, read_plan
from facerec.storage.objects.protocol import ObjectStore, exists

DAMAGED_NOTE = "the note of its folder is damaged"
"""Cause shown for a job whose folder is unknown."""

DAMAGED_PLAN = "its plan is damaged"
"""Cause shown for a job whose plan, or renamed plan, cannot be read."""


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The contents of a job folder; ``report`` is None if it is damaged or not written yet."""

    plan: Plan
    report: Report | None


@dataclass(frozen=True, slots=True)
class UnreadableFolder:
    """A job folder that cannot be read.

    Attributes:
        job_id: Id of the job.
        cause: Reason why it cannot be read, without its address.
        collection_id: The collection that received the faces, if known.
        created_at: When the job was planned, seconds since 1970, UTC; 0 if not known.
    """

    job_id: str
    cause: str
    collection_id: str | None = None
    created_at: float = 0.0


def read_folder(objects: ObjectStore, job_folder: str) -> JobFolder:
    """Read the plan and the report in a job folder.

    Raises:
        ObjectNotFoundError: The folder has no plan.
        InvalidInputError: The plan is invalid, or was written by another release of facerec.
    """
    plan = read_plan(objects, job_folder)
    try:
        return JobFolder(plan, read_report(objects, job_folder))
    except (ObjectNotFoundError, InvalidInputError):
        return JobFolder(plan, None)


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry of a job in the root of the job folders.

    Attributes:
        uri: Folder in the root that is named after the job, with the final ``/``.
        job_folder: The job folder, which is the same or elsewhere.
        collection_id: Collection of a job whose folder is elsewhere; None for the others.
        erased: Whether only the renamed plan and the note are left of a job whose folder is
            elsewhere.
        created_at: When a job whose folder is elsewhere was planned, seconds since 1970, UTC; 0
            for the others.
    """

    uri: str
    job_folder: str
    collection_id: str | None = None
    erased: bool = False
    created_at: float = 0.0

    @property
    def job_id(self) -> str:
        """Id of the job."""
        return _name(self.uri)

    @property
    def is_elsewhere(self) -> bool:
        """Whether a note in the root names the job folder."""
        return self.collection_id is not None

    @property
    def note(self) -> str:
        """Address of the note that names a job folder elsewhere."""
        return f"{self.uri}elsewhere.json"


def find_entry(objects: ObjectStore, jobs_root: str, job_id: str) -> Entry | None:
    """Return the entry of a job; None if the root does not contain one.

    Raises:
        JobFolderError: The note of a folder elsewhere is damaged, the folder is missing, or the
            plan in it is not a JSON object.
    """
    uri = f"{jobs_root}{job_id}/"
    missing = None
    for entry in entries_at(objects, uri):
        if not entry.is_elsewhere:
            found = has_plan(objects, entry.job_folder)
        else:
            # Somebody may have removed the folder and used its name for another job.
            found = _contains_job(objects, entry.job_folder, job_id)
        if found:
            return entry
        if is_missing(objects, entry):
            missing = entry
    if missing is not None:
        raise missing_folder(missing)
    return None


def list_entries(
    objects: ObjectStore,
    jobs_root: str,
    is_wanted: Callable[[str], bool] = lambda job_id: True,
    *,
    on_error: Callable[[str, FacerecError], None] | None = None,
) -> Iterator[Entry]:
    """Yield the entries of the jobs in a root that ``is_wanted`` selects, ordered by uri.

    A folder in the root that also has a note of a folder elsewhere yields both.

    Args:
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        is_wanted: Returns whether to yield the entries of a job, given its id.
        on_error: Receives the id of each job whose note cannot be read, and the error; None raises
            the first one.

    Raises:
        JobFolderError: The note of a folder elsewhere is damaged.
        FacerecError: The note cannot be read.
    """
    for uri in _named_after_jobs(objects, jobs_root):
        if is_wanted(_name(uri)):
            try:
                entries = entries_at(objects, uri)
            except FacerecError as error:
                if on_error is None:
                    raise
                on_error(_name(uri), error)
            else:
                yield from entries


def list_job_ids(objects: ObjectStore, jobs_root: str) -> Iterator[str]:
    """Yield the names of the folders in a root that may be those of jobs."""
    return map(_name, _named_after_jobs(objects, jobs_root))


def list_folders(objects: ObjectStore, jobs_root: str) -> Iterator[JobFolder | UnreadableFolder]:
    """Yield the jobs in a root, including jobs whose folders cannot be read.

    A folder without a plan is not a job: its job was deleted or is being deleted.
    """
    for uri in _named_after_jobs(objects, jobs_root):
        try:
            entries = entries_at(objects, uri)
        except InvalidInputError:
            yield UnreadableFolder(_name(uri), DAMAGED_NOTE)
            continue
        for entry in entries:
            if (folder := read_entry(objects, entry)) is not None:
                yield folder


def _named_after_jobs(objects: ObjectStore, jobs_root: str) -> Iterator[str]:
    """Yield the folders in a root, except those with the remembered photos of a collection."""
    return (uri for uri in objects.folders(jobs_root) if "@" not in _name(uri))


def read_entry(objects: ObjectStore, entry: Entry) -> JobFolder | UnreadableFolder | None:
    """Return the job of an entry, or why its folder cannot be read; None if there is no job."""
    missing = UnreadableFolder(
        entry.job_id, "its folder is missing", entry.collection_id, entry.created_at
    )
    try:
        folder = read_folder(objects, entry.job_folder)
    except ObjectNotFoundError:
        try:
            return missing if is_missing(objects, entry) else None
        except JobFolderError:
            return replace(missing, cause=DAMAGED_PLAN)
    except InvalidInputError:
        return _read_facts(objects, entry)
    if entry.is_elsewhere and folder.plan.job_id != entry.job_id:
        # Somebody has removed the folder and used its name for another job.
        return missing
    return folder


def _read_facts(objects: ObjectStore, entry: Entry) -> UnreadableFolder:
    damaged = UnreadableFolder(entry.job_id, DAMAGED_PLAN, entry.collection_id)
    try:
        facts = read_facts(objects, entry.job_folder)
    except InvalidInputError:
        return damaged
    cause = damaged.cause if facts.is_current else "written by another release of facerec"
    return UnreadableFolder(
        facts.job_id or damaged.job_id, cause, facts.collection_id, facts.created_at
    )


def note_folder_elsewhere(objects: ObjectStore, jobs_root: str, plan: Plan) -> None:
    """Record where a job's folder is if it is not in the root, so that it is listed and erased."""
    entry = Entry(
        f"{jobs_root}{plan.job_id}/",
        plan.job_folder,
        plan.collection_id,
        created_at=plan.created_at,
    )
    if entry.job_folder != entry.uri:
        _write_note(objects, entry)


def note_erased(objects: ObjectStore, entry: Entry) -> None:
    """Record that a folder elsewhere contains only its renamed plan."""
    _write_note(objects, replace(entry, erased=True))


def has_plan(objects: ObjectStore, job_folder: str) -> bool:
    """Return whether a folder contains the plan of a job."""
    return exists(plan_uri(job_folder), objects)


def is_being_deleted(objects: ObjectStore, entry: Entry) -> bool:
    """Return whether a deletion of a job was started and is not complete.

    Raises:
        JobFolderError: The renamed plan in a folder elsewhere is damaged.
    """
    if has_plan(objects, entry.job_folder):
        return False
    if not entry.is_elsewhere:
        return exists(deleted_plan_uri(entry.job_folder), objects)
    return _contains_job(objects, entry.job_folder, entry.job_id, deleted=True)


def is_missing(objects: ObjectStore, entry: Entry) -> bool:
    """Return whether a folder elsewhere that lacks the job's plan is missing, not deleted.

    Raises:
        JobFolderError: The renamed plan in the folder is damaged.
    """
    return entry.is_elsewhere and not entry.erased and not is_being_deleted(objects, entry)


def _contains_job(
    objects: ObjectStore, job_folder: str, job_id: str, *, deleted: bool = False
) -> bool:
    try:
        return read_facts(objects, job_folder, deleted=deleted).job_id == job_id
    except ObjectNotFoundError:
        return False


def missing_folder(entry: Entry) -> JobFolderError:
    """Return the error of a job whose folder elsewhere is missing."""
    return JobFolderError(
        entry.job_folder,
        "is missing; it may contain faces that were deleted",
        f"restore it, or give its new path when you start the job; if it is gone for good, remove "
        f"{entry.note}",
    )


def entries_at(objects: ObjectStore, uri: str) -> list[Entry]:
    """Return the entries of a job: its folder in the root, and the folder that its note names.

    Raises:
        JobFolderError: The note of the folder elsewhere is damaged.
    """
    own = Entry(uri, uri)
    try:
        document = stored_json(objects.read(own.note, end=MAX_JSON_BYTES), own.note)
        elsewhere = Entry(
            uri,
            str(document["job_folder"]),
            str(document["collection_id"]),
            bool(document.get("erased")),
            float(document.get("created_at", 0)),
        )
    except ObjectNotFoundError:
        return [own]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JobFolderError(
            uri,
            f"has a damaged note: {PurePosixPath(own.note).name}",
            "restore the note from a backup, or delete the job (the folder that it named is kept)",
        ) from error
    return [own, elsewhere]


def _write_note(objects: ObjectStore, entry: Entry) -> None:
    document = {
        "job_folder": entry.job_folder,
        "collection_id": entry.collection_id,
        "erased": entry.erased,
        "created_at": entry.created_at,
    }
    objects.write(entry.note, json.dumps(document).encode())


def _name(folder: str) -> str:
    return folder.rstrip("/").rpartition("/")[2]
