"""Submits children to AWS Batch: first all children of a job, then those that did not finish.

AWS Batch retries a child immediately, up to 8 times. That is enough for a reclaimed machine, but
not for an outage of ten minutes. So the workflow waits, then submits the incomplete children again;
they resume at the end of their ledgers. Submissions that end because a store is down do not count
as ``Resubmissions``. After such a submission one child runs alone first, so that each further one
costs only one child until the store is back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from facerec.jobs.arrays import arrays_of
from facerec.jobs.aws.batch_queue import NOT_STARTED
from facerec.jobs.exit_codes import DO_NOT_RETRY, OUTAGE
from facerec.jobs.ledger.incomplete import incomplete_uri, read_numbers

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore

PAUSES = (60, 300, 1500, 3600, 3600)
"""Seconds before each further submission; the last number holds for all later ones."""

MAX_OUTAGES = 24
"""Maximum number of submissions that may end because a store is down: about a day."""

MIN_CHILDREN_FOR_CANARY = 1000
"""Minimum number of children of a job whose first child runs alone, as a canary: if every child
would fail, only this one does."""

MAX_MEMORY = 30_000
"""Maximum memory of a child in MiB, after doubling; leaves room for the agent on a machine of 32
GiB."""

OUT_OF_MEMORY = "OutOfMemoryError"
"""Prefix of the reason of a container that was killed for its memory
(https://docs.aws.amazon.com/batch/latest/userguide/troubleshooting.html)."""

REFUSED = f"exit code {DO_NOT_RETRY}"
"""Reason of a child that would fail the same way again."""

STORE_DOWN = f"exit code {OUTAGE}"
"""Reason of a child that ended before its first commit because a store was down."""

_IMAGE_MISSING = re.compile(r"CannotPull\w*Error: .*(not found|manifest unknown)", re.DOTALL)
"""Reason of a container whose image no longer exists
(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html)."""

_FITS_NOWHERE = re.compile(
    r"MISCONFIGURATION:(JOB_RESOURCE_REQUIREMENT|COMPUTE_ENVIRONMENT_MAX_RESOURCE)"
)
"""Reason of a child that AWS Batch cancelled because it is larger than all machines
(https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_time_limit_actions.html).
The doubling of its memory may be the cause."""


@dataclass(frozen=True, slots=True)
class Submission:
    """The data that the workflow needs to run children.

    Attributes:
        job_folder: Uri of the job folder, with its final ``/``.
        job_name: Prefix of the names of its jobs in AWS Batch.
        large: Whether a job in AWS Batch writes the report.
        tolerated_failure_percentage: 0 to 100, the share of photos that may fail.
        arrays: The array jobs, each with ``offset`` and ``size``.
        numbers: Uri of the list of child numbers that the arrays index; empty if they are the
            numbers themselves.
        memory: Memory of a child in MiB, as text.
        canary: Whether one child runs alone first.
        number: 0 for the first submission.
        pause: Seconds to wait before this submission.
        outages: Number of earlier submissions that ended because a store was down.
        enrol: How people are created when all photos are indexed: ``person_from``, the rule for
            their names, and ``source``, the prefix or manifest; None creates nobody.
    """

    job_folder: str
    job_name: str
    large: bool
    tolerated_failure_percentage: float
    arrays: Sequence[Mapping[str, int]]
    numbers: str
    memory: str
    canary: bool
    number: int
    pause: int
    outages: int = 0
    enrol: Mapping[str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the submission as a part of the state of the execution."""
        return {**asdict(self), "arrays": [dict(array) for array in self.arrays]}


def submission_from_json(document: Mapping[str, Any]) -> Submission:
    """Read a submission from the state of the execution.

    An execution that started before an upgrade of the stack counts no outages.
    """
    return Submission(**{name: document[name] for name in Submission.__slots__ if name in document})


def first_submission(
    *,
    job_folder: str,
    job_name: str,
    children: int,
    large: bool,
    tolerated_failure_percentage: float,
    memory: int,
    max_array_size: int,
    enrol: Mapping[str, str] | None = None,
) -> Submission:
    """Return the submission of all children of a job.

    The arguments are those of ``Submission``, with ``memory`` in MiB; an array has at most
    ``max_array_size`` children.
    """
    return Submission(
        job_folder=job_folder,
        job_name=job_name,
        large=large,
        tolerated_failure_percentage=tolerated_failure_percentage,
        arrays=[asdict(array) for array in arrays_of(children, max_array_size)],
        numbers="",
        memory=str(memory),
        canary=children >= MIN_CHILDREN_FOR_CANARY,
        number=0,
        pause=0,
        enrol=enrol,
    )


def is_image_missing(reasons: Iterable[str]) -> bool:
    """Return whether a missing image is why all failed children failed; false if none failed."""
    found = list(reasons)
    return bool(found) and all(_IMAGE_MISSING.match(reason) for reason in found)


def next_submission(
    last: Submission,
    reasons: Mapping[str, int],
    objects: ObjectStore,
    *,
    resubmissions: int,
    max_array_size: int,
) -> Submission | None:
    """Return the submission that follows one with incomplete children, if it may help.

    Args:
        last: The submission that has ended.
        reasons: Reasons why children failed, with their counts; empty if unknown.
        objects: Contains the job folder, with the list of children that are not complete.
        resubmissions: Number of submissions allowed after the first.
        max_array_size: Maximum children of an array.

    Returns:
        None if no further submission is allowed, or none would help: all children failed in a way
        that would repeat, their image is gone, they fit on no machine, or no child has started.

    Raises:
        ObjectNotFoundError: There is no list of incomplete children.
        InvalidInputError: This list is damaged.
    """
    outage = STORE_DOWN in reasons
    used_up = last.number - last.outages >= min(resubmissions, len(PAUSES))
    if last.outages >= MAX_OUTAGES if outage else used_up:
        return None
    if reasons and set(reasons) == {REFUSED}:
        return None
    if is_image_missing(reasons):
        return None
    if reasons and all(_FITS_NOWHERE.search(reason) for reason in reasons):
        return None
    if any(reason.startswith(NOT_STARTED) for reason in reasons):
        # The job was ended after the maximum waiting time without any child starting.
        return None
    numbers = incomplete_uri(last.job_folder, last.number)
    children = read_numbers(objects, numbers)
    memory = int(last.memory)
    if any(reason.startswith(OUT_OF_MEMORY) for reason in reasons):
        memory = min(2 * memory, max(memory, MAX_MEMORY))
    return Submission(
        job_folder=last.job_folder,
        job_name=last.job_name,
        large=last.large,
        tolerated_failure_percentage=last.tolerated_failure_percentage,
        arrays=[asdict(array) for array in arrays_of(len(children), max_array_size)],
        numbers=numbers,
        memory=str(memory),
        canary=len(children) >= (2 if outage else MIN_CHILDREN_FOR_CANARY),
        number=last.number + 1,
        pause=PAUSES[min(last.number, len(PAUSES) - 1)],
        outages=last.outages + outage,
        enrol=last.enrol,
    )
