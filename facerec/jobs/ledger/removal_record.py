"""The record of the faces that a job removed because of stale photos."""

from __future__ import annotations

from functools import partial

from facerec.jobs.difference import Removal
from facerec.jobs.documents import read_if_exists, to_record
from facerec.jobs.ledger.layout import removal_uri, stale_uri
from facerec.storage.objects.protocol import ObjectStore, exists


def read_removal(objects: ObjectStore, job_folder: str) -> Removal | None:
    """Return the counts of the faces that a job removed; None if it has not removed any yet.

    Raises:
        JobFolderError: The record is damaged.
    """
    return read_if_exists(objects, removal_uri(job_folder), partial(to_record, Removal))


def is_listed_stale(objects: ObjectStore, job_folder: str) -> bool:
    """Return whether a job has a list of photos that were replaced or renamed, or are gone."""
    return exists(stale_uri(job_folder), objects)
