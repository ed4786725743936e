"""The notes in the memory of a collection: their names, their order, and their jobs.

``{jobs_root}remembered@{collection}/{created}/`` contains notes named
``{number}-{order}-{settings}-{job id}``. ``order`` is ``sorted`` if the children's files,
concatenated, are in order, otherwise ``mixed``. The content of a note is the job folder, relative
to the root if it is inside. A job that was started again has two notes: one of its first start, and
one of its last start, which counts. Two kinds of notes are themselves files of lines
(``line_files``): ``{number}-{token}-merged``, the lines of all notes up to that number, and
``{number}-{token}-gone``, lines that cancel earlier ones. The latter keeps its number when the job
that wrote it is started again. Earlier releases wrote ``{number}-merged``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.limits import MAX_JSON_BYTES
from facerec.jobs.ledger.layout import memory_folder
from facerec.jobs.remembered.line_files import is_reservation

if TYPE_CHECKING:
    from facerec.core.records import Collection
    from facerec.storage.objects.protocol import ObjectStore

_NAME = re.compile(
    r"(\d{8})-(?:(?:[0-9a-f]+-)?(merged)|[0-9a-f]+-(gone)|(sorted|mixed)-([0-9a-f]+)-(.+))"
)


@dataclass(frozen=True, slots=True)
class Note:
    """A note of the memory: it represents the lines of a job, or is itself a file of lines.

    Attributes:
        number: Position among the notes; the latest has the highest number.
        uri: Address of the note.
        job_id: The job; None if the note itself is a file of lines.
        settings: Digest of the job's options; "" if the note is a file of lines.
        in_order: Whether the files of the job's children, concatenated, are sorted.
        is_merged: Whether the note is a file with the lines of all earlier notes, which were
            merged.
    """

    number: int
    uri: str
    job_id: str | None
    settings: str
    in_order: bool
    is_merged: bool = False


class Notes:
    """The notes of one creation of a collection.

    Attributes:
        folder: Address of the folder of the notes.
        counting: The notes whose lines counted when ``read`` was last called, in ascending order of
            their numbers.
        known: All notes that existed then, in the same order.
        merged: The known notes that were merged into one.
        erased_photos: Addresses of the notes that name erased photos, in the last listing.
        reservations: Addresses of the files of lines that were reserved, in the last listing.
    """

    def __init__(self, objects: ObjectStore, jobs_root: str, collection: Collection) -> None:
        """Read the notes, with one listing."""
        self._objects, self._jobs_root = objects, jobs_root
        parent = memory_folder(jobs_root, collection.collection_id)
        self.folder = f"{parent}{collection.created_at!r}/"
        self.counting: list[Note] = []
        self.known: list[Note] = []
        self.merged: list[Note] = []
        self.erased_photos: list[str] = []
        self.reservations: list[str] = []
        self._job_folders: dict[str, str] = {}
        self.read()

    def read(self) -> None:
        """List the notes, except those that were merged or whose jobs were started again."""
        found = sorted(self.list_all(), key=lambda note: (note.number, note.is_merged, note.uri))
        merged = max((position for position, note in enumerate(found) if note.is_merged), default=0)
        last = {note.job_id or note.uri: note for note in found[merged:]}
        self.counting = [note for note in found[merged:] if last[note.job_id or note.uri] is note]
        self.known, self.merged = found, found[:merged]
        self._job_folders.clear()

    def list_all(self) -> list[Note]:
        """Return all notes that exist now, in any order."""
        self.erased_photos, self.reservations = [], []
        notes = []
        for found in self._objects.list(self.folder):
            if found.size and found.uri.startswith(f"{self.folder}erased-"):
                self.erased_photos.append(found.uri)
            if is_reservation(found.uri, found.size):
                self.reservations.append(found.uri)
                continue
            named = _NAME.fullmatch(found.uri.removeprefix(self.folder))
            if named:
                number, merged, _, order, settings, job_id = named.groups()
                in_order, is_merged = order != "mixed", merged is not None
                notes.append(
                    Note(int(number), found.uri, job_id, settings or "", in_order, is_merged)
                )
        return notes

    def write(self, uri: str, job_folder: str) -> None:
        """Write a note that names a job folder."""
        folder = stored_folder(self._jobs_root, job_folder)
        self._job_folders.pop(uri, None)
        self._objects.write(uri, folder.encode(errors="surrogateescape"))

    def job_folder(self, note: Note) -> str:
        """Return the job folder that a note names; the note is read once.

        Raises:
            ObjectNotFoundError: The note was deleted.
        """
        folder = self._job_folders.get(note.uri)
        if folder is None:
            folder = self._objects.read(note.uri, end=MAX_JSON_BYTES).decode(
                errors="surrogateescape"
            )
            self._job_folders[note.uri] = folder
        return resolved_folder(self._jobs_root, folder)


def stored_folder(jobs_root: str, job_folder: str) -> str:
    """Return a job folder as notes contain it, so that the root can be moved or copied."""
    return job_folder.removeprefix(jobs_root)


def resolved_folder(jobs_root: str, stored: str) -> str:
    """Return the address of a job folder that a note contains."""
    return stored if stored.startswith(("/", "s3://")) else jobs_root + stored
