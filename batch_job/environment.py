"""Which job and which child a container is for, from what the workflow and AWS Batch set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from facerec.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class ChildPlace:
    """A place in a job.

    Attributes:
        job_folder: FACEREC_JOB_FOLDER, the uri of the job's folder with its final ``/``.
        child: the number of the child: FACEREC_CHILD_OFFSET, that of the array's first, plus
            AWS_BATCH_JOB_ARRAY_INDEX, which only children of an array have.
        attempt: AWS_BATCH_JOB_ATTEMPT, from 1 on.
        new_collection: FACEREC_NEW_COLLECTION, ``true`` if the job's workflow made the collection.
        tolerated_failure_percentage: FACEREC_TOLERATED_FAILURE_PERCENTAGE, for a report.
    """

    job_folder: str
    child: int
    attempt: int
    new_collection: bool
    tolerated_failure_percentage: float | None


def read_place(environment: Mapping[str, str]) -> ChildPlace:
    """Read a place.

    Raises:
        InvalidInputError: with the variable that is wrong.
    """
    folder = environment.get("FACEREC_JOB_FOLDER", "")
    if not folder.endswith("/"):
        raise InvalidInputError("the environment variable FACEREC_JOB_FOLDER is no folder")
    tolerated = environment.get("FACEREC_TOLERATED_FAILURE_PERCENTAGE", "")
    return ChildPlace(
        job_folder=folder,
        child=_number(environment, "FACEREC_CHILD_OFFSET", 0)
        + _number(environment, "AWS_BATCH_JOB_ARRAY_INDEX", 0),
        attempt=_number(environment, "AWS_BATCH_JOB_ATTEMPT", 1),
        new_collection=environment.get("FACEREC_NEW_COLLECTION") == "true",
        tolerated_failure_percentage=float(tolerated) if tolerated else None,
    )


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit():
        raise InvalidInputError(f"the environment variable {name} is {text!r}, not a number")
    return int(text)
