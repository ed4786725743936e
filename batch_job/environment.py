"""Reads which child of which job a container runs, as set by the workflow and AWS Batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from facerec.errors import InvalidInputError
from facerec.jobs.status import TOLERATED_FAILURE_PERCENTAGE


@dataclass(frozen=True, slots=True)
class ChildAssignment:
    """The child that a container runs.

    Attributes:
        job_folder: FACEREC_JOB_FOLDER, uri of the job folder with its final ``/``.
        child: Number of the child: FACEREC_CHILD_OFFSET, the number of the first child of the
            array, plus AWS_BATCH_JOB_ARRAY_INDEX, which is only set in an array. With ``numbers``,
            the sum is the position in that list.
        numbers: FACEREC_CHILD_NUMBERS, uri of the numbers of resubmitted children, or None.
        attempt: AWS_BATCH_JOB_ATTEMPT, from 1.
        submission: FACEREC_SUBMISSION, number of the submission that started the child; 0 for the
            first.
        canary: FACEREC_CANARY, whether the child runs alone before the others.
        incomplete_uri: FACEREC_INCOMPLETE, address at which a report stores the numbers of
            incomplete children; None does not store them.
        tolerated_failure_percentage: FACEREC_TOLERATED_FAILURE_PERCENTAGE, 0 to 100, the share of
            photos that may fail.
        siblings: Length of the list at ``numbers``, once it has been read; None without a list.
    """

    job_folder: str
    child: int
    attempt: int
    numbers: str | None
    submission: int
    canary: bool
    incomplete_uri: str | None
    tolerated_failure_percentage: float
    siblings: int | None = None


def read_assignment(environment: Mapping[str, str]) -> ChildAssignment:
    """Read the assignment of this container.

    Raises:
        InvalidInputError: FACEREC_JOB_FOLDER does not end in ``/``, or a variable is not a number,
            or not in its range; the message names it.
    """
    folder = environment.get("FACEREC_JOB_FOLDER", "")
    if not folder.endswith("/"):
        raise _invalid("FACEREC_JOB_FOLDER", folder, 'an address that ends in "/"')
    return ChildAssignment(
        job_folder=folder,
        child=_number(environment, "FACEREC_CHILD_OFFSET", 0)
        + _number(environment, "AWS_BATCH_JOB_ARRAY_INDEX", 0),
        attempt=_number(environment, "AWS_BATCH_JOB_ATTEMPT", 1),
        numbers=environment.get("FACEREC_CHILD_NUMBERS") or None,
        submission=_number(environment, "FACEREC_SUBMISSION", 0),
        canary=environment.get("FACEREC_CANARY") == "true",
        incomplete_uri=environment.get("FACEREC_INCOMPLETE") or None,
        tolerated_failure_percentage=_percentage(
            environment, "FACEREC_TOLERATED_FAILURE_PERCENTAGE", TOLERATED_FAILURE_PERCENTAGE
        ),
    )


@dataclass(frozen=True, slots=True)
class ClusteringAssignment:
    """The collection whose faces a container clusters.

    Attributes:
        collection_id: FACEREC_COLLECTION.
        pair_threshold: FACEREC_PAIR_THRESHOLD; see ``Gallery.cluster_faces``.
    """

    collection_id: str
    pair_threshold: float | None


def read_clustering(environment: Mapping[str, str]) -> ClusteringAssignment:
    """Read which collection a container clusters, and the threshold.

    Raises:
        InvalidInputError: FACEREC_COLLECTION is not set, or FACEREC_PAIR_THRESHOLD is not a number.
    """
    collection_id = environment.get("FACEREC_COLLECTION")
    if not collection_id:
        raise InvalidInputError(
            "the environment variable FACEREC_COLLECTION is not set",
            "the stack sets it: start the clustering again",
        )
    threshold = environment.get("FACEREC_PAIR_THRESHOLD")
    try:
        return ClusteringAssignment(collection_id, float(threshold) if threshold else None)
    except ValueError as error:
        raise InvalidInputError(
            f"the environment variable FACEREC_PAIR_THRESHOLD is {threshold!r}, not a number",
            "the stack sets it: start the clustering again",
        ) from error


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit():
        raise _invalid(name, text, "a number")
    return int(text)


def _percentage(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name) or str(default)
    try:
        percentage = float(text)
    except ValueError:
        raise _invalid(name, text, "a number") from None
    if not 0 <= percentage <= 100:
        raise _invalid(name, text, "a percentage from 0 to 100")
    return percentage


def _invalid(name: str, text: str, expected: str) -> InvalidInputError:
    return InvalidInputError(
        f"the environment variable {name} is {text!r}, not {expected}",
        "the workflow of the stack sets it: start the job again",
    )
