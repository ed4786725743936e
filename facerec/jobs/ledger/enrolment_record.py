"""The record of the people whom a job on AWS has created from the names of its photos.

It contains only counts: no job folder contains names of people or ids derived from them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

from facerec.jobs.documents import read_if_exists, to_record
from facerec.jobs.ledger.layout import enrolled_uri

if TYPE_CHECKING:
    from facerec.gallery.people.enrolling import Enrolment
    from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Counts of the people whom a job has created.

    Attributes:
        run: Number of the job's start (``child_runs.run_number``).
        people: Number of people named by the photos.
        created: Number of people who were created.
        associated: Number of faces that were associated with them.
        unchanged: Number of faces that were already associated.
        corrected: Number of photos that were named after somebody else before.
        deleted: Number of people who were deleted because their photos have other names now.
        unnamed: Number of photos without an associated face.
        registrations_lost: Number of deleted people whose registration nobody has now.
    """

    run: int
    people: int
    created: int
    associated: int
    unchanged: int
    corrected: int
    deleted: int
    unnamed: int
    registrations_lost: int = 0


def write_enrolled(
    objects: ObjectStore, job_folder: str, run: int, enrolment: Enrolment
) -> Enrolled:
    """Store the counts of an enrolment in a job folder, and return them.

    Args:
        objects: Contains the job folder.
        job_folder: The job folder.
        run: Number of the job's start.
        enrolment: The outcome.
    """
    enrolled = Enrolled(
        run,
        enrolment.people,
        enrolment.created,
        enrolment.associated,
        enrolment.unchanged,
        len(enrolment.corrected),
        len(enrolment.deleted),
        len(enrolment.unnamed),
        sum(ended.user_id is None for ended in enrolment.registrations),
    )
    objects.write(enrolled_uri(job_folder), json.dumps(asdict(enrolled)).encode())
    return enrolled


def read_enrolled(objects: ObjectStore, job_folder: str) -> Enrolled | None:
    """Return the counts of the last enrolment of a job; None if there was none.

    Raises:
        JobFolderError: The record is damaged.
    """
    return read_if_exists(objects, enrolled_uri(job_folder), partial(to_record, Enrolled))
