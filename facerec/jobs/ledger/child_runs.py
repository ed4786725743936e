"""Notes of the work of each child of a run on AWS, and the summary of the run.

On one machine, the process that runs a job knows what the run did. On AWS the children are separate
machines, so each notes how many rows it found and what it repaired. The notes of a run are in a
folder with the number of its start.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from facerec.errors import JobFolderError, ObjectNotFoundError
from facerec.jobs.documents import read_document, read_if_exists, to_record
from facerec.jobs.ledger.layout import (
    run_note_uri,
    run_notes_folder,
    run_summary_uri,
    started_uri,
)
from facerec.jobs.prefetch import read_ahead
from facerec.jobs.run_summary import RunSummary, run_from_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facerec.storage.objects.protocol import ObjectStore

READERS = 32
"""Number of notes to read concurrently: S3 takes tens of milliseconds for each."""


@dataclass(frozen=True, slots=True)
class RunNote:
    """Counts of the work of a child, or of the restoration of a lost collection, in a run.

    Attributes:
        child: The child; None for the restoration, which comes before the children.
        rows_before: Number of rows in the child's ledger when the run began.
        restored: See ``RunSummary.faces_restored``.
        removed: See ``RunSummary.faces_removed``.
        kept: See ``RunSummary.faces_kept``.
        deleted: See ``RunSummary.faces_deleted``.
        returned: See ``RunSummary.faces_returned``.
        people_returned: See ``RunSummary.people_returned``.
        outdated: See ``RunSummary.faces_outdated``.
        moved: See ``RunSummary.faces_moved``.
        lost: See ``RunSummary.faces_lost``; those of the photos in the child's ledger.
        lost_photos: See ``RunSummary.photos_lost``.
    """

    child: int | None
    rows_before: int = 0
    restored: int = 0
    removed: int = 0
    kept: int = 0
    deleted: int = 0
    returned: int = 0
    people_returned: int = 0
    outdated: int = 0
    moved: int = 0
    lost: int = 0
    lost_photos: int = 0

    @property
    def has_counts(self) -> bool:
        """Whether any faces or people differed from the ledger."""
        return any(
            (
                *(self.restored, self.removed, self.kept, self.deleted),
                *(self.returned, self.people_returned, self.outdated, self.moved, self.lost),
            )
        )

    def after(self, earlier: RunNote) -> RunNote:
        """Return this note combined with the note of an earlier attempt in the same run."""
        return RunNote(
            self.child,
            earlier.rows_before,
            self.restored + earlier.restored,
            self.removed + earlier.removed,
            # Each attempt counts all kept and deleted faces again.
            max(self.kept, earlier.kept),
            max(self.deleted, earlier.deleted),
            self.returned + earlier.returned,
            self.people_returned + earlier.people_returned,
            self.outdated + earlier.outdated,
            self.moved + earlier.moved,
            # Each attempt counts all faces that are lost now.
            self.lost,
            self.lost_photos,
        )


def run_number(objects: ObjectStore, job_folder: str) -> int:
    """Return the number of the last start of a job (``RunStart``).

    Returns:
        0 without a number, or if the record of the start is damaged: the number then only keeps the
        notes of a run apart, and a damaged record must not end the run.
    """
    try:
        return read_document(objects, started_uri(job_folder), lambda found: int(found["number"]))
    except (ObjectNotFoundError, JobFolderError):
        return 0


def add_run_note(objects: ObjectStore, job_folder: str, note: RunNote) -> None:
    """Store the note of an attempt, combined with the notes of earlier attempts of the same run.

    Args:
        objects: Contains the job folder.
        job_folder: The job folder.
        note: Counts of what the attempt found and repaired.

    Raises:
        JobFolderError: An earlier note is damaged.
    """
    uri = run_note_uri(job_folder, run_number(objects, job_folder), note.child)
    try:
        earlier = _read(objects, uri)
    except ObjectNotFoundError:
        pass
    else:
        if not (note.has_counts or earlier.lost):
            return
        note = note.after(earlier)
    objects.write(uri, json.dumps(asdict(note)).encode())


def hand_over_restoration(objects: ObjectStore, earlier: str, job_folder: str) -> None:
    """Copy the note of a restoration to the job that runs in place of the one that waited for it.

    Args:
        objects: Contains the job folders.
        earlier: Folder of the job that was planned before the restoration.
        job_folder: Folder of the job that was planned after it.

    Raises:
        JobFolderError: The note is damaged.
    """
    uri = run_note_uri(job_folder, run_number(objects, job_folder), None)
    # Planning again may have started the same job again with a later number.
    for folder in sorted(objects.folders(run_notes_folder(earlier)), reverse=True):
        with suppress(ObjectNotFoundError):
            note = _read(objects, f"{folder}restored.json")
            objects.write(uri, json.dumps(asdict(note)).encode())
            return


def write_run_summary(objects: ObjectStore, job_folder: str, rows: Sequence[int]) -> None:
    """Store the totals of the notes of a run as the summary of the run.

    A child without a note was complete when the run began, and agreed with its ledger.

    Args:
        objects: Contains the job folder.
        job_folder: The job folder.
        rows: Number of rows of each child now.

    Raises:
        JobFolderError: A note is damaged.
    """
    folder = run_notes_folder(job_folder, run_number(objects, job_folder))
    uris = [found.uri for found in objects.list(folder)]
    total, new, restored = RunNote(None), 0, False
    for note in read_ahead(
        (uri for uri in uris if uri.endswith(".json")),
        lambda uri: _read(objects, uri),
        lambda _: 1,
        threads=READERS,
        max_items=4 * READERS,
        max_weight=4 * READERS,
    ):
        if note.child is None:
            restored = True
        else:
            new += rows[note.child] - note.rows_before
        total = RunNote(
            None,
            0,
            total.restored + note.restored,
            total.removed + note.removed,
            total.kept + note.kept,
            total.deleted + note.deleted,
            total.returned + note.returned,
            total.people_returned + note.people_returned,
            total.outdated + note.outdated,
            total.moved + note.moved,
            total.lost + note.lost,
            total.lost_photos + note.lost_photos,
        )
    summary = RunSummary(
        new,
        faces_restored=total.restored,
        faces_removed=total.removed,
        faces_kept=total.kept,
        faces_deleted=total.deleted,
        faces_returned=total.returned,
        people_returned=total.people_returned,
        faces_outdated=total.outdated,
        faces_moved=total.moved,
        faces_lost=total.lost,
        photos_lost=total.lost_photos,
        collection_restored=restored,
    )
    objects.write(run_summary_uri(job_folder), json.dumps(summary.to_json()).encode())


def read_run_summary(objects: ObjectStore, job_folder: str) -> RunSummary | None:
    """Return the summary of the last run; None if none was written yet.

    Raises:
        JobFolderError: The summary is damaged.
    """
    return read_if_exists(objects, run_summary_uri(job_folder), run_from_json)


def _read(objects: ObjectStore, uri: str) -> RunNote:
    return read_document(objects, uri, lambda found: to_record(RunNote, found))
