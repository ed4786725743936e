"""Notes of plans that nobody has checked yet against the erasures during their planning.

A plan may name photos that were erased after its planner had read what is remembered. An erasure
finds the plans that were stored before its end. For later ones, the planner looks for new notes of
erasures once its plan is stored (``planner``). If it is killed before that, its plan stays. So a
planner first notes the plan, with the erasures that it knows, beside the remembered photos, and
deletes the note after the check. Whoever plans a job of the collection makes up for checks that are
missing. No plan is processed before its check, so that a plan that fails it can be deleted.

A planner that is killed before it stores its plan leaves the lists of photos that it wrote for it.
An erasure finds their folder by the note (``delete_lists_without_plan``).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from facerec.errors import ObjectNotFoundError
from facerec.jobs.documents import read_document, to_record
from facerec.jobs.erasing.folder_deletion import (
    abandon_job,
    complete_deletion,
    delete_late_files,
)
from facerec.jobs.ledger.layout import memory_folder
from facerec.jobs.plan import read_plan
from facerec.jobs.remembered.memory import Memory
from facerec.jobs.remembered.notes import resolved_folder, stored_folder

if TYPE_CHECKING:
    from facerec.core.records import Collection
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class _Note:
    """A plan, by its folder and the time of its creation, and the erasures that it considers.

    A stored note contains the folder relative to the root if it is inside.
    """

    job_folder: str
    created_at: float
    erasures: list[str]


class UncheckedPlans:
    """The plans of one creation of a collection that are not checked yet."""

    def __init__(self, objects: ObjectStore, jobs_root: str, collection: Collection) -> None:
        """Open the notes; do so before reading what is remembered."""
        self._objects, self._jobs_root, self._collection = objects, jobs_root, collection
        folder = memory_folder(jobs_root, collection.collection_id)
        self._folder = f"{folder}{collection.created_at!r}/"
        self._known = sorted(_erasures(objects, self._folder))

    def note(self, plan: Plan) -> None:
        """Note a plan before it is stored."""
        folder = stored_folder(self._jobs_root, plan.job_folder)
        note = _Note(folder, plan.created_at, self._known)
        uri = f"{self._folder}planning-{secrets.token_hex(8)}"
        self._objects.write(uri, json.dumps(asdict(note)).encode())

    def is_outdated(self, plan: Plan, *, is_own: bool) -> bool:
        """Return whether photos were erased that a stored plan may name.

        Args:
            plan: The plan.
            is_own: Whether it was planned after these notes were opened. Otherwise its note
                decides; a plan without a note was checked.

        Raises:
            JobFolderError: A note is damaged.
        """
        considered = [self._known]
        if not is_own:
            considered = [note.erasures for _, note in self._notes() if _is_of(note, plan)]
        erasures = _erasures(self._objects, self._folder)
        return any(not erasures <= set(known) for known in considered)

    def withdraw(self, plan: Plan) -> None:
        """Delete a plan that may name erased photos, unless another one has taken its place.

        Raises:
            JobFolderError: A note, or the record of the job, is damaged.
        """
        with suppress(ObjectNotFoundError):
            if read_plan(self._objects, plan.job_folder).created_at == plan.created_at:
                memory = Memory(self._objects, self._jobs_root, self._collection)
                for number in {memory.first_number_of(plan.job_id), memory.number_of(plan.job_id)}:
                    if number is not None:
                        memory.withdraw_start(plan, number)
                abandon_job(self._objects, plan.job_folder)
        complete_deletion(self._objects, self._jobs_root, plan.job_folder)
        self.forget(plan)

    def forget(self, plan: Plan) -> None:
        """Delete the notes of a plan that is checked or deleted, and of earlier ones of its job.

        Raises:
            JobFolderError: A note is damaged.
        """
        for uri, note in self._notes():
            if note.job_folder == plan.job_folder:
                self._objects.delete(uri)

    def withdraw_outdated(self) -> None:
        """Delete what killed planners left that may name erased photos: plans and their lists.

        Raises:
            JobFolderError: A note or a plan is damaged.
        """
        notes = list(self._notes())
        if not notes:
            return
        delete_lists_without_plan(self._objects, self._jobs_root, self._folder)
        erasures = _erasures(self._objects, self._folder)
        for _, note in notes:
            if _is_outdated(note, erasures):
                # Without a plan, the note stays: a planner that is still running may store one.
                with suppress(ObjectNotFoundError):
                    plan = read_plan(self._objects, note.job_folder)
                    if _is_of(note, plan):
                        self.withdraw(plan)

    def _notes(self) -> Iterator[tuple[str, _Note]]:
        return _read_notes(self._objects, self._jobs_root, self._folder)


def delete_lists_without_plan(
    objects: ObjectStore, jobs_root: str, folder: str, *, is_deleted: bool = False
) -> None:
    """Delete lists that may name erased photos and for which a killed planner stored no plan.

    Args:
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        folder: Folder of what is remembered of the photos of one creation of a collection.
        is_deleted: Whether the collection is deleted, with the photos in all lists.

    Raises:
        JobFolderError: A note is damaged.
    """
    notes = [note for _, note in _read_notes(objects, jobs_root, folder)]
    if not notes:
        return
    erasures = _erasures(objects, folder)
    outdated = {note.job_folder for note in notes if is_deleted or _is_outdated(note, erasures)}
    # Somebody may be writing lists that consider all erasures, and has deleted the earlier ones.
    current = {note.job_folder for note in notes if not _is_outdated(note, erasures)}
    for job_folder in sorted(outdated if is_deleted else outdated - current):
        delete_late_files(objects, job_folder)


def _erasures(objects: ObjectStore, folder: str) -> set[str]:
    """Return the names of the notes of erasures."""
    found = objects.list(f"{folder}erased-")
    return {each.uri.removeprefix(folder) for each in found}


def _is_outdated(note: _Note, erasures: set[str]) -> bool:
    return not erasures <= set(note.erasures)


def _read_notes(objects: ObjectStore, jobs_root: str, folder: str) -> Iterator[tuple[str, _Note]]:
    """Yield the addresses and the contents of the notes of plans, with addresses of job folders."""

    def note_of(document: object) -> _Note:
        note = to_record(_Note, document)
        return replace(note, job_folder=resolved_folder(jobs_root, note.job_folder))

    for found in list(objects.list(f"{folder}planning-")):
        # Another planner may have deleted it.
        with suppress(ObjectNotFoundError):
            yield found.uri, read_document(objects, found.uri, note_of)


def _is_of(note: _Note, plan: Plan) -> bool:
    return (note.job_folder, note.created_at) == (plan.job_folder, plan.created_at)
