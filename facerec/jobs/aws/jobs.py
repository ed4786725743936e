"""``AwsJobs``: jobs as executions of the state machine of a deployed stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from facerec.errors import JobFolderError, JobNotFoundError, ObjectNotFoundError
from facerec.jobs.aws.planning_notes import read_listed
from facerec.jobs.erasing.existence import while_it_exists
from facerec.jobs.erasing.folder_deletion import delete_job
from facerec.jobs.folders import Entry, JobFolder, read_folder
from facerec.jobs.job_results import failures_of, report_of, rows_of
from facerec.jobs.ledger.child_runs import read_run_summary
from facerec.jobs.planning.request import read_job_request, require_s3_addresses
from facerec.jobs.progress import Progress, ProgressReader
from facerec.jobs.service import LATEST, NO_JOBS, Job
from facerec.jobs.status import TOLERATED_FAILURE_PERCENTAGE, JobStatus, ended_status

if TYPE_CHECKING:
    from facerec.jobs.aws.batch_queue import BatchQueue, ChildStates
    from facerec.jobs.aws.executions import Execution, Executions
    from facerec.jobs.ledger.report import Report
    from facerec.jobs.ledger.rows import LedgerRow
    from facerec.storage.objects.protocol import ObjectStore

MAX_RUNNING = 50
"""Maximum number of running executions to search for the id of a plan."""


class AwsJobs:
    """The ``JobService`` of a deployed stack. A job is an execution; its id is the name.

    ``get`` also accepts the id of a plan, and returns the execution that works on it, or else the
    job in its folder.
    """

    def __init__(
        self,
        executions: Executions,
        objects: ObjectStore,
        jobs_root: str,
        queue: BatchQueue | None = None,
    ) -> None:
        """Create the service.

        Args:
            executions: The executions of the stack's state machine.
            objects: Contains the job folders.
            jobs_root: Parent of all job folders, with the final ``/``.
            queue: The stack's queue; without it, progress does not include the states of children.
        """
        self._executions, self._queue = executions, queue
        self._objects, self._jobs_root = objects, jobs_root
        self._progress = ProgressReader(objects)

    def submit(self, document: Mapping[str, Any]) -> Job:
        """Submit a job; see ``JobService.submit``. Each call starts an execution."""
        request = read_job_request(document)
        require_s3_addresses(request)
        return _job(self._executions.start(document))

    def get(self, job_id: str, *, readable: bool = True) -> Job:
        """Return a job; see ``JobService.get``."""
        if job_id == LATEST:
            newest = self._executions.list(1)
            if not newest:
                raise JobNotFoundError(job_id, NO_JOBS)
            job_id = newest[0].name
        try:
            return self._with_folder(self._executions.describe(job_id), readable=readable)
        except JobNotFoundError:
            return self._by_plan(job_id, readable=readable)

    def list(self, limit: int) -> list[Job]:
        """Return the newest jobs; see ``JobService.list``."""
        return [
            _job(self._executions.describe(execution.arn))
            for execution in self._executions.list(limit)
        ]

    def progress(self, job: Job) -> Progress:
        """Return the progress of a job; see ``JobService.progress``."""
        plan = job.required_plan()
        children = None if self._queue is None else self._children(self._queue, job)
        # AWS Batch deletes jobs after some days; then only the folder is left.
        complete = children.states["SUCCEEDED"] if children and children.states else None
        with while_it_exists(plan, self._objects, writes=False):
            progress = self._progress.read(
                plan, job.report, run_started=job.started_at, complete=complete
            )
        if children is None:
            return progress
        return replace(progress, child_states=children.states, interruptions=children.interruptions)

    def report(self, job: Job) -> Report:
        """Return the report of a job; see ``JobService.report``."""
        return report_of(job, self._objects)

    def rows(self, job: Job) -> Iterator[LedgerRow]:
        """Yield the ledger of a job; see ``JobService.rows``."""
        return rows_of(job, self._objects)

    def failures(self, job: Job) -> Iterator[LedgerRow]:
        """Yield the rows that failed; see ``JobService.failures``."""
        return failures_of(job, self._objects)

    def cancel(self, job: Job) -> None:
        """End a running job; see ``JobService.cancel``."""
        job.require_running()
        self._executions.stop(job.id)

    def delete(self, job: Job) -> int:
        """Delete the folder of a job; see ``JobService.delete``."""
        folder = job.required_folder()
        # Another execution may work on the same folder.
        running = (
            self._executions.plan(execution.arn)
            for execution in self._executions.list(MAX_RUNNING, status="RUNNING")
        )
        if any(planned is not None and planned.job_folder == folder for planned in running):
            job = replace(job, status=JobStatus.RUNNING)
        return delete_job(self._objects, Entry(folder, folder), job)

    def _children(self, queue: BatchQueue, job: Job) -> ChildStates | None:
        try:
            planned = self._executions.plan(job.id)
        except JobNotFoundError:
            # Step Functions has deleted the execution.
            return None
        if planned is None or not planned.children:
            return None
        return queue.children(planned.job_name, job.started_at)

    def _with_folder(self, execution: Execution, *, readable: bool) -> Job:
        """Return the job of an execution with its plan and report."""
        job, planned = _job(execution), self._executions.plan(execution.arn)
        try:
            folder = self._folder(planned.job_folder) if planned else None
        except JobFolderError as error:
            if readable:
                raise
            return replace(job, unreadable_folder=error.job_folder)
        if folder is None:
            if planned is None and not job.status.ended:
                listed = read_listed(self._objects, self._jobs_root, execution.name)
                return replace(job, listed=listed)
            return job
        report = folder.report
        if job.ended_at is None or (report is not None and report.written_at < job.started_at):
            # The report of an earlier run.
            report = None
        run = None if report is None else read_run_summary(self._objects, folder.plan.job_folder)
        return replace(job, plan=folder.plan, report=report, run=run)

    def _by_plan(self, job_id: str, *, readable: bool) -> Job:
        for execution in self._executions.list(MAX_RUNNING, status="RUNNING"):
            planned = self._executions.plan(execution.arn)
            if planned is not None and planned.job_id == job_id:
                return self._with_folder(
                    self._executions.describe(execution.arn), readable=readable
                )
        try:
            folder = self._folder(f"{self._jobs_root}{job_id}/")
        except JobFolderError as error:
            if readable:
                raise
            return Job(
                job_id, JobStatus.UNREADABLE, started_at=0.0, unreadable_folder=error.job_folder
            )
        if folder is None:
            raise JobNotFoundError(job_id)
        plan, report = folder.plan, folder.report
        return Job(
            id=job_id,
            status=ended_status(None if report is None else report.status),
            started_at=plan.created_at,
            ended_at=plan.created_at if report is None else report.written_at,
            collection_id=plan.collection_id,
            photos=None if report is None else report.tally.photos,
            faces=None if report is None else report.tally.faces,
            plan=plan,
            report=report,
            run=None if report is None else read_run_summary(self._objects, plan.job_folder),
        )

    def _folder(self, job_folder: str) -> JobFolder | None:
        try:
            return read_folder(self._objects, job_folder)
        except ObjectNotFoundError:
            # The bucket's lifecycle removes the folders of old jobs.
            return None


def _job(execution: Execution) -> Job:
    collection_id = execution.document.get("collection_id")
    tolerated = execution.document.get("tolerated_failure_percentage")
    return Job(
        id=execution.name,
        status=execution.status,
        started_at=execution.started,
        ended_at=execution.ended,
        collection_id=collection_id if isinstance(collection_id, str) else None,
        photos=execution.output.get("photos"),
        faces=execution.output.get("faces"),
        cause=execution.cause,
        tolerated_failure_percentage=(
            float(tolerated) if isinstance(tolerated, int | float) else TOLERATED_FAILURE_PERCENTAGE
        ),
    )
