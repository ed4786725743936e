"""Addresses of the objects in a job folder.

Numbers are zero-padded, so that names sort in numeric order.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facerec.core import names
else:
    from facerec.core.deferred import DeferredModule

    names = DeferredModule("facerec.core.names")


def ledger_folder(job_folder: str, child: int | None = None) -> str:
    """Return the folder of the segments of a child's ledger, or of all children."""
    return f"{job_folder}ledger/" + ("" if child is None else f"{child:07d}/")


def segment_uri(job_folder: str, child: int, offset: int) -> str:
    """Return the address of the segment of a child's ledger that starts at an offset."""
    return f"{ledger_folder(job_folder, child)}{offset:016d}.jsonl"


def embeddings_folder(job_folder: str, child: int | None = None) -> str:
    """Return the folder of the embeddings of a child, or of all children."""
    return f"{job_folder}embeddings/" + ("" if child is None else f"{child:07d}/")


def child_of(path: str) -> int | None:
    """Return the child whose segment or embeddings are at a path in a job folder, or None."""
    named = re.match(r"(?:embeddings|ledger)/(\d{7})/", path)
    return int(named[1]) if named else None


OUTAGES = "outages"
"""Folder, in a job folder, of the notes about stores that were down."""


def outages_folder(job_folder: str, submission: int) -> str:
    """Return the folder of the notes that a submission's children leave while a store is down."""
    return f"{job_folder}{OUTAGES}/{submission}/"


def face_index_uri(job_folder: str, child: int) -> str:
    """Return the address of the face index of a complete child."""
    return f"{job_folder}index/{child:07d}"


def job_face_index_uri(job_folder: str) -> str:
    """Return the address of the list of the files of a complete job's face index.

    The list contains the number of entries of each file.
    """
    return f"{job_folder}index/sorted.json"


def sorted_faces_uri(job_folder: str, number: int) -> str:
    """Return the address of a file of the face index of a complete job."""
    return f"{job_folder}index/sorted-{number:07d}"


def embeddings_name(child: int, start: int, end: int) -> str:
    """Return a new path in the job folder for the embeddings of the step between two offsets.

    Each attempt uses its own names, so that a late attempt cannot overwrite the file of another.
    """
    folder = embeddings_folder("", child)
    return f"{folder}{start:016d}-{end:016d}-{os.urandom(8).hex()}.npz"


def step_of_embeddings(uri: str) -> tuple[int, int] | None:
    """Return the offsets in the name of an embeddings file; None for any other file."""
    named = re.search(r"/(\d{16})-(\d{16})-[0-9a-f]{16}\.npz$", uri)
    return (int(named[1]), int(named[2])) if named else None


def summaries_folder(job_folder: str) -> str:
    """Return the folder of the summaries of complete children."""
    return f"{job_folder}children/"


def summary_uri(job_folder: str, child: int) -> str:
    """Return the address of the summary of a complete child."""
    return f"{summaries_folder(job_folder)}{child:07d}.json"


def remembered_uri(job_folder: str, child: int | None = None) -> str:
    """Return the address of a complete child's remembered photos, or the folder of all of them."""
    return f"{job_folder}remembered/" + ("" if child is None else f"{child:07d}")


MEMORY = "remembered@"
"""Prefix of the names of folders with remembered photos. No job id contains an "@"."""


def memory_folder(jobs_root: str, collection_id: str) -> str:
    """Return the folder with the photos that a collection's jobs remember (``jobs.remembered``)."""
    return f"{jobs_root}{MEMORY}{names.name_in_paths(collection_id)}/"


def verified_uri(jobs_root: str, collection_id: str, created_at: float) -> str:
    """Return the address of the record of the last comparison of a collection with its jobs."""
    return f"{memory_folder(jobs_root, collection_id)}{created_at!r}/verified"


def stale_uri(job_folder: str) -> str:
    """Return the address of the list of photos that were replaced or renamed, or are gone."""
    return f"{job_folder}stale.jsonl"


def removal_uri(job_folder: str) -> str:
    """Return the address of the record of the faces that a job removed because of stale photos."""
    return f"{job_folder}removal.json"


def enrolled_uri(job_folder: str) -> str:
    """Return the address of the counts of people whom a job on AWS has created."""
    return f"{job_folder}enrolled.json"


def imported_uri(job_folder: str) -> str:
    """Return the address of the counts of the faces of a job that Pinecone has imported."""
    return f"{job_folder}imported.json"


def run_notes_folder(job_folder: str, number: int | None = None) -> str:
    """Return the folder of the notes of a run on AWS, or of all runs."""
    return f"{job_folder}runs/" + ("" if number is None else f"{number:07d}/")


def run_note_uri(job_folder: str, number: int, child: int | None) -> str:
    """Return the address of a run's note of a child, or of the restoration if it is None."""
    name = "restored" if child is None else f"{child:07d}"
    return f"{run_notes_folder(job_folder, number)}{name}.json"


def run_summary_uri(job_folder: str) -> str:
    """Return the address of the summary of the last run on AWS."""
    return f"{job_folder}run-summary.json"


def first_failures_uri(job_folder: str) -> str:
    """Return the address of the record that the first photos of a job failed alike."""
    return f"{job_folder}first-failures.json"


def started_uri(job_folder: str) -> str:
    """Return the address of the note of the last start of a job."""
    return f"{job_folder}started.json"


def report_uri(job_folder: str) -> str:
    """Return the address of the report of a job."""
    return f"{job_folder}report.json"
