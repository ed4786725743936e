"""The progress of the bulk import of a collection's faces.

A job that was planned with ``bulk_import`` stores no face itself. Its progress is in the object
``{jobs_root}remembered@{collection}/{created}/bulk-import.json`` from its plan until its faces are
imported; without this object, its children store faces like the children of any other job. The
files to import are in the folder ``bulk-import/`` beside it. Both are deleted with the collection.

While there are such files, an erasure cannot be completed: the import would bring its faces back
(``erasures_wait``).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from facerec.core.limits import MAX_JSON_BYTES
from facerec.errors import (
    ConflictError,
    InvalidInputError,
    ObjectNotFoundError,
    StoreUnavailableError,
)
from facerec.jobs.documents import parse_document, to_record
from facerec.jobs.ledger.layout import MEMORY, memory_folder
from facerec.jobs.plan import plan_uri
from facerec.storage.objects.protocol import exists

if TYPE_CHECKING:
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore


MAX_RECORDS = 100_000_000
"""Maximum number of records of an import:
https://docs.pinecone.io/reference/api/database-limits/operation-limits."""


class ImportStep(StrEnum):
    """The next step of a bulk import."""

    INDEX = "INDEX"
    """The children process photos. No file is written yet."""
    WRITE = "WRITE"
    """Files are written from the embeddings of complete children."""
    IMPORT = "IMPORT"
    """Pinecone imports the files."""
    REBUILT = "REBUILT"
    """Nothing is imported: a rebuild stores the faces by requests, or has done so before the
    children were complete. Faces of children that ran at that time may be missing until the next
    rebuild."""


_HAS_FILES = (ImportStep.WRITE, ImportStep.IMPORT)


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """The progress of the import of a job.

    Attributes:
        job_folder: Uri of the job folder, with the final ``/``.
        step: The next step.
        attempt: Number of attempts that failed.
        next_child: First child whose faces are not written yet.
        faces: Number of faces that are written.
        files: Number of files with these faces.
        import_id: Pinecone's id of the import; None if it was not started, or if its start was not
            recorded.
        completed_at: When the import was first seen to be complete, seconds since 1970, UTC; None
            before.
    """

    job_folder: str
    step: ImportStep = ImportStep.INDEX
    attempt: int = 0
    next_child: int = 0
    faces: int = 0
    files: int = 0
    import_id: str | None = None
    completed_at: float | None = None

    @property
    def job_id(self) -> str:
        """Id of the job."""
        return PurePosixPath(self.job_folder).name


def _progress_uri(jobs_root: str, collection_id: str, created_at: float) -> str:
    return f"{memory_folder(jobs_root, collection_id)}{created_at!r}/bulk-import.json"


def files_folder(jobs_root: str, collection_id: str, created_at: float) -> str:
    """Return the folder of all files to import of a collection."""
    return f"{memory_folder(jobs_root, collection_id)}{created_at!r}/bulk-import/"


def job_files_folder(plan: Plan) -> str:
    """Return the folder of the files to import of a job, with those of all attempts."""
    root = files_folder(plan.jobs_root, plan.collection_id, plan.collection_created_at)
    return f"{root}{plan.job_id}/"


def read_progress(
    objects: ObjectStore, jobs_root: str, collection_id: str, created_at: float
) -> tuple[ImportProgress, str] | None:
    """Return the progress of the import of a collection, with the version of its object.

    Returns:
        None if no import is planned or under way.

    Raises:
        JobFolderError: The object is damaged.
    """
    uri = _progress_uri(jobs_root, collection_id, created_at)
    try:
        content, found = objects.fetch(uri, end=MAX_JSON_BYTES)
    except ObjectNotFoundError:
        return None
    return parse_document(uri, content, _parse), found.version


def _parse(fields: dict[str, Any]) -> ImportProgress:
    return to_record(ImportProgress, {**fields, "step": ImportStep(fields["step"])})


def read_progress_of(plan: Plan, objects: ObjectStore) -> tuple[ImportProgress, str] | None:
    """Return the progress of the import of a job; None if none is planned or under way.

    Raises:
        JobFolderError: The object with the progress is damaged.
    """
    if not plan.bulk_import:
        return None
    found = read_progress(objects, plan.jobs_root, plan.collection_id, plan.collection_created_at)
    return found if found is not None and found[0].job_folder == plan.job_folder else None


def is_import_pending(plan: Plan, objects: ObjectStore) -> bool:
    """Return whether an import or a rebuild has yet to store faces of a job.

    Raises:
        JobFolderError: The object with the progress is damaged.
    """
    return read_progress_of(plan, objects) is not None


def is_stored_by_import(plan: Plan, objects: ObjectStore) -> bool:
    """Return whether an import stores the faces of a job, rather than its children.

    Raises:
        JobFolderError: The object with the progress is damaged.
    """
    found = read_progress_of(plan, objects)
    return found is not None and found[0].step is not ImportStep.REBUILT


def note_progress(plan: Plan, objects: ObjectStore, progress: ImportProgress, version: str) -> str:
    """Store the progress of an import, and return the new version of its object.

    Raises:
        StoreUnavailableError: Another execution has changed or ended it.
    """
    uri = _progress_uri(plan.jobs_root, plan.collection_id, plan.collection_created_at)
    return _replace(objects, uri, progress, version)


def _replace(objects: ObjectStore, uri: str, progress: ImportProgress, version: str) -> str:
    try:
        if objects.replace(uri, json.dumps(asdict(progress)).encode(), version=version):
            return objects.head(uri).version
    except ObjectNotFoundError:
        # The other execution has ended it.
        pass
    raise StoreUnavailableError("another execution is running this import", "wait until it ends")


def plan_import(plan: Plan, objects: ObjectStore) -> None:
    """Record, before a plan is stored, that the faces of its job will be imported.

    If the plan does not ask for an import, only other jobs are checked. A plan of a job on one
    machine is not checked.

    Raises:
        ConflictError: The faces of another job of the collection are still to be imported; no other
            job may store faces before that.
        InvalidInputError: There are more photos than Pinecone imports, or the object with the
            progress is damaged.
        StoreUnavailableError: Another job of the collection is being planned.
    """
    if plan.local:
        return
    if plan.bulk_import and plan.estimated_photos > MAX_RECORDS:
        raise InvalidInputError(
            f"bulk_import: {plan.estimated_photos:,} photos are more than the {MAX_RECORDS:,} "
            "records that Pinecone imports",
            "index without bulk_import, or into several collections",
        )
    found = read_progress(objects, plan.jobs_root, plan.collection_id, plan.collection_created_at)
    if (
        found is not None
        and found[0].job_folder != plan.job_folder
        and exists(plan_uri(found[0].job_folder), objects)
    ):
        raise ConflictError(
            f"the faces of job {found[0].job_id} have not yet been imported into collection "
            f"{plan.collection_id!r}",
            "start that job again to complete it, or rebuild the collection",
        )
    if plan.bulk_import:
        uri = _progress_uri(plan.jobs_root, plan.collection_id, plan.collection_created_at)
        content = json.dumps(asdict(ImportProgress(plan.job_folder))).encode()
        if found is None:
            stored = objects.write(uri, content, if_absent=True)
        else:
            # The object belongs to this job, or to one whose plan was not stored.
            stored = objects.replace(uri, content, version=found[1])
        if not stored:
            raise StoreUnavailableError(
                f"another job is being planned for collection {plan.collection_id!r}", "try again"
            )


def end_import(plan: Plan, objects: ObjectStore) -> None:
    """Delete the files and the progress of the import of a job, in this order."""
    objects.delete_folder(job_files_folder(plan))
    objects.delete(_progress_uri(plan.jobs_root, plan.collection_id, plan.collection_created_at))


def delete_files_of(job_id: str, objects: ObjectStore, jobs_root: str) -> None:
    """Delete the files to import of a job that was deleted while they were written."""
    for folder in objects.folders(jobs_root):
        if PurePosixPath(folder).name.startswith(MEMORY):
            for created in objects.folders(folder):
                objects.delete_folder(f"{created}bulk-import/{job_id}/")


def erasures_wait(
    objects: ObjectStore, jobs_root: str, collection_id: str, created_at: float
) -> bool:
    """Return whether an erasure must be repeated later, since an import may bring faces back.

    Call this after the erasure has changed the job folders: files that are written later do not
    contain its faces.

    Raises:
        JobFolderError: The object with the progress is damaged.
    """
    found = read_progress(objects, jobs_root, collection_id, created_at)
    return found is not None and found[0].step in _HAS_FILES


def has_import(objects: ObjectStore, jobs_root: str, collection_id: str, created_at: float) -> bool:
    """Return whether an import into a collection is planned or under way.

    Raises:
        JobFolderError: The object with the progress is damaged.
    """
    found = read_progress(objects, jobs_root, collection_id, created_at)
    return found is not None and found[0].step is not ImportStep.REBUILT


def begin_rebuild(
    objects: ObjectStore, jobs_root: str, collection_id: str, created_at: float
) -> str | None:
    """Replace a planned import that has not started by a rebuild, which stores the faces.

    Returns:
        The folder of its job, for ``drop_import`` once the faces of all children are stored; None
        if there is none.

    Raises:
        InvalidInputError: Files are being written or imported, or the object with the progress is
            damaged.
        StoreUnavailableError: The import has just started.
    """
    found = read_progress(objects, jobs_root, collection_id, created_at)
    if found is None:
        return None
    progress, version = found
    _require_no_files(progress, collection_id)
    if progress.step is not ImportStep.REBUILT:
        uri = _progress_uri(jobs_root, collection_id, created_at)
        _replace(objects, uri, replace(progress, step=ImportStep.REBUILT), version)
    return progress.job_folder


def drop_import(
    objects: ObjectStore, jobs_root: str, collection_id: str, created_at: float, job_folder: str
) -> None:
    """Delete the progress of a job's import, which must not have started.

    Args:
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        collection_id: The collection.
        created_at: Its creation time, seconds since 1970, UTC.
        job_folder: Folder of the job; an import of another job is kept.

    Raises:
        InvalidInputError: Files are being written or imported, or the object with the progress is
            damaged.
    """
    found = read_progress(objects, jobs_root, collection_id, created_at)
    if found is None or found[0].job_folder != job_folder:
        return
    _require_no_files(found[0], collection_id)
    objects.delete(_progress_uri(jobs_root, collection_id, created_at))


def _require_no_files(progress: ImportProgress, collection_id: str) -> None:
    if progress.step in _HAS_FILES:
        raise InvalidInputError(
            f"the faces of job {progress.job_id} are being imported into collection "
            f"{collection_id!r}",
            "start that job again to complete the import",
        )
