"""Lists the files in job folders that name photos or faces, for erasing, checking and exporting.

A file that names a photo or a face and is not in this list would be neither erased nor exported.
``tests/functional/test_places.py`` searches for such files.
"""

from __future__ import annotations

from enum import StrEnum

from facerec.jobs.ledger.layout import (
    embeddings_folder,
    ledger_folder,
    memory_folder,
    remembered_uri,
    report_uri,
    stale_uri,
    summaries_folder,
)
from facerec.jobs.plan import manifests_prefix


class Place(StrEnum):
    """A kind of file in a job folder that names photos or faces."""

    MANIFEST = "manifest"
    """Lines of photos that facerec listed."""
    LEDGER = "ledger"
    EMBEDDINGS = "embeddings"
    SUMMARIES = "summaries"
    """Copies of failed rows."""
    REPORT = "report"
    """Copies of failed rows, in the report."""
    REMEMBERED = "remembered"
    """The outcome of each photo, for later jobs."""
    STALE = "stale"
    """List of photos that were replaced or renamed, or are gone."""


NAMING_PHOTOS = (Place.REMEMBERED, Place.STALE)
"""Line-oriented files that name photos but no faces."""


def place_uri(place: Place, job_folder: str) -> str:
    """Return the common address prefix of all files of one kind."""
    match place:
        case Place.MANIFEST:
            return manifests_prefix(job_folder)
        case Place.LEDGER:
            return ledger_folder(job_folder)
        case Place.EMBEDDINGS:
            return embeddings_folder(job_folder)
        case Place.SUMMARIES:
            return summaries_folder(job_folder)
        case Place.REPORT:
            return report_uri(job_folder)
        case Place.REMEMBERED:
            return remembered_uri(job_folder)
        case Place.STALE:
            return stale_uri(job_folder)


def photo_lists(jobs_root: str, collection_id: str, job_folders: list[str]) -> list[str]:
    """Return the address prefixes of the lists of a collection's remembered and stale photos.

    Args:
        jobs_root: Parent of all job folders; ends in ``/``.
        collection_id: The collection.
        job_folders: Folders of its jobs.
    """
    own = [place_uri(place, folder) for folder in job_folders for place in NAMING_PHOTOS]
    return [memory_folder(jobs_root, collection_id), *own]


def is_photo_list(name: str) -> bool:
    """Return whether a file below a prefix of ``photo_lists`` is a list of photos.

    Other files there do not name photos, or are partial: a file with a dot in its name is partial,
    unless it is a list of stale photos.
    """
    return name.isdigit() or name.endswith(("-merged", "-gone", ".jsonl"))
