"""Where jobs are: on this machine, or in a stack on AWS. Commands do not care."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from facerec.errors import NotFoundError

if TYPE_CHECKING:
    from facerec.jobs.aws.batch_queue import ChildStates
    from facerec.jobs.ledger.report import Report
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore

RUNNING = "RUNNING"


@dataclass(frozen=True, slots=True)
class SeenJob:
    """A job as commands show it.

    Attributes:
        name: what commands call it.
        status: RUNNING, CANCELLED, or a ``JobStatus``; FAILED also where the input was refused.
        began: seconds since 1970.
        ended: the like; None while it runs, or where nobody knows.
        collection_id: where its faces go, if that is known.
        images: photos that are done, if that is known.
        faces: of them in the collection, if that is known.
        cause: why it failed, one line.
        plan: None before it was planned, or where it was not asked for.
        report: None before it was written, or where it was not asked for.
        address: what finds it again, such as its ARN.
    """

    name: str
    status: str
    began: float
    ended: float | None = None
    collection_id: str | None = None
    images: int | None = None
    faces: int | None = None
    cause: str | None = None
    plan: Plan | None = None
    report: Report | None = None
    address: str = ""

    def needed_plan(self) -> Plan:
        """Return the plan.

        Raises:
            NotFoundError: there is none.
        """
        if self.plan is None:
            raise NotFoundError(f"the job {self.name!r} has no plan", self.cause)
        return self.plan

    def to_json(self) -> dict[str, Any]:
        """Return it for scripts."""
        return {
            "job": self.name,
            "job_id": self.plan.job_id if self.plan else None,
            "job_folder": self.plan.job_folder if self.plan else None,
            "collection_id": self.collection_id,
            "status": self.status,
            "created_at": self.began,
            "ended_at": self.ended,
            "cause": self.cause,
            "report": self.report.to_json() if self.report else None,
        }


class JobPlace(Protocol):
    """Jobs, and the folders that they leave."""

    objects: ObjectStore

    def newest(self, limit: int) -> list[SeenJob]:
        """List jobs, the newest first."""
        ...

    def find(self, name: str) -> SeenJob:
        """Find a job by its name or id, or the newest by ``latest``.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def children(self, job: SeenJob) -> ChildStates | None:
        """Return how the children of a job stand where machines run them, None where none do."""
        ...

    def dollars_per_second(self) -> float:
        """Return about what a second of a child costs."""
        ...

    def cancel(self, job: SeenJob) -> None:
        """End a job that runs; what is done is kept."""
        ...


def open_place(stack: str | None, data: Path | None) -> JobPlace:
    """Return the jobs of a stack, or those of this machine where no stack is named."""
    if stack is not None:
        from facerec.cli.stack_jobs import open_stack_jobs

        return open_stack_jobs(stack)
    from facerec.cli.local_jobs import LocalJobs
    from facerec.cli.parts import data_folder, jobs_folder
    from facerec.storage.objects import Objects

    return LocalJobs(Objects(), jobs_folder(data_folder(data)))
