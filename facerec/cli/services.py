"""Opens the services of a command: of this machine, or of a stack on AWS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory
from facerec.core.deferred import DeferredModule

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.receipts import Erasures
    from facerec.jobs.aws import stack as stacks
    from facerec.jobs.aws.erasure_function import ErasureFunction
    from facerec.jobs.progress import Progress
    from facerec.jobs.service import Job, JobService
else:
    stacks = DeferredModule("facerec.jobs.aws.stack")


@dataclass(frozen=True, slots=True)
class ShownJobs:
    """A job service with settings of the command line.

    Attributes:
        service: The service.
        dollars_per_second: Price of a second of a child's machine; None on this machine.
        interval: Seconds between refreshes, unless the user chooses them.
    """

    service: JobService
    dollars_per_second: float | None = None
    interval: float = 0.5

    def progress(self, job: Job) -> Progress | None:
        """Return the progress of a job; None before it is planned."""
        return self.service.progress(job) if job.plan else None

    def dollars(self, progress: Progress | None) -> float | None:
        """Return the approximate cost of the machines so far; None on this machine."""
        if self.dollars_per_second is None:
            return None
        return self.dollars_per_second * (progress.busy_seconds if progress else 0.0)

    def to_json(self, job: Job, progress: Progress | None) -> dict[str, Any]:
        """Return a job in the form of ``schemas/job.json``."""
        dollars = self.dollars(progress)
        cost = {} if dollars is None else {"machine_dollars": round(dollars, 6)}
        return {**job.to_json(progress), **cost}


def open_gallery(stack: str | None, data: Path | None, *, new: bool = False) -> Gallery:
    """Open the gallery of a stack, with the caller's credentials, or the gallery of this machine.

    Args:
        stack: The stack; None for this machine.
        data: The data folder of this machine; None for the user's data folder.
        new: Whether the data folder may be created.

    Raises:
        FacerecError: See ``find_stack``, ``open_stack_gallery`` and ``open_gallery``.
    """
    if stack is None:
        return factory.open_gallery(data_folder(data, new=new))
    return factory.open_stack_gallery(stacks.find_stack(stack))


def open_jobs(stack: str | None, data: Path | None) -> ShownJobs:
    """Return the jobs of a stack, or of this machine if no stack is named.

    Raises:
        NotFoundError: There is no such stack, or no such data folder.
        FacerecError: See ``find_stack``.
    """
    if stack is None:
        return ShownJobs(factory.open_local_jobs(data_folder(data)))
    from facerec.estimate.prices import load_prices
    from facerec.storage.objects.s3 import S3Objects

    found = stacks.find_stack(stack)
    jobs = factory.open_aws_jobs(
        state_machine=found.workflow,
        objects=S3Objects(),
        jobs_root=found.jobs_root,
        queue=found.queue,
    )
    vcpu_hour = load_prices()["ec2.spot_vcpu_hour"].dollars
    return ShownJobs(jobs, vcpu_hour * found.child_vcpus / 3600, interval=10.0)


def erasure_function(stack: str) -> ErasureFunction:
    """Return the function of a stack that erases and rebuilds.

    Raises:
        NotFoundError: The stack does not exist, or does not have the function.
        FacerecError: See ``find_stack``.
    """
    from facerec.errors import NotFoundError
    from facerec.jobs.aws.erasure_function import open_erasure_function

    found = stacks.find_stack(stack)
    if found.erasure_function is None:
        raise NotFoundError(
            f"the stack {stack!r} has no erasure function", "update the stack to this release"
        )
    return open_erasure_function(found.erasure_function, found.region)


def stack_erasures(stack: str) -> Erasures:
    """Return the receipts of the erasures of a stack.

    Raises:
        NotFoundError: There is no such stack.
        FacerecError: See ``find_stack``.
    """
    return factory.open_erasures(f"s3://{stacks.find_stack(stack).bucket}/erasures/")
