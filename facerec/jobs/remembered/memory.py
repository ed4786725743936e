"""The memory of a collection: the photos of its jobs, with their outcomes.

A job that starts adds a note (``notes``), which represents the lines of its photos
(``note_lines``). ``newest`` decides which of several lines about a photo counts.

A job that finds another job with its number takes a higher number. Notes of earlier releases may
have equal numbers: they are merged together or not at all, and the lines of one photo under one
number are ordered by their text, the same for every reader. No note is merged whose job may still
add lines (``ended_jobs``).
"""

from __future__ import annotations

import secrets
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from heapq import merge
from itertools import product, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.core.records import Collection
from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.plan import plan_uri, read_facts
from facerec.jobs.remembered.collections import creations
from facerec.jobs.remembered.erased_photos import ErasedPhoto, digest_of, read_erased_photos
from facerec.jobs.remembered.line_files import Reservation, new_token, publish, reserve, revoke
from facerec.jobs.remembered.newest import newest_lines
from facerec.jobs.remembered.note_lines import lines_of_job, lines_of_note, unfinished_plan
from facerec.jobs.remembered.notes import Notes
from facerec.jobs.remembered.photos import (
    GONE,
    UNKNOWN_SETTINGS,
    RememberedPhoto,
    address_of_line,
    photo_of_line,
)
from facerec.jobs.start_order import RunStart, write_start
from facerec.storage.objects.leftovers import delete_leftovers
from facerec.storage.objects.protocol import exists, folder_of, scheme_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Sequence

    from facerec.jobs.plan import Plan
    from facerec.jobs.remembered.newest import Remembered
    from facerec.jobs.remembered.notes import Note
    from facerec.storage.objects.protocol import ObjectStore

MERGED_FROM = 12
"""Minimum number of notes to merge into one."""

SPREAD = 16
"""Size of the range from which a job chooses a random number if another job has taken its own."""


def latest_memory(objects: ObjectStore, jobs_root: str, collection_id: str) -> Memory | None:
    """Return the memory of the latest creation of a collection; None if there is none.

    This needs no record of the collection.
    """
    created = max(creations(objects, jobs_root, collection_id), default=None)
    if created is None:
        return None
    return Memory(objects, jobs_root, Collection(collection_id, "", created))


class Memory:
    """The memory of one creation of a collection."""

    def __init__(self, objects: ObjectStore, jobs_root: str, collection: Collection) -> None:
        """Open the memory of one creation of a collection, with one listing."""
        self._objects, self._notes = objects, Notes(objects, jobs_root, collection)

    @property
    def notes(self) -> list[Note]:
        """The notes whose lines count, in ascending order of their numbers."""
        return self._notes.counting

    def record_start(self, plan: Plan) -> int:
        """Record that a job is started and will add its photos to the memory.

        From now on, its lines and its ledger take precedence over those of other jobs
        (``facerec.jobs.start_order``). Temporary files that killed processes left in the memory are
        deleted.

        Returns:
            The number of the start.
        """
        if scheme_of(self._notes.folder) == "file":
            delete_leftovers(self._objects, folder_of(self._notes.folder.rstrip("/")), below=True)
        # Other jobs may have started and merged notes since this memory was opened, and only notes
        # after a merged note count.
        number = max((note.number for note in self._notes.list_all()), default=0) + 1
        # Listed photos are in order, except those that are retried or cancelled.
        found = plan.difference
        in_order = found is not None and not (found.retried or (plan.prune and found.gone))
        order = "sorted" if in_order else "mixed"
        suffix = f"{order}-{plan.options.digest()}-{plan.job_id}"
        while True:
            uri = f"{self._notes.folder}{number:08d}-{suffix}"
            self._notes.write(uri, plan.job_folder)
            others = [
                note for note in self._notes.list_all() if note.job_id not in (None, plan.job_id)
            ]
            if all(note.number != number for note in others):
                break
            # Another job has been started at the same time, and may see this one too.
            self._objects.delete(uri)
            number = max(note.number for note in others) + 1 + secrets.randbelow(SPREAD)
        write_start(self._objects, plan.job_folder, RunStart(number, time.time()))
        # The first note is used to find jobs that were planned at the same time.
        for note in [note for note in self._notes.known if note.job_id == plan.job_id][1:]:
            self._objects.delete(note.uri)
        return number

    def withdraw_start(self, plan: Plan, number: int) -> None:
        """Delete the note of a start of a job that is planned again instead.

        Without this, the job would count as one that has indexed the collection.

        Args:
            plan: Plan of the job.
            number: The number that ``record_start`` returned.
        """
        for note in self._notes.list_all():
            if (note.job_id, note.number) == (plan.job_id, number):
                self._objects.delete(note.uri)

    def begin_cancelling(self) -> Reservation:
        """Prepare to cancel photos; call this before determining which ones.

        Returns:
            The reservation for ``cancel``, which does not cancel lines of jobs that are started
            later.
        """
        self._notes.read()
        number = self._notes.known[-1].number + 1 if self._notes.known else 1
        return reserve(self._objects, f"{self._notes.folder}{number:08d}-{new_token()}-gone")

    def cancel(
        self, photos: Iterable[tuple[str, str]], plan: Plan, reservation: Reservation
    ) -> bool:
        """Cancel the lines of photos.

        Args:
            photos: Addresses of the photos, and their external image ids or "".
            plan: Plan of the job that cancels them; if the job was deleted, nothing is cancelled.
            reservation: The result of ``begin_cancelling``.

        Returns:
            Whether the lines are cancelled. If not, some of the photos may have been erased in the
            meantime, or lines were merged: begin again.
        """
        lines = {RememberedPhoto(uri, name, "", "", GONE, "", 0).to_line() for uri, name in photos}
        return self._publish(sorted(lines, key=address_of_line), plan, reservation)

    def process_again(self, keys: Container[str], plan: Plan) -> int:
        """Have the next job of their source process photos again, as if the options had changed.

        Args:
            keys: Image keys of the photos.
            plan: Plan of a job of the collection; if it was deleted, nothing is changed.

        Returns:
            Number of addresses of these photos, without those that are processed again anyway.
        """
        while True:
            reservation = self.begin_cancelling()
            lines = []
            for _, _, _, line in self.newest():
                found = photo_of_line(line)
                if found.key in keys and found.settings != UNKNOWN_SETTINGS:
                    lines.append(replace(found, settings=UNKNOWN_SETTINGS).to_line())
            if self._publish(lines, plan, reservation):
                return len(lines)

    def _publish(self, lines: Sequence[str], plan: Plan, reservation: Reservation) -> bool:
        """Write lines into the file that was reserved for them; return False if it was revoked."""
        if not lines:
            self._objects.delete(reservation.uri)
            return True
        text = "".join(f"{line}\n" for line in lines)
        content = text.encode(errors="surrogateescape")
        done = publish(self._objects, reservation, content)
        self._delete_if_late(reservation, plan)
        self._notes.read()
        return done

    def _delete_if_late(self, reservation: Reservation, plan: Plan) -> None:
        """Delete a file that was written after the deletion of its job, or of the collection."""
        if not exists(plan_uri(plan.job_folder), self._objects):
            self._objects.delete(reservation.uri)

    def relocate(self, job_folder: str) -> None:
        """Update the note of a job whose folder was moved, if it has a note."""
        try:
            job_id = read_facts(self._objects, job_folder).job_id
        except (ObjectNotFoundError, InvalidInputError):
            return
        for note in self._notes.known:
            if note.job_id is not None and note.job_id == job_id:
                self._notes.write(note.uri, job_folder)

    def number_of(self, job_id: str) -> int | None:
        """Return the number of the last start of a job; None without one, or if it was merged."""
        return next((note.number for note in self.notes if note.job_id == job_id), None)

    def first_number_of(self, job_id: str) -> int | None:
        """Return the number of the first known start of a job; None without one."""
        return next((note.number for note in self._notes.known if note.job_id == job_id), None)

    def is_last(self, job_id: str) -> bool:
        """Return whether a job was started, and no other job was started after it."""
        started = [note.job_id for note in self._notes.known if note.job_id is not None]
        return started[-1:] == [job_id]

    def folders_after(self, number: int) -> Iterator[str]:
        """Yield the folders of the jobs whose last start has a higher number than ``number``.

        Jobs whose lines were merged are included until the next merge deletes their notes.
        """
        last = {note.job_id: note for note in self._notes.known if note.job_id is not None}
        for note in last.values():
            if note.number > number:
                with suppress(ObjectNotFoundError):
                    yield self._notes.job_folder(note)

    def lines_of(self, job_folder: str, number: int) -> Iterator[Remembered]:
        """Yield the lines of a job whose notes may have been merged, under a given number."""
        return lines_of_job(self._objects, job_folder, number)

    def lines(self) -> Iterator[Remembered]:
        """Yield the lines of all notes ordered by address; for the same address, newest first."""
        return self._lines_of(self.notes)

    def _lines_of(self, notes: Iterable[Note]) -> Iterator[Remembered]:
        return merge(*(lines_of_note(self._objects, self._notes, note) for note in notes))

    def newest(self) -> Iterator[Remembered]:
        """Yield the newest line of each photo (``newest_lines``)."""
        return newest_lines(self.lines())

    def merge_notes(self, plan: Plan, before: int) -> None:
        """If there are many notes, merge them into one, up to the first that may get more lines.

        The merged files stay until the next merge, since other processes may be reading them. If
        something is erased in the meantime, the notes are left for the next job to merge.

        Args:
            plan: The job that is planned.
            before: Number of its start; only earlier notes are merged.
        """
        if len(self.notes) < MERGED_FROM:
            return
        self._notes.read()
        for uri in self._notes.reservations:
            # The merged note would hide these lines if they were written later.
            revoke(self._objects, uri)
        final = list(
            takewhile(
                lambda note: note.number < before and self._unfinished_plan(note) is None,
                self.notes,
            )
        )
        # The merged note would hide notes that have the same number as the first note after it.
        left = self.notes[len(final)].number if len(final) < len(self.notes) else before
        notes = [note for note in final if note.number < left]
        if len(notes) < MERGED_FROM:
            return
        merged = f"{self._notes.folder}{notes[-1].number:08d}-{new_token()}-merged"
        reservation = reserve(self._objects, merged)
        with tempfile.NamedTemporaryFile("w", newline="\n", errors="surrogateescape") as file:
            file.writelines(f"{line}\n" for _, _, _, line in newest_lines(self._lines_of(notes)))
            file.flush()
            is_empty = file.tell() == 0
            if is_empty or not publish(self._objects, reservation, Path(file.name)):
                revoke(self._objects, merged)
                return
        self._delete_if_late(reservation, plan)
        for note in self._notes.merged:
            self._objects.delete(note.uri)
        self._notes.read()

    def unfinished(self) -> Iterator[Plan]:
        """Yield the plans of jobs that may still add lines."""
        for note in self.notes:
            plan = self._unfinished_plan(note)
            if plan is not None:
                yield plan

    def _unfinished_plan(self, note: Note) -> Plan | None:
        return unfinished_plan(self._objects, self._notes, note)

    def is_erased(self) -> Callable[[str, str, str], bool]:
        """Return a predicate that is true for erased photos.

        Its arguments are an address, a version, and an external image id or "".

        Raises:
            JobFolderError: A note is damaged, so that erased photos may be unknown.
        """
        digests = read_erased_photos(self._objects, self._notes.erased_photos)
        if not digests:
            return lambda uri, version, name: False
        return lambda uri, version, name: any(
            digest_of(self._notes.folder, ErasedPhoto(uri, *each)) in digests
            for each in product({version, ""}, {name, ""})
        )

    @property
    def has_erased_photos(self) -> bool:
        """Whether erased photos are recorded; these would seem new if a source listed them."""
        return bool(self._notes.erased_photos)
