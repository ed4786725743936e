"""Advances the import of a job: writes files, lets Pinecone import them, and deletes them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from facerec.errors import AccessDeniedError, ConfigurationError
from facerec.jobs.bulk_import.files import folder_of_attempt, write_files
from facerec.jobs.bulk_import.progress import (
    ImportProgress,
    ImportStep,
    end_import,
    job_files_folder,
    note_progress,
    read_progress_of,
)
from facerec.jobs.ledger.import_record import Imported, write_imported
from facerec.jobs.planned_collection import collection_of
from facerec.storage.namespaces import faces_namespace
from facerec.storage.pinecone.imports import ImportState

if TYPE_CHECKING:
    from collections.abc import Callable

    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore
    from facerec.storage.pinecone.imports import Import, PineconeImports

VISIBLE_AFTER = 1800.0
"""Seconds after which a complete import is no longer expected to become visible: its faces usually
become searchable about ten minutes after it is complete."""


_REBUILD = "rebuild the collection to store them by requests"
_REMEDY = f"start the job again to import them, or {_REBUILD}"
_REBUILT = (
    "the collection was rebuilt while its photos were processed, so that faces may be missing; "
    "rebuild it again"
)


class AdvanceState(StrEnum):
    """The next step of the workflow."""

    AGAIN = "AGAIN"
    """Advance the import again at once: there are more files to write."""
    WAIT = "WAIT"
    """Advance it again after a pause: Pinecone is importing."""
    DONE = "DONE"
    """The faces are imported, or there is nothing to import."""
    FAILED = "FAILED"
    """The faces were not imported, and the files have been deleted."""


@dataclass(frozen=True, slots=True)
class Advance:
    """The outcome of ``advance_import``.

    Attributes:
        state: The next step of the workflow.
        cause: Why the import failed and the remedy, in one line; empty if it did not fail.
    """

    state: AdvanceState
    cause: str = ""


def advance_import(
    plan: Plan,
    objects: ObjectStore,
    imports: PineconeImports,
    integration_id: str,
    *,
    has_time: Callable[[], bool],
    now: float,
) -> Advance:
    """Advance the import of a job whose children are complete.

    Every call continues where the last one ended or was killed.

    Args:
        plan: Plan of the job.
        objects: Contains the job folder.
        imports: The imports of the Pinecone index.
        integration_id: Id of the storage integration.
        has_time: Returns whether to begin another file.
        now: The current time, seconds since 1970, UTC.

    Raises:
        StoreUnavailableError: A store fails, or another execution advances the same import; another
            call may succeed.
        InvalidInputError: A segment, or the object with the progress, is damaged.
        ConfigurationError: pyarrow is not installed.
    """
    found = read_progress_of(plan, objects)
    if found is None:
        return Advance(AdvanceState.DONE)
    progress, version = found
    if progress.step is ImportStep.REBUILT:
        return Advance(AdvanceState.FAILED, _REBUILT)
    progress, version = _write(plan, objects, progress, version, has_time)
    if progress.step is ImportStep.WRITE:
        return Advance(AdvanceState.AGAIN)
    if not progress.faces:
        return _finish(plan, objects, progress, 0)
    try:
        current = _current_import(plan, progress, imports, integration_id)
    except (AccessDeniedError, ConfigurationError) as error:
        hint = f"; {error.hint}" if error.hint else ""
        cause = f"{error.message}{hint}; {_REMEDY}"
        return _give_up(plan, objects, imports, progress, version, cause)
    if current is not None and current.import_id != progress.import_id:
        progress = replace(progress, import_id=current.import_id)
        version = note_progress(plan, objects, progress, version)
    problem = _problem(plan, progress, current)
    if current is None or problem is not None:
        return _give_up(plan, objects, imports, progress, version, problem or "")
    if current.state is ImportState.RUNNING:
        return Advance(AdvanceState.WAIT)
    return _await_visible(plan, objects, progress, version, current, imports, now)


def _write(
    plan: Plan,
    objects: ObjectStore,
    progress: ImportProgress,
    version: str,
    has_time: Callable[[], bool],
) -> tuple[ImportProgress, str]:
    """Write files that are not written yet; return the progress and its version."""
    if progress.step is ImportStep.INDEX:
        # Recorded before anything is read: so an erasure sees this record, or its changes are read.
        progress = replace(progress, step=ImportStep.WRITE)
        version = note_progress(plan, objects, progress, version)
    if progress.step is ImportStep.WRITE:
        return write_files(plan, objects, progress, version, has_time=has_time)
    return progress, version


def _problem(plan: Plan, progress: ImportProgress, current: Import | None) -> str | None:
    """Return why an import cannot store the faces of a job, with the remedy; None if it can.

    Pinecone imports only into a new namespace, so a job whose namespace exists cannot be started
    again.
    """
    if current is None:
        return (
            f"Pinecone already has faces of collection {plan.collection_id!r}, from requests or an "
            f"earlier attempt; {_REBUILD}"
        )
    if current.state is ImportState.FAILED:
        return f"Pinecone's import {current.import_id} failed or was cancelled; {_REMEDY}"
    if current.state is ImportState.COMPLETED and current.records < progress.faces:
        return f"Pinecone imported {current.records} of {progress.faces} faces; {_REBUILD}"
    return None


def _current_import(
    plan: Plan, progress: ImportProgress, imports: PineconeImports, integration_id: str
) -> Import | None:
    """Return the import of a job, which is started if necessary.

    Returns:
        None if it cannot be started, since the namespace exists.
    """
    if progress.import_id is not None:
        known = imports.get(progress.import_id)
        if known is not None:
            return known
    folder = folder_of_attempt(plan, progress)
    started = imports.of_folder(folder)
    if started is not None:
        return started
    if imports.count(faces_namespace(collection_of(plan))) is not None:
        return None
    return imports.start(folder, integration_id)


def _await_visible(
    plan: Plan,
    objects: ObjectStore,
    progress: ImportProgress,
    version: str,
    current: Import,
    imports: PineconeImports,
    now: float,
) -> Advance:
    """End the import once Pinecone counts all its faces, or after ``VISIBLE_AFTER`` seconds.

    Before that, associations with people and erasures would miss faces.
    """
    if progress.completed_at is None:
        progress = replace(progress, completed_at=now)
        note_progress(plan, objects, progress, version)
    visible = imports.count(faces_namespace(collection_of(plan))) or 0
    waited = now - (progress.completed_at or now)
    if visible < progress.faces and waited < VISIBLE_AFTER:
        return Advance(AdvanceState.WAIT)
    return _finish(plan, objects, progress, current.records)


def _finish(plan: Plan, objects: ObjectStore, progress: ImportProgress, records: int) -> Advance:
    imported = Imported(progress.faces, records, progress.files)
    write_imported(objects, plan.job_folder, imported)
    end_import(plan, objects)
    return Advance(AdvanceState.DONE)


def _give_up(
    plan: Plan,
    objects: ObjectStore,
    imports: PineconeImports,
    progress: ImportProgress,
    version: str,
    cause: str,
) -> Advance:
    """Delete the files, so that erasures can be completed; the next call begins again."""
    with suppress(AccessDeniedError, ConfigurationError):
        imports.cancel_inside(f"/{plan.job_id}/")
    objects.delete_folder(job_files_folder(plan))
    again = ImportProgress(plan.job_folder, attempt=progress.attempt + 1)
    note_progress(plan, objects, again, version)
    return Advance(AdvanceState.FAILED, f"the faces were not imported: {cause}")
