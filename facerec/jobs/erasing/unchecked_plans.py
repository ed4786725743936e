"""Notes of plans that were not yet checked against the erasures during their planning.

A plan may name photos that were erased after its planner had read the remembered photos. An erasure
finds the plans that were stored before its end. For later ones, the planner looks for new notes of
erasures once its plan is stored (``planner``). If it is killed before that, its plan stays. So a
planner first notes the plan, with the erasures that it knows, beside the remembered photos, and
deletes the note after the check. The next planner of a job of the collection performs missing
checks. No plan is processed before its check, so that a plan that fails it can be deleted.

The first planner that checks a plan writes the result into its note. The result applies to all
others. A planner that is still running plans again if another one has withdrawn its plan, and a
plan that was checked is not withdrawn for a later erasure.

A planner that is killed before it stores its plan leaves the lists of photos that it wrote for it.
An erasure finds their folder by the note (``delete_lists_without_plan``).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from facerec.errors import ObjectNotFoundError
from facerec.jobs.documents import parse_document, read_document, to_record
from facerec.jobs.erasing.folder_deletion import delete_late_files, withdraw_plan
from facerec.jobs.folders import has_plan
from facerec.jobs.ledger.collection_face_index import CollectionFaceIndex
from facerec.jobs.ledger.layout import memory_folder
from facerec.jobs.plan import read_facts, read_plan
from facerec.jobs.remembered.memory import Memory
from facerec.jobs.remembered.notes import resolved_folder, stored_folder
from facerec.storage.objects.changing import change_object

if TYPE_CHECKING:
    from facerec.core.records import Collection
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore


class _Result(StrEnum):
    """The result of the check of a plan."""

    NONE = ""
    CHECKED = "checked"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class _Note:
    """The stored note of a plan: its folder and creation time, and the erasures that it considers.

    A stored note contains the folder relative to the root if it is inside.
    """

    job_folder: str
    created_at: float
    erasures: list[str]
    result: str = _Result.NONE


class UncheckedPlans:
    """The plans of one creation of a collection that are not checked yet."""

    def __init__(self, objects: ObjectStore, jobs_root: str, collection: Collection) -> None:
        """Open the notes; call this before reading the remembered photos."""
        self._objects, self._jobs_root, self._collection = objects, jobs_root, collection
        folder = memory_folder(jobs_root, collection.collection_id)
        self._folder = f"{folder}{collection.created_at!r}/"
        self._known = sorted(_erasures(objects, self._folder))

    def note(self, plan: Plan) -> None:
        """Note a plan before it is stored."""
        folder = stored_folder(self._jobs_root, plan.job_folder)
        note = _Note(folder, plan.created_at, self._known)
        uri = f"{self._folder}planning-{secrets.token_hex(8)}"
        self._objects.write(uri, _content(note))

    def check(self, plan: Plan, number: int) -> bool:
        """Return whether a stored plan may be processed; withdraw it if it may name erased photos.

        A plan that another planner has withdrawn, or that was deleted, may not be processed. The
        caller plans again.

        Args:
            plan: The plan.
            number: The number that ``Memory.record_start`` returned for the plan.

        Raises:
            JobFolderError: A note, the plan or the record of the job is damaged.
        """
        erasures = _erasures(self._objects, self._folder)
        # A plan without a note was checked by another planner, or withdrawn.
        results = {self._decide(uri, erasures) for uri, note in self._notes() if _is_of(note, plan)}
        if _Result.WITHDRAWN not in results and self._is_stored(plan):
            self._forget(plan.job_folder, plan.created_at)
            return True
        self._withdraw(plan)
        if not has_plan(self._objects, plan.job_folder):
            # Another planner may have withdrawn the plan before this one recorded the start.
            Memory(self._objects, self._jobs_root, self._collection).withdraw_start(plan, number)
        return False

    def abandon(self, plan: Plan) -> None:
        """Delete a stored plan whose collection is deleted, with what its planner has added.

        Raises:
            JobFolderError: A note, or the record of the job, is damaged.
        """
        self._withdraw(plan)
        CollectionFaceIndex(self._objects, self._jobs_root, plan.collection_id).delete()
        self._objects.delete_folder(self._folder)

    def withdraw_outdated(self) -> None:
        """Delete plans and lists of killed planners that may name erased photos.

        Raises:
            JobFolderError: A note or a plan is damaged.
        """
        notes = list(self._notes())
        if not notes:
            return
        delete_lists_without_plan(self._objects, self._jobs_root, self._folder)
        erasures = _erasures(self._objects, self._folder)
        for uri, note in notes:
            if not _is_outdated(note, erasures):
                continue
            try:
                plan = read_plan(self._objects, note.job_folder)
            except ObjectNotFoundError:
                # A note without a result stays: a planner that is still running may store a plan.
                if note.result == _Result.WITHDRAWN:
                    self._delete_withdrawn(note.job_folder, note.created_at)
                continue
            if _is_of(note, plan) and self._decide(uri, erasures) is _Result.WITHDRAWN:
                self._withdraw(plan)

    def _decide(self, uri: str, erasures: set[str]) -> _Result:
        """Return the result of the check of a noted plan; write it into the note if it has none.

        Args:
            uri: Address of the note.
            erasures: The notes of erasures, read after the plan was stored.

        Returns:
            ``NONE`` if the note has been deleted.
        """

        def change(content: bytes) -> tuple[bytes, _Result]:
            note = parse_document(uri, content, _to_note)
            if note.result:
                return content, _Result(note.result)
            result = _Result.WITHDRAWN if _is_outdated(note, erasures) else _Result.CHECKED
            return _content(replace(note, result=result)), result

        try:
            return change_object(self._objects, uri, change)
        except ObjectNotFoundError:
            return _Result.NONE

    def _is_stored(self, plan: Plan) -> bool:
        """Return whether a plan is stored, and no other one in its place."""
        try:
            return read_facts(self._objects, plan.job_folder).created_at == plan.created_at
        except ObjectNotFoundError:
            return False

    def _withdraw(self, plan: Plan) -> None:
        """Delete a plan that may name erased photos, unless another one has taken its place.

        Raises:
            JobFolderError: A note, or the record of the job, is damaged.
        """
        if self._is_stored(plan):
            memory = Memory(self._objects, self._jobs_root, self._collection)
            for number in {memory.first_number_of(plan.job_id), memory.number_of(plan.job_id)}:
                if number is not None:
                    memory.withdraw_start(plan, number)
        self._delete_withdrawn(plan.job_folder, plan.created_at)

    def _delete_withdrawn(self, job_folder: str, created_at: float) -> None:
        """Delete a plan and its lists, and then its notes; completes a call that was killed.

        Raises:
            JobFolderError: A note, or the record of the job, is damaged.
        """
        claim = _Claim(self._objects, self._jobs_root, self._folder, job_folder)
        withdraw_plan(
            self._objects, self._jobs_root, job_folder, created_at, is_claimed=claim.exists
        )
        self._forget(job_folder, created_at)

    def _forget(self, job_folder: str, created_at: float) -> None:
        """Delete the notes of a plan that is checked or deleted, and of earlier ones of its job.

        Raises:
            JobFolderError: A note is damaged.
        """
        for uri, note in self._notes():
            # Another planner may have noted a later plan, and not stored it yet.
            if note.job_folder == job_folder and note.created_at <= created_at:
                self._objects.delete(uri)

    def _notes(self) -> Iterator[tuple[str, _Note]]:
        return _read_notes(self._objects, self._jobs_root, self._folder)


def delete_lists_without_plan(
    objects: ObjectStore, jobs_root: str, folder: str, *, is_deleted: bool = False
) -> None:
    """Delete lists that may name erased photos and for which a killed planner stored no plan.

    Args:
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        folder: Folder with the remembered photos of one creation of a collection.
        is_deleted: Whether the collection is deleted, with the photos in all lists.

    Raises:
        JobFolderError: A note is damaged.
    """
    notes = [note for _, note in _read_notes(objects, jobs_root, folder)]
    erasures = _erasures(objects, folder)
    outdated = {note.job_folder for note in notes if is_deleted or _is_outdated(note, erasures)}
    for job_folder in sorted(outdated):
        claim = _Claim(objects, jobs_root, folder, job_folder)
        delete_late_files(
            objects,
            job_folder,
            is_claimed=lambda: not is_deleted and claim.exists(),  # noqa: B023
        )


@dataclass(frozen=True, slots=True)
class _Claim:
    """The claim of a planner that is writing a plan, which considers all erasures, and its lists.

    Attributes:
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        folder: Folder with the notes of plans.
        job_folder: The folder of the job.
    """

    objects: ObjectStore
    jobs_root: str
    folder: str
    job_folder: str

    def exists(self) -> bool:
        """Return whether a planner has such a claim, which it stores before the lists."""
        erasures = _erasures(self.objects, self.folder)
        return any(
            note.job_folder == self.job_folder
            and note.result != _Result.WITHDRAWN
            and not _is_outdated(note, erasures)
            for _, note in _read_notes(self.objects, self.jobs_root, self.folder)
        )


def _erasures(objects: ObjectStore, folder: str) -> set[str]:
    """Return the names of the notes of erasures."""
    found = objects.list(f"{folder}erased-")
    return {each.uri.removeprefix(folder) for each in found}


def _is_outdated(note: _Note, erasures: set[str]) -> bool:
    return not erasures <= set(note.erasures)


def _read_notes(objects: ObjectStore, jobs_root: str, folder: str) -> Iterator[tuple[str, _Note]]:
    """Yield the addresses and the contents of the notes of plans, with addresses of job folders."""

    def note_of(document: object) -> _Note:
        note = _to_note(document)
        return replace(note, job_folder=resolved_folder(jobs_root, note.job_folder))

    for found in list(objects.list(f"{folder}planning-")):
        # Another planner may have deleted it.
        with suppress(ObjectNotFoundError):
            yield found.uri, read_document(objects, found.uri, note_of)


def _to_note(document: object) -> _Note:
    note = to_record(_Note, document)
    return replace(note, result=_Result(note.result))


def _content(note: _Note) -> bytes:
    return json.dumps(asdict(note)).encode()


def _is_of(note: _Note, plan: Plan) -> bool:
    return (note.job_folder, note.created_at) == (plan.job_folder, plan.created_at)
