"""The job folders below one root."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.ledger.report import Report, read_report
from facerec.jobs.plan import Plan, plan_uri, read_job_id, read_plan
from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The contents of a job folder; ``report`` is None if none was written yet."""

    plan: Plan
    report: Report | None


def read_folder(objects: ObjectStore, job_folder: str) -> JobFolder:
    """Read the plan and the report in a job folder.

    Raises:
        ObjectNotFoundError: the folder has no plan.
        InvalidInputError: the plan is invalid, or was written by another release of facerec.
    """
    plan = read_plan(objects, job_folder)
    try:
        return JobFolder(plan, read_report(objects, job_folder))
    except (ObjectNotFoundError, InvalidInputError):
        return JobFolder(plan, None)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a root contains of a job.

    Attributes:
        uri: the folder of this name in the root, with the final ``/``.
        job_folder: the job folder: the same, or one elsewhere.
        collection_id: collection of a job whose folder is elsewhere; None for the others.
        erased: whether only the plan and the note of a job elsewhere are left of it.
    """

    uri: str
    job_folder: str
    collection_id: str | None = None
    erased: bool = False

    @property
    def is_elsewhere(self) -> bool:
        """Whether a note in the root names the job folder."""
        return self.collection_id is not None

    @property
    def note(self) -> str:
        """Address of the note that names a job folder elsewhere."""
        return f"{self.uri}elsewhere.json"


def find_entry(objects: ObjectStore, jobs_root: str, job_id: str) -> Entry | None:
    """Return where a job has its folder, None if the root contains nothing of it.

    Raises:
        InvalidInputError: the note of a folder elsewhere is damaged, or the folder is missing.
    """
    uri = f"{jobs_root}{job_id}/"
    missing = None
    for entry in _entries(objects, uri):
        if not entry.is_elsewhere:
            found = has_plan(objects, entry.job_folder)
        else:
            # The user may have removed the folder and used its name for another job.
            found = _contains_job(objects, entry.job_folder, job_id)
        if found:
            return entry
        if entry.is_elsewhere and not entry.erased:
            missing = entry
    if missing is not None:
        raise missing_folder(missing)
    return None


def list_entries(objects: ObjectStore, jobs_root: str) -> Iterator[Entry]:
    """Yield the entries of a root, in the order of their uris.

    A folder in the root that also has a note of a folder elsewhere yields both.

    Raises:
        InvalidInputError: an entry is damaged.
    """
    for uri in objects.folders(jobs_root):
        yield from _entries(objects, uri)


def list_folders(objects: ObjectStore, jobs_root: str) -> Iterator[JobFolder]:
    """Yield the jobs of a root; those that cannot be read are skipped."""
    for uri in objects.folders(jobs_root):
        try:
            entries = _entries(objects, uri)
        except InvalidInputError:
            continue
        for entry in entries:
            try:
                yield read_folder(objects, entry.job_folder)
            except (ObjectNotFoundError, InvalidInputError):
                continue


def redirect(objects: ObjectStore, jobs_root: str, plan: Plan) -> None:
    """Note that a job has its folder elsewhere, so that it is listed and erased like the others."""
    entry = Entry(f"{jobs_root}{plan.job_id}/", plan.job_folder, plan.collection_id)
    if entry.job_folder != entry.uri:
        _write_note(objects, entry)


def note_erased(objects: ObjectStore, entry: Entry) -> None:
    """Note that a folder elsewhere contains no more than its plan."""
    _write_note(objects, replace(entry, erased=True))


def has_plan(objects: ObjectStore, job_folder: str) -> bool:
    """Return whether a folder contains the plan of a job."""
    try:
        objects.head(plan_uri(job_folder))
    except ObjectNotFoundError:
        return False
    return True


def _contains_job(objects: ObjectStore, job_folder: str, job_id: str) -> bool:
    try:
        return read_job_id(objects, job_folder) == job_id
    except ObjectNotFoundError:
        return False


def missing_folder(entry: Entry) -> InvalidInputError:
    """Return the error of a job whose folder elsewhere is missing."""
    return InvalidInputError(
        f"the job folder {entry.job_folder} is missing; it may contain deleted faces",
        f"restore it, or name its new path when the job starts; if it is gone for good, remove "
        f"{entry.note}",
    )


def _entries(objects: ObjectStore, uri: str) -> list[Entry]:
    own = Entry(uri, uri)
    try:
        document = json.loads(objects.read(own.note))
        elsewhere = Entry(
            uri,
            str(document["job_folder"]),
            str(document["collection_id"]),
            bool(document.get("erased")),
        )
    except ObjectNotFoundError:
        return [own]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInputError(f"{own.note} is damaged") from error
    return [own, elsewhere]


def _write_note(objects: ObjectStore, entry: Entry) -> None:
    document = {
        "job_folder": entry.job_folder,
        "collection_id": entry.collection_id,
        "erased": entry.erased,
    }
    objects.write(entry.note, json.dumps(document).encode())
