"""The record of the faces of a job that Pinecone has imported."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

from facerec.jobs.documents import read_if_exists, to_record
from facerec.jobs.ledger.layout import imported_uri

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class Imported:
    """Counts of an import.

    Attributes:
        faces: Number of faces of the ledger that were written into files, without erased ones.
        records: Number of records that Pinecone has imported.
        files: Number of the files that Pinecone imported.
    """

    faces: int
    records: int
    files: int


def write_imported(objects: ObjectStore, job_folder: str, imported: Imported) -> None:
    """Store the counts of an import in a job folder."""
    objects.write(imported_uri(job_folder), json.dumps(asdict(imported)).encode())


def read_imported(objects: ObjectStore, job_folder: str) -> Imported | None:
    """Return the counts of the import of a job; None if there was none.

    Raises:
        JobFolderError: The record is damaged.
    """
    return read_if_exists(objects, imported_uri(job_folder), partial(to_record, Imported))
