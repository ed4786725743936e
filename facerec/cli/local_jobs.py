"""The jobs of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from facerec.cli.job_places import SeenJob
from facerec.errors import InvalidInputError, NotFoundError
from facerec.jobs.ledger.report import JobStatus
from facerec.jobs.overview import JobOverview, list_jobs
from facerec.jobs.plan import read_plan
from facerec.storage.objects.protocol import ObjectStore

if TYPE_CHECKING:
    from facerec.jobs.aws.batch_queue import ChildStates


class LocalJobs:
    """A ``JobPlace``: the folders of jobs that ran here, in the foreground."""

    def __init__(self, objects: ObjectStore, jobs_root: str) -> None:
        """Take the folder that holds theirs, with its final ``/``."""
        self.objects, self._jobs_root = objects, jobs_root

    def newest(self, limit: int) -> list[SeenJob]:
        """See ``JobPlace``."""
        found = [_seen(job) for job in list_jobs(self.objects, self._jobs_root)]
        return sorted(found, key=lambda job: job.began, reverse=True)[:limit]

    def find(self, name: str) -> SeenJob:
        """See ``JobPlace``; a job's folder is a name, too."""
        if (Path(name) / "plan.json").exists():
            plan = read_plan(self.objects, f"{Path(name).absolute()}/")
            return _seen(JobOverview(plan, None))
        found = self.newest(limit=1_000_000)
        named = found[:1] if name == "latest" else [job for job in found if job.name == name]
        if not named:
            raise NotFoundError(f"there is no job {name!r}", "see `facerec jobs list`")
        return named[0]

    def children(self, job: SeenJob) -> ChildStates | None:
        """See ``JobPlace``."""
        return None

    def dollars_per_second(self) -> float:
        """See ``JobPlace``."""
        return 0.0

    def cancel(self, job: SeenJob) -> None:
        """Say how a job of this machine is ended."""
        raise InvalidInputError(
            f"the job {job.name!r} is one of this machine",
            "Ctrl-C ends it where it runs; what is done is kept",
        )


def _seen(job: JobOverview) -> SeenJob:
    report = job.report
    return SeenJob(
        name=job.plan.job_id,
        status=JobStatus.INCOMPLETE if report is None else report.status,
        began=job.plan.created_at,
        ended=None if report is None else report.written_at,
        collection_id=job.plan.collection_id,
        images=None if report is None else report.tally.images,
        faces=None if report is None else report.tally.faces_indexed + report.tally.faces_present,
        plan=job.plan,
        report=report,
        address=job.plan.job_folder,
    )
