"""Watches running jobs, and ends those whose children do not start, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from facerec.errors import FacerecError
from facerec.jobs.aws.batch_queue import NOT_STARTED, BatchQueue, OpenJob

if TYPE_CHECKING:
    from facerec.jobs.aws.executions import Executions

MAX_WATCHED = 100
"""Maximum number of running executions to watch; older ones are not watched."""


RESUME_TIMEOUT = 86_400.0
"""Seconds for which a job may wait for its next child if some of its children have run. The queue
waits equally long for the capacity for the first child."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The state of the running jobs.

    Attributes:
        executions: Number of running executions.
        running: Number of children that are starting or running.
        ended: One line per job that was ended, with the reason.
        errors: The errors of the jobs that could not be checked or ended.
    """

    executions: int
    running: int
    ended: Sequence[str]
    errors: Sequence[FacerecError] = ()


def watch_jobs(
    executions: Executions,
    queue: BatchQueue,
    find_problems: Callable[[], Sequence[str]],
    *,
    start_timeout: float,
    now: float,
) -> Watched:
    """Check up to ``MAX_WATCHED`` running jobs, and end each one that starts no child in time.

    If some children of a job have run, it may have lost its machines: it may wait for
    ``RESUME_TIMEOUT`` seconds after the last of them ended. A job that waits for another job's
    children is not ended. The workflow reports a job that is ended here as incomplete, with the
    reason.

    Args:
        executions: The executions of the stack.
        queue: The queue of their children.
        find_problems: Returns the reasons why no child starts.
        start_timeout: Seconds that a job may wait for its first child.
        now: The current time, seconds since 1970.

    Returns:
        What was found and done, also if a job cannot be checked or ended. If the children of a job
        are unknown, no job is ended: the others may be waiting for them.

    Raises:
        FacerecError: The executions cannot be listed.
    """
    errors: list[FacerecError] = []
    jobs: list[OpenJob] = []
    running = executions.list(MAX_WATCHED, status="RUNNING")
    for execution in running:
        try:
            planned = executions.plan(execution.arn)
            if planned is not None and planned.children:
                jobs += queue.open_jobs(planned.job_name)
        except FacerecError as error:
            errors.append(error)
    children = sum(job.running for job in jobs)
    ended: list[str] = []
    problems = cache(find_problems)
    for job in jobs if not (children or errors) else ():
        try:
            timeout = _exceeded(job, queue, start_timeout, now)
            if timeout is not None:
                reason = _reason(job, problems(), timeout)
                queue.end(job.id, reason)
                ended.append(reason)
        except FacerecError as error:
            errors.append(error)
    return Watched(len(running), children, ended, errors)


def _exceeded(job: OpenJob, queue: BatchQueue, start_timeout: float, now: float) -> float | None:
    """Return the timeout in seconds that a job without running children has exceeded, if any."""
    if now - job.created_at <= start_timeout:
        return None
    active = queue.last_active(job)
    has_run = active > job.created_at
    timeout = max(start_timeout, RESUME_TIMEOUT) if has_run else start_timeout
    return timeout if now - active > timeout else None


def _reason(job: OpenJob, problems: Sequence[str], timeout: float) -> str:
    known = [*problems[:2], *([job.reason] if job.reason else [])]
    why = "; ".join(known) or "no service gives a reason; spot capacity may be exhausted"
    return f"{NOT_STARTED}: no child started within {timeout / 60:g} minutes: {why}"
