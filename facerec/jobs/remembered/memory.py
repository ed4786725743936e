"""The memory of a collection: the sorted lines of its jobs' children.

``{jobs_root}remembered@{collection}/{created}/`` contains notes named
``{number}-{order}-{settings}-{job id}``. ``order`` is ``sorted`` if the children's files,
concatenated, are in order, otherwise ``mixed``. The content of a note is the job folder, relative
to the root if it is inside. A job that was started again has two notes: one of its first start, and
one of its last start, which counts. Two kinds of notes are themselves files of lines
(``line_files``): ``{number}-{token}-merged``, the lines of all notes up to that number, and
``{number}-{token}-gone``, lines that cancel earlier ones. The latter keeps its number when the job
that wrote it is started again. Earlier releases wrote ``{number}-merged``.

A job that finds another one with its number takes a higher one. Notes of earlier releases may have
equal numbers: they are merged together or not at all, and the lines of one photo under one number
are ordered by their text, the same for every reader. No note is merged whose job may still add
lines (``ended_jobs``).
"""

from __future__ import annotations

import re
import secrets
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from heapq import merge
from itertools import chain, product, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from facerec.core.limits import MAX_JSON_BYTES
from facerec.core.records import Collection
from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.ledger.layout import memory_folder, remembered_uri
from facerec.jobs.ledger.reading import rows_of_child
from facerec.jobs.plan import Plan, deleted_plan_uri, plan_uri, read_facts, read_plan
from facerec.jobs.prefetch import read_ahead
from facerec.jobs.remembered.collections import creations
from facerec.jobs.remembered.ended_jobs import has_ended
from facerec.jobs.remembered.erased_photos import ErasedPhoto, digest_of, read_erased_photos
from facerec.jobs.remembered.line_files import (
    Reservation,
    is_reservation,
    new_token,
    publish,
    reserve,
    revoke,
)
from facerec.jobs.remembered.photos import (
    FIELDS,
    GONE,
    RememberedPhoto,
    address_of_line,
    is_marked,
    is_valid_line,
    lines_of_rows,
    photo_of_line,
    unescaped,
    with_mark,
)
from facerec.jobs.remembered.sorting import sorted_lines
from facerec.jobs.start_order import RunStart, write_start
from facerec.jobs.versions import is_pinned, pinned_version
from facerec.storage.objects.leftovers import delete_leftovers
from facerec.storage.objects.protocol import exists, folder_of, scheme_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from facerec.storage.objects.protocol import ObjectStore

READERS = 16
"""Files that are read concurrently."""

CHUNK = 4 * 1024 * 1024
"""Number of bytes of a merged file per read."""

MERGED_FROM = 12
"""Minimum number of notes to merge into one."""

SPREAD = 16
"""How many numbers a job chooses from, at random, if another job has taken its number."""

_NOTE = re.compile(
    r"(\d{8})-(?:(?:[0-9a-f]+-)?(merged)|[0-9a-f]+-(gone)|(sorted|mixed)-([0-9a-f]+)-(.+))"
)

_KEY = FIELDS - 2
"""Position of the image key among the fields of a line; the number of faces comes next."""

_MAYBE_GONE = f"\t{GONE}\t"
_MAYBE_PINNED = f"\t{pinned_version('')}"

Remembered: TypeAlias = tuple[str, str, int, str]
"""Address, external image id, negative number of the note, and line; sorts in reading order."""


@dataclass(frozen=True, slots=True)
class Note:
    """A note of the memory: it stands for the lines of a job, or is itself a file of lines.

    Attributes:
        number: Position among the notes; the latest has the highest number.
        uri: Address of the note.
        job_id: The job; None if the note itself is a file of lines.
        settings: Digest of its options; "" if the note is a file of lines.
        in_order: Whether its files, concatenated, are sorted.
        is_merged: Whether it is a file with the lines of all earlier notes, which were merged.
    """

    number: int
    uri: str
    job_id: str | None
    settings: str
    in_order: bool
    is_merged: bool = False


def write_photos(objects: ObjectStore, job_folder: str, child: int, lines: Iterable[str]) -> None:
    """Write the remembered photos of a complete child."""
    ordered = sorted(set(lines), key=address_of_line)
    content = "".join(f"{line}\n" for line in ordered).encode(errors="surrogateescape")
    objects.write(remembered_uri(job_folder, child), content)


def latest_memory(objects: ObjectStore, jobs_root: str, collection_id: str) -> Memory | None:
    """Return the memory of the latest creation of a collection; None if there is none.

    This needs no record of the collection.
    """
    created = max(creations(objects, jobs_root, collection_id), default=None)
    if created is None:
        return None
    return Memory(objects, jobs_root, Collection(collection_id, "", created))


class Memory:
    """The memory of a collection: the photos of its jobs, with their outcomes.

    Attributes:
        notes: The notes whose lines count, in ascending order of their numbers.
    """

    def __init__(self, objects: ObjectStore, jobs_root: str, collection: Collection) -> None:
        """Open the memory of one creation of a collection, with one listing."""
        self._objects, self._jobs_root = objects, jobs_root
        folder = memory_folder(jobs_root, collection.collection_id)
        self._folder = f"{folder}{collection.created_at!r}/"
        self.notes: list[Note] = []
        self._listed: list[Note] = []
        self._merged_before: list[Note] = []
        self._erased_notes: list[str] = []
        self._all_erased_notes: set[str] = set()
        self._reserved: list[str] = []
        self._folders: dict[str, str] = {}
        self._open()
        self._known_erased_notes = frozenset(self._all_erased_notes)

    def record_start(self, plan: Plan) -> int:
        """Record that a job is started and will add its photos to the memory.

        From now on, its lines and its ledger take precedence over those of other jobs
        (``facerec.jobs.start_order``). Temporary files that killed processes left in the memory are
        deleted.

        Returns:
            The number of the start.
        """
        if scheme_of(self._folder) == "file":
            delete_leftovers(self._objects, folder_of(self._folder.rstrip("/")), below=True)
        # Others may have started and merged since this memory was opened, and only what comes after
        # a merged note counts.
        number = max((note.number for note in self._list()), default=0) + 1
        # Listed photos are in order, except those that are retried or cancelled.
        found = plan.difference
        in_order = found is not None and not (found.retried or (plan.prune and found.gone))
        order = "sorted" if in_order else "mixed"
        suffix = f"{order}-{plan.options.digest()}-{plan.job_id}"
        while True:
            uri = f"{self._folder}{number:08d}-{suffix}"
            self._write_note(uri, plan.job_folder)
            others = [note for note in self._list() if note.job_id not in (None, plan.job_id)]
            if all(note.number != number for note in others):
                break
            # Another job has been started at the same time, and may see this one too.
            self._objects.delete(uri)
            number = max(note.number for note in others) + 1 + secrets.randbelow(SPREAD)
        write_start(self._objects, plan.job_folder, RunStart(number, time.time()))
        # The first note is used to find jobs that were planned at the same time.
        for note in [note for note in self._listed if note.job_id == plan.job_id][1:]:
            self._objects.delete(note.uri)
        return number

    def withdraw_start(self, plan: Plan, number: int) -> None:
        """Delete the note of a start of a job that is planned again instead.

        Without this, the job would count as one that has indexed the collection.

        Args:
            plan: Plan of the job.
            number: What ``record_start`` has returned.
        """
        for note in list(self._list()):
            if (note.job_id, note.number) == (plan.job_id, number):
                self._objects.delete(note.uri)

    def begin_cancelling(self) -> Reservation:
        """Prepare to cancel photos; do so before reading which ones.

        Returns:
            What ``cancel`` needs. The lines of jobs that are started later are not cancelled.
        """
        self._open()
        number = self._listed[-1].number + 1 if self._listed else 1
        return reserve(self._objects, f"{self._folder}{number:08d}-{new_token()}-gone")

    def cancel(
        self, photos: Iterable[tuple[str, str]], plan: Plan, reservation: Reservation
    ) -> bool:
        """Cancel the lines of photos.

        Args:
            photos: Their addresses, and external image ids or "".
            plan: Plan of the job that cancels them; if the job was deleted, nothing is cancelled.
            reservation: What ``begin_cancelling`` has returned.

        Returns:
            Whether this is done. If not, some of the photos may have been erased in the meantime,
            or lines were merged: begin again.
        """
        lines = {RememberedPhoto(uri, name, "", "", GONE, "", 0).to_line() for uri, name in photos}
        if not lines:
            self._objects.delete(reservation.uri)
            return True
        text = "".join(f"{line}\n" for line in sorted(lines, key=address_of_line))
        content = text.encode(errors="surrogateescape")
        done = publish(self._objects, reservation, content)
        self._delete_if_late(reservation, plan)
        self._open()
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
        for note in self._listed:
            if note.job_id is not None and note.job_id == job_id:
                self._write_note(note.uri, job_folder)

    def _write_note(self, uri: str, job_folder: str) -> None:
        folder = job_folder.removeprefix(self._jobs_root)
        self._folders.pop(uri, None)
        self._objects.write(uri, folder.encode(errors="surrogateescape"))

    def number_of(self, job_id: str) -> int | None:
        """Return the number of the last start of a job; None without one, or if it was merged."""
        return next((note.number for note in self.notes if note.job_id == job_id), None)

    def first_number_of(self, job_id: str) -> int | None:
        """Return the number of the first known start of a job; None without one."""
        return next((note.number for note in self._listed if note.job_id == job_id), None)

    def is_last(self, job_id: str) -> bool:
        """Return whether a job was started, and no other job was started after it."""
        started = [note.job_id for note in self._listed if note.job_id is not None]
        return started[-1:] == [job_id]

    def folders_after(self, number: int) -> Iterator[str]:
        """Yield the folders of the jobs whose last start has a higher number than ``number``.

        Jobs whose lines were merged are included until the next merge deletes their notes.
        """
        last = {note.job_id: note for note in self._listed if note.job_id is not None}
        for note in last.values():
            if note.number > number:
                with suppress(ObjectNotFoundError):
                    yield self._folder_of(note)

    def lines_of(self, job_folder: str, number: int) -> Iterator[Remembered]:
        """Yield the lines of a job whose notes may have been merged, under a given number."""
        return self._parsed(sorted_lines(self._files(job_folder), key=address_of_line), number)

    def lines(self) -> Iterator[Remembered]:
        """Yield the lines of all notes ordered by address; for the same address, newest first."""
        return self._lines_of(self.notes)

    def _lines_of(self, notes: Iterable[Note]) -> Iterator[Remembered]:
        return merge(*(self._lines(note) for note in notes))

    def newest(self) -> Iterator[Remembered]:
        """Yield the newest line of each photo, except photos whose lines were cancelled.

        A line without a key gets the key and the number of faces of the photo's next older line: a
        photo that cannot be read now still has its faces in the collection. Each version of a photo
        that manifests name by its version id counts as a separate photo.
        """
        return self._newest_of(self.notes)

    def _newest_of(self, notes: Iterable[Note]) -> Iterator[Remembered]:
        lines: list[Remembered] = []
        for line in self._lines_of(notes):
            if lines and line[:2] == lines[0][:2]:
                lines.append(line)
                continue
            if len(lines) == 1:
                if not _is_gone(lines[0][3]):
                    yield lines[0]
            elif lines:
                yield from _newest(lines)
            lines = [line]
        yield from _newest(lines)

    def merge_notes(self, plan: Plan, before: int) -> None:
        """Merge the notes into one if there are many, up to the first that may get more lines.

        The merged files stay until the next merge, since other processes may be reading them. If
        something is erased in the meantime, the notes are left for the next job to merge.

        Args:
            plan: The job that is planned.
            before: Number of its start; only earlier notes are merged.
        """
        if len(self.notes) < MERGED_FROM:
            return
        self._open()
        for uri in self._reserved:
            # The merged note would hide these lines if they were written later.
            revoke(self._objects, uri)
        final = list(
            takewhile(
                lambda note: note.number < before and not self._unfinished_plan(note), self.notes
            )
        )
        # Notes with the number of the first one that is left would be hidden by the merged note.
        left = self.notes[len(final)].number if len(final) < len(self.notes) else before
        notes = [note for note in final if note.number < left]
        if len(notes) < MERGED_FROM:
            return
        merged = f"{self._folder}{notes[-1].number:08d}-{new_token()}-merged"
        reservation = reserve(self._objects, merged)
        with tempfile.NamedTemporaryFile("w", newline="\n", errors="surrogateescape") as file:
            file.writelines(f"{line}\n" for _, _, _, line in self._newest_of(notes))
            file.flush()
            is_empty = file.tell() == 0
            if is_empty or not publish(self._objects, reservation, Path(file.name)):
                revoke(self._objects, merged)
                return
        self._delete_if_late(reservation, plan)
        for note in self._merged_before:
            self._objects.delete(note.uri)
        self._open()

    def unfinished(self) -> Iterator[Plan]:
        """Yield the plans of jobs that may still add lines."""
        for note in self.notes:
            plan = self._unfinished_plan(note)
            if plan is not None:
                yield plan

    def _unfinished_plan(self, note: Note) -> Plan | None:
        """Return the plan of a note's job.

        Returns:
            None if the job adds no more lines, unless it is started again.
        """
        if note.job_id is None:
            return None
        try:
            plan = self._plan_in(self._folder_of(note))
        except ObjectNotFoundError:
            # Deleted.
            return None
        if plan is None or set(self._complete(plan.job_folder)) >= set(range(plan.children)):
            return None
        return None if has_ended(plan, self._objects) else plan

    def _open(self) -> None:
        """List the notes, except those that were merged or whose jobs were started again."""
        found = sorted(self._list(), key=lambda note: (note.number, note.is_merged, note.uri))
        merged = max((position for position, note in enumerate(found) if note.is_merged), default=0)
        last = {note.job_id or note.uri: note for note in found[merged:]}
        self.notes = [note for note in found[merged:] if last[note.job_id or note.uri] is note]
        self._listed, self._merged_before = found, found[:merged]
        self._folders.clear()

    def is_erased(self) -> Callable[[str, str, str], bool]:
        """Return a predicate that is true for erased photos.

        Its arguments are an address, a version, and an external image id or "".

        Raises:
            JobFolderError: A note is damaged, so that erased photos may be unknown.
        """
        digests = read_erased_photos(self._objects, self._erased_notes)
        if not digests:
            return lambda uri, version, name: False
        return lambda uri, version, name: any(
            digest_of(self._folder, ErasedPhoto(uri, *each)) in digests
            for each in product({version, ""}, {name, ""})
        )

    @property
    def has_erased_photos(self) -> bool:
        """Whether erased photos are recorded, which would seem new if they were named again."""
        return bool(self._erased_notes)

    @property
    def has_new_erasures(self) -> bool:
        """Whether the last listing shows erasures that were noted after this memory was opened.

        ``record_start`` lists.
        """
        return not self._all_erased_notes <= self._known_erased_notes

    def _list(self) -> Iterator[Note]:
        self._erased_notes.clear()
        self._all_erased_notes.clear()
        self._reserved.clear()
        for found in self._objects.list(self._folder):
            if found.uri.startswith(f"{self._folder}erased-"):
                self._all_erased_notes.add(found.uri)
                if found.size:
                    self._erased_notes.append(found.uri)
            if is_reservation(found.uri, found.size):
                self._reserved.append(found.uri)
                continue
            named = _NOTE.fullmatch(found.uri.removeprefix(self._folder))
            if named:
                number, merged, _, order, settings, job_id = named.groups()
                in_order, is_merged = order != "mixed", merged is not None
                yield Note(int(number), found.uri, job_id, settings or "", in_order, is_merged)

    def _lines(self, note: Note) -> Iterator[Remembered]:
        in_order = note.in_order
        if note.job_id is None:
            texts = self._merged(note)
        else:
            try:
                folder = self._folder_of(note)
                plan = self._plan_in(folder)
            except ObjectNotFoundError:
                # It has since been merged and deleted; or its deletion was killed, and the next
                # deletion completes it.
                return iter(())
            texts = self._files(folder)
            unfinished = None if plan is None else self._unfinished(plan)
            if unfinished is not None:
                texts, in_order = chain(texts, unfinished), False
        if not in_order:
            texts = sorted_lines(texts, key=address_of_line)
        return self._parsed(texts, note.number)

    def _parsed(self, texts: Iterable[str], number: int) -> Iterator[Remembered]:
        for line in texts:
            if not is_valid_line(line):
                # A damaged line: the photo is processed again.
                continue
            uri, external_image_id, _ = line.split("\t", 2)
            yield (unescaped(uri) if "%" in uri else uri), external_image_id, -number, line

    def _folder_of(self, note: Note) -> str:
        """Return the job folder that a note names; the note is read once."""
        folder = self._folders.get(note.uri)
        if folder is None:
            folder = self._objects.read(note.uri, end=MAX_JSON_BYTES).decode(
                errors="surrogateescape"
            )
            self._folders[note.uri] = folder
        return folder if folder.startswith(("/", "s3://")) else self._jobs_root + folder

    def _plan_in(self, job_folder: str) -> Plan | None:
        """Return the plan of a job; None if it is missing or damaged.

        Raises:
            ObjectNotFoundError: The job is being deleted.
        """
        try:
            return read_plan(self._objects, job_folder)
        except InvalidInputError:
            return None
        except ObjectNotFoundError:
            if exists(deleted_plan_uri(job_folder), self._objects):
                raise
            return None

    def _unfinished(self, plan: Plan) -> Iterator[str] | None:
        """Return the lines of the photos that incomplete children have committed.

        Returns:
            None if all children are complete.
        """
        children = set(range(plan.children)) - set(self._complete(plan.job_folder))
        return self._committed(plan, sorted(children)) if children else None

    def _committed(self, plan: Plan, children: Iterable[int]) -> Iterator[str]:
        # A damaged ledger is reported by its own job; its photos are processed again.
        with suppress(ObjectNotFoundError, InvalidInputError):
            for child in children:
                yield from lines_of_rows(rows_of_child(plan, self._objects, child), plan)

    def _complete(self, job_folder: str) -> Iterator[int]:
        """Yield the numbers of the children that have written their memory."""
        for found in self._objects.list(remembered_uri(job_folder)):
            name = found.uri.rpartition("/")[2]
            # The name of a partial file left by a killed process contains a dot.
            if name.isdigit():
                yield int(name)

    def _files(self, job_folder: str) -> Iterator[str]:
        for content in read_ahead(
            (remembered_uri(job_folder, child) for child in self._complete(job_folder)),
            self._read,
            len,
            threads=READERS,
            max_items=4 * READERS,
            max_weight=64 * 1024 * 1024,
        ):
            yield from _split(content)

    def _read(self, uri: str) -> bytes:
        try:
            return self._objects.read(uri)
        except ObjectNotFoundError:
            # Deleted with its job.
            return b""

    def _merged(self, note: Note) -> Iterator[str]:
        info, kept = self._objects.head(note.uri), b""
        for start in range(0, info.size, CHUNK):
            content = kept + self._objects.read(
                note.uri, start=start, end=start + CHUNK, version=info.version
            )
            end = content.rfind(b"\n") + 1
            kept = content[end:]
            yield from _split(content[:end])


def _newest(lines: Iterable[Remembered]) -> Iterable[Remembered]:
    """Return the newest line of a photo, and of each version that is named by its id.

    The lines must come newest first. Lines that were cancelled are omitted. An external image id
    that somebody chose stays one that was chosen when a later job derives the same one.
    """
    found: dict[str, Remembered] = {}
    chosen: set[str] = set()
    for line in lines:
        if _is_gone(line[3]):
            break
        version = photo_of_line(line[3]).version if _MAYBE_PINNED in line[3] else ""
        pin = version if is_pinned(version) else ""
        last = found.setdefault(pin, line)
        if not _has_key(last[3]):
            found[pin] = (*last[:3], _with_key_of(last[3], line[3]))
        if is_marked(line[3]):
            chosen.add(pin)
    for pin in chosen:
        found[pin] = (*found[pin][:3], with_mark(found[pin][3]))
    return found.values()


def _split(content: bytes) -> list[str]:
    lines = content.decode(errors="surrogateescape").split("\n")
    lines.pop()
    return lines


def _is_gone(line: str) -> bool:
    return _MAYBE_GONE in line and line.rsplit("\t", 3)[1] == GONE


def _has_key(line: str) -> bool:
    return line.split("\t")[_KEY] != ""


def _with_key_of(line: str, older: str) -> str:
    """Return a line, with the key and number of faces of an older one if it has no key."""
    fields = line.split("\t")
    fields[_KEY:FIELDS] = older.split("\t")[_KEY:FIELDS]
    return "\t".join(fields)
