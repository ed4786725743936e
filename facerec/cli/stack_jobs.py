"""The jobs of a stack on AWS."""

from __future__ import annotations

from dataclasses import replace

from facerec.cli.job_places import RUNNING, SeenJob
from facerec.errors import InvalidInputError, NotFoundError, ObjectNotFoundError
from facerec.jobs.aws.batch_queue import BatchQueue, ChildStates
from facerec.jobs.aws.executions import Execution, Executions, PlannedJob
from facerec.jobs.aws.stack import Stack, find_stack
from facerec.jobs.ledger.report import JobStatus, Report, read_report
from facerec.jobs.plan import Plan, read_plan
from facerec.storage.objects.protocol import ObjectStore

_MOST_RUNNING = 50
"""Executions among which a running job is looked for by its id."""

_STATUSES = {
    "RUNNING": RUNNING,
    "PENDING_REDRIVE": RUNNING,
    "SUCCEEDED": JobStatus.SUCCEEDED,
    "ABORTED": "CANCELLED",
    "TIMED_OUT": JobStatus.INCOMPLETE,
}


class StackJobs:
    """A ``JobPlace``: a job is an execution of the stack's state machine."""

    def __init__(
        self, stack: Stack, executions: Executions, queue: BatchQueue, objects: ObjectStore
    ) -> None:
        """Take the parts."""
        self.stack, self.objects = stack, objects
        self._executions, self._queue = executions, queue

    def start(self, document: dict[str, object]) -> SeenJob:
        """Start a job.

        Args:
            document: the execution input.
        """
        return _seen(self._executions.start(document))

    def newest(self, limit: int) -> list[SeenJob]:
        """See ``JobPlace``; plans and reports are not read."""
        listed = self._executions.newest(limit)
        return [_seen(self._executions.describe(each.arn)) for each in listed]

    def find(self, name: str) -> SeenJob:
        """See ``JobPlace``; the id of a job finds the execution that works on it, or its folder."""
        if name == "latest":
            newest = self._executions.newest(1)
            if not newest:
                raise NotFoundError("there is no job yet", "see `facerec jobs start --help`")
            return self._complete(self._executions.describe(newest[0].arn))
        try:
            return self._complete(self._executions.describe(name))
        except NotFoundError:
            found = self._by_id(name)
            if found is None:
                raise NotFoundError(
                    f"there is no job {name!r}",
                    f"see `facerec jobs list --stack {self.stack.name}`",
                ) from None
            return found

    def children(self, job: SeenJob) -> ChildStates | None:
        """See ``JobPlace``."""
        planned = self._executions.planned(job.address) if job.address else None
        if planned is None or not planned.children:
            return None
        return self._queue.children(planned.job_name, job.began)

    def dollars_per_second(self) -> float:
        """See ``JobPlace``: the machines, at the price of ``facerec estimate``."""
        from facerec.estimate.prices import load_prices

        return load_prices()["ec2.spot_vcpu_hour"].dollars * self.stack.child_vcpus / 3600

    def cancel(self, job: SeenJob) -> None:
        """See ``JobPlace``."""
        if job.status != RUNNING:
            raise InvalidInputError(f"the job {job.name!r} does not run: {job.status.lower()}")
        self._executions.stop(job.address)

    def _complete(self, execution: Execution) -> SeenJob:
        """Add plan and report to what is known of an execution."""
        seen, planned = _seen(execution), self._executions.planned(execution.arn)
        if planned is None:
            return seen
        plan, report = self._folder(planned.job_folder)
        if seen.ended is None or (report is not None and report.written_at < seen.began):
            # Of an earlier start.
            report = None
        return replace(seen, plan=plan, report=report)

    def _by_id(self, job_id: str) -> SeenJob | None:
        for execution in self._executions.newest(_MOST_RUNNING, status="RUNNING"):
            planned: PlannedJob | None = self._executions.planned(execution.arn)
            if planned is not None and planned.job_id == job_id:
                return self._complete(self._executions.describe(execution.arn))
        plan, report = self._folder(f"{self.stack.jobs_root}{job_id}/")
        if plan is None:
            return None
        return SeenJob(
            name=job_id,
            status=JobStatus.INCOMPLETE if report is None else report.status,
            began=plan.created_at,
            ended=plan.created_at if report is None else report.written_at,
            collection_id=plan.collection_id,
            plan=plan,
            report=report,
        )

    def _folder(self, job_folder: str) -> tuple[Plan | None, Report | None]:
        try:
            plan = read_plan(self.objects, job_folder)
        except ObjectNotFoundError:
            # The bucket's lifecycle removes the folders of old jobs.
            return None, None
        try:
            return plan, read_report(self.objects, job_folder)
        except ObjectNotFoundError:
            return plan, None


def open_stack_jobs(name: str) -> StackJobs:
    """Open the jobs of a stack in the account and region of the environment's credentials.

    Raises:
        NotFoundError: there is no such stack.
    """
    from facerec.storage.objects.s3 import S3Objects

    stack = find_stack(name)
    return StackJobs(stack, Executions(stack.workflow), BatchQueue(stack.queue), S3Objects())


def _seen(execution: Execution) -> SeenJob:
    status = _STATUSES.get(execution.status, JobStatus.FAILED)
    if execution.error == "JobIncomplete":
        status = JobStatus.INCOMPLETE
    collection = execution.document.get("collection_id")
    return SeenJob(
        name=execution.name,
        status=status,
        began=execution.started,
        ended=execution.ended,
        collection_id=collection if isinstance(collection, str) else None,
        images=execution.output.get("images"),
        faces=execution.output.get("faces_indexed"),
        cause=execution.cause or execution.error,
        address=execution.arn,
    )
