"""``LocalJobs``: jobs on this machine, in worker processes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from facerec.errors import FacerecError, InvalidInputError, JobNotFoundError, ObjectNotFoundError
from facerec.jobs.folders import (
    JobFolder,
    UnreadableFolder,
    find_entry,
    list_folders,
    read_folder,
    redirect,
)
from facerec.jobs.ledger.reading import iterate_rows
from facerec.jobs.ledger.report import Report, write_report
from facerec.jobs.ledger.rows import LedgerRow
from facerec.jobs.local.run_record import (
    RunRecord,
    cancel_requested,
    clear_cancel,
    is_locked,
    read_record,
    request_cancel,
    run_lock,
    write_record,
)
from facerec.jobs.local.supervisor import RunResult, Stop, run_children
from facerec.jobs.local.worker import BuildDependencies
from facerec.jobs.plan import Plan, plan_uri
from facerec.jobs.planner import plan_job
from facerec.jobs.progress import Progress, ProgressReader
from facerec.jobs.request import (
    TOLERATED_FAILURE_PERCENTAGE,
    read_job_request,
    require_s3_addresses,
)
from facerec.jobs.service import LATEST, Job
from facerec.jobs.status import JobStatus
from facerec.jobs.verification import verify_job
from facerec.storage.objects.protocol import ObjectStore

if TYPE_CHECKING:
    from facerec.storage.sqlite import SqliteStore

_LOG = logging.getLogger("facerec.jobs")


class LocalJobs:
    """The ``JobService`` of this machine; its jobs have their folders on a local disk.

    Jobs run in turn, in the background. ``close`` it to wait for their end.
    """

    def __init__(
        self,
        objects: ObjectStore,
        jobs_root: str,
        *,
        open_store: Callable[[], SqliteStore],
        build_dependencies: BuildDependencies,
        model_version: Callable[[], str],
        workers: int,
        local_paths: bool = True,
    ) -> None:
        """Create the service; nothing is opened before it is needed.

        Args:
            objects: contains the job folders, and the photos that jobs may read.
            jobs_root: parent of all job folders, with the final ``/``.
            open_store: opens the store of collections and faces.
            build_dependencies: builds engine and stores of a worker in its process.
            model_version: returns the version of the workers' engine.
            workers: number of processes per job.
            local_paths: whether jobs may name paths of this machine.
        """
        self._objects, self._jobs_root = objects, jobs_root
        self._open_store, self._build_dependencies = open_store, build_dependencies
        self._model_version, self._workers = model_version, workers
        self._local_paths = local_paths
        self._progress = ProgressReader(objects)
        self._queue = ThreadPoolExecutor(1, thread_name_prefix="jobs")
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._runs: dict[str, Future[RunResult]] = {}
        self._stops: dict[str, Stop] = {}

    def submit(self, document: Mapping[str, Any], *, job_folder: str | None = None) -> Job:
        """Submit a job; see ``JobService.submit``.

        Args:
            document: the execution input.
            job_folder: the job's own folder, instead of one under the root; ends in ``/``.
        """
        request = read_job_request(document)
        if not self._local_paths:
            require_s3_addresses(request)
        with self._open_store() as records:
            plan = plan_job(
                request,
                self._objects,
                records,
                jobs_root=self._jobs_root,
                model_version=self._model_version(),
                job_folder=job_folder,
            ).plan
        redirect(self._objects, self._jobs_root, plan)
        with self._lock:
            run = self._runs.get(plan.job_id)
            if run is None or run.done():
                self._start(plan, request.tolerated_failure_percentage)
        return self._job(read_folder(self._objects, plan.job_folder))

    def get(self, job_id: str) -> Job:
        """Return a job; see ``JobService.get``."""
        if job_id == LATEST:
            newest = self.list(1)
            if not newest:
                raise JobNotFoundError(job_id)
            job_id = newest[0].id
        if "/" in job_id or job_id in (".", ".."):
            raise JobNotFoundError(job_id)
        entry = find_entry(self._objects, self._jobs_root, job_id)
        if entry is None:
            raise JobNotFoundError(job_id)
        try:
            return self.get_folder(entry.job_folder)
        except ObjectNotFoundError:
            raise JobNotFoundError(job_id) from None

    def get_folder(self, job_folder: str) -> Job:
        """Return the job of a folder, which ends in ``/``.

        Raises:
            ObjectNotFoundError: the folder has no plan.
            InvalidInputError: the plan is invalid, or was written by another release of facerec.
        """
        return self._job(read_folder(self._objects, job_folder))

    def list(self, limit: int) -> list[Job]:
        """Return the newest jobs; see ``JobService.list``."""
        found: dict[str, Job] = {}
        for folder in list_folders(self._objects, self._jobs_root):
            if isinstance(folder, UnreadableFolder):
                found.setdefault(folder.job_id, _unreadable(folder))
            else:
                found[folder.plan.job_id] = self._job(folder)
        newest = sorted(found.values(), key=lambda job: job.created_at, reverse=True)[:limit]
        return [replace(job, plan=None, report=None) for job in newest]

    def progress(self, job: Job) -> Progress:
        """Return how far a job is; see ``JobService.progress``."""
        return self._progress.read(job.required_plan(), job.report, run_started=job.created_at)

    def report(self, job: Job) -> Report:
        """Return the report of a job; see ``JobService.report``."""
        plan = job.required_plan()
        if job.report is not None:
            return job.report
        record = read_record(plan.job_folder)
        tolerated = record.tolerated_failure_percentage if record else TOLERATED_FAILURE_PERCENTAGE
        return write_report(plan, self._objects, tolerated_failure_percentage=tolerated)

    def rows(self, job: Job) -> Iterator[LedgerRow]:
        """Yield the ledger of a job; see ``JobService.rows``."""
        return iterate_rows(job.required_plan(), self._objects)

    def cancel(self, job: Job) -> None:
        """End a job, whichever process runs it; see ``JobService.cancel``.

        Cancelling a job of this process again kills its workers immediately.
        """
        if job.status.ended:
            raise InvalidInputError(f"the job {job.id!r} is not running: {job.status.lower()}")
        with self._lock:
            if job.id in self._runs:
                again = self._stops[job.id] is not Stop.NO
                self._stops[job.id] = Stop.KILL if again else Stop.COMMIT
                return
        request_cancel(job.required_plan().job_folder)

    def result(self, job: Job) -> RunResult:
        """Wait for the end of a job that this object runs, and return how its run ended.

        Raises:
            FacerecError: the error that ended the run.
        """
        return self._runs[job.id].result()

    def wait(self, job: Job, seconds: float) -> None:
        """Wait for the end of a job that this object runs, at most for some seconds."""
        wait([self._runs[job.id]], seconds)

    def close(self) -> None:
        """End pending jobs, let the running one commit what is done, and wait for that."""
        self._closing.set()
        self._queue.shutdown(cancel_futures=True)

    def _start(self, plan: Plan, tolerated: float) -> None:
        record = RunRecord(time.time(), tolerated)
        write_record(plan.job_folder, record)
        clear_cancel(plan.job_folder)
        self._stops[plan.job_id] = Stop.NO
        lock = ExitStack()
        lock.enter_context(run_lock(plan.job_folder))
        run = self._queue.submit(self._run, plan, record)
        self._runs[plan.job_id] = run
        run.add_done_callback(lambda _: lock.close())

    def _run(self, plan: Plan, record: RunRecord) -> RunResult:
        record = replace(record, started_at=time.time())
        write_record(plan.job_folder, record)
        stop = partial(self._stop, plan)
        try:
            with self._open_store() as store:
                verification = verify_job(plan, self._objects, store, store, repair=True)
            result = run_children(
                plan, self._build_dependencies, self._objects, workers=self._workers, stop=stop
            )
            result.verification = verification
        except FacerecError as error:
            self._end(plan, replace(record, cause=error.message))
            raise
        except Exception as error:
            _LOG.exception("job %s ended with %s", plan.job_id, type(error).__name__)
            self._end(plan, replace(record, cause="unexpected error; see the log"))
            raise
        lost = next(iter(result.lost.items()), None)
        cause = None if lost is None else f"child {lost[0]} was given up: {lost[1]}"
        cancelled = result.stopped and not self._closing.is_set()
        self._end(
            plan, replace(record, cause=cause, cancelled=cancelled, new_photos=result.new_photos)
        )
        return result

    def _end(self, plan: Plan, record: RunRecord) -> None:
        """Write the report of a run and how it ended, unless the job was deleted."""
        try:
            self._objects.head(plan_uri(plan.job_folder))
        except ObjectNotFoundError:
            self._objects.delete_folder(plan.job_folder)
            return
        tolerated = record.tolerated_failure_percentage
        write_report(plan, self._objects, tolerated_failure_percentage=tolerated)
        write_record(plan.job_folder, replace(record, ended_at=time.time()))

    def _stop(self, plan: Plan) -> Stop:
        if self._closing.is_set() or cancel_requested(plan.job_folder):
            return max(Stop.COMMIT, self._stops[plan.job_id])
        return self._stops[plan.job_id]

    def _job(self, folder: JobFolder) -> Job:
        plan, report = folder.plan, folder.report
        record = read_record(plan.job_folder)
        started = plan.created_at if record is None else record.submitted_at
        if report is not None and report.written_at < started:
            report = None
        status = _status(plan, record, report)
        if not status.ended:
            report = None
        return Job(
            id=plan.job_id,
            status=status,
            created_at=started,
            ended_at=_ended_at(record, report),
            collection_id=plan.collection_id,
            photos=None if report is None else report.tally.photos,
            faces=None if report is None else report.tally.faces,
            cause=None if record is None else record.cause,
            plan=plan,
            report=report,
        )


def _unreadable(folder: UnreadableFolder) -> Job:
    return Job(
        id=folder.job_id,
        status=JobStatus.UNREADABLE,
        created_at=folder.created_at,
        collection_id=folder.collection_id,
        cause=folder.cause,
    )


def _status(plan: Plan, record: RunRecord | None, report: Report | None) -> JobStatus:
    if record is not None and record.ended_at is None and is_locked(plan.job_folder):
        return JobStatus.PENDING if record.started_at is None else JobStatus.RUNNING
    if report is None:
        return JobStatus.INCOMPLETE
    if report.status is JobStatus.INCOMPLETE and record is not None and record.cancelled:
        return JobStatus.CANCELLED
    return report.status


def _ended_at(record: RunRecord | None, report: Report | None) -> float | None:
    if record is not None:
        return record.ended_at
    return None if report is None else report.written_at
