"""``LocalRuns``: the runs of this process, one at a time, in the background."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from facerec.errors import FacerecError, FirstPhotosFailedError, JobDeletedError
from facerec.jobs.erasing.existence import job_exists, while_it_exists
from facerec.jobs.local.run import RunResult, Stop
from facerec.jobs.local.run_record import (
    RunRecord,
    cancel_requested,
    clear_cancel,
    write_record,
)
from facerec.jobs.run_lock import run_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from facerec.jobs.local.worker import BuildDependencies
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore
    from facerec.storage.sqlite import SqliteStore

_LOG = logging.getLogger("facerec.jobs")


class LocalRuns:
    """Runs jobs in this process, one at a time. ``close`` waits for their end.

    Each run writes a record into the job folder, which shows its status to every process, and holds
    a lock there while it is running.
    """

    def __init__(
        self,
        objects: ObjectStore,
        *,
        jobs_root: str,
        open_store: Callable[[], SqliteStore],
        build_dependencies: BuildDependencies,
        delete_faces: Callable[[SqliteStore, str, Sequence[str]], int],
        workers: int,
    ) -> None:
        """Create an empty queue; nothing is opened before a run needs it.

        ``facerec.factory.local`` passes functions that open the engine and the store of a data
        folder.

        Args:
            objects: Contains the job folders, and the photos that jobs may read.
            jobs_root: Parent of all job folders, with the final ``/``.
            open_store: Opens the store of collections and faces.
            build_dependencies: Builds engine and stores of a worker in its process.
            delete_faces: Deletes faces of a collection in that store, including those of people.
            workers: Number of processes per job.
        """
        self._objects, self._open_store = objects, open_store
        self._jobs_root, self._delete_faces = jobs_root, delete_faces
        self._build_dependencies, self._workers = build_dependencies, workers
        self._queue = ThreadPoolExecutor(1, thread_name_prefix="jobs")
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._runs: dict[str, Future[RunResult]] = {}
        self._stops: dict[str, Stop] = {}
        self._following: dict[str, str] = {}

    def start(
        self, plan: Plan, tolerated_failure_percentage: float, plan_again: Callable[[], Plan]
    ) -> None:
        """Queue a job; one that is already pending or running here is not queued again.

        Args:
            plan: Plan of the job.
            tolerated_failure_percentage: 0 to 100, the share of photos that may fail.
            plan_again: Plans a job that reads photos of the same source if some must be read again;
                otherwise returns the same plan.
        """
        with self._lock:
            self._start_once(plan, tolerated_failure_percentage, plan_again)

    def cancel(self, job_id: str) -> bool:
        """Ask a run to commit its finished work and end; a second call kills its workers.

        The run that follows it, if it was started already, is ended instead.

        Returns:
            Whether the run belongs to this process. If not, it may belong to another process.
        """
        with self._lock:
            if job_id not in self._runs:
                return False
            job_id = self._following.get(job_id, job_id)
            again = self._stops[job_id] is not Stop.NO
            self._stops[job_id] = Stop.KILL if again else Stop.COMMIT
            return True

    def wait(self, job_id: str, seconds: float) -> None:
        """Wait for the end of a run, up to a maximum number of seconds."""
        wait([self._runs[job_id]], seconds)

    def result(self, job_id: str) -> RunResult:
        """Wait for the end of a run, and return how it ended.

        A run that ``close`` cancelled before it started is returned as stopped.

        Raises:
            FacerecError: The error that ended the run; unexpected errors are raised unchanged.
        """
        try:
            return self._runs[job_id].result()
        except CancelledError:
            return RunResult(stopped=True)

    def close(self) -> None:
        """End pending runs, let the running one commit its finished work, and wait for it."""
        self._closing.set()
        self._queue.shutdown(cancel_futures=True)

    def _start_once(
        self, plan: Plan, tolerated_failure_percentage: float, plan_again: Callable[[], Plan]
    ) -> None:
        run = self._runs.get(plan.job_id)
        if run is None or run.done():
            record = RunRecord(time.time(), tolerated_failure_percentage)
            self._start(plan, record, plan_again)

    def _start(self, plan: Plan, record: RunRecord, plan_again: Callable[[], Plan]) -> None:
        with ExitStack() as locked:
            # Before the record: without a lock, the run would look like one that was killed.
            locked.enter_context(run_lock(plan.job_folder))
            write_record(plan.job_folder, record)
            clear_cancel(plan.job_folder)
            self._stops[plan.job_id] = Stop.NO
            self._following.pop(plan.job_id, None)
            run = self._queue.submit(self._run, plan, record, plan_again)
            self._runs[plan.job_id] = run
            lock = locked.pop_all()
        run.add_done_callback(lambda _: lock.close())

    def _run(self, plan: Plan, record: RunRecord, plan_again: Callable[[], Plan]) -> RunResult:
        try:
            with while_it_exists(plan, self._objects):
                return self._run_steps(plan, record, plan_again)
        except JobDeletedError:
            from facerec.jobs.erasing.folder_deletion import complete_deletion_of_running

            complete_deletion_of_running(
                self._objects, self._jobs_root, plan.job_folder, plan.job_id
            )
            raise

    def _run_steps(
        self, plan: Plan, record: RunRecord, plan_again: Callable[[], Plan]
    ) -> RunResult:
        """Run a job's children, with the steps before and after them, in this order.

        1. The start of the job gets the collection's next number: if two jobs have the same photo,
           the one started last decides (``start_order``).
        2. The collection is compared with the ledgers and repaired, so that children find all faces
           that the ledgers name.
        3. The children run.
        4. With ``restore_deleted``, copies of tombstones that the job has lifted are removed.

        If all children are complete, four steps follow:

        5. Faces of photos that were replaced or are gone are removed.
        6. The version of the stored faces is noted, after the last change of this run.
        7. The face index of the job is written, for deletions.
        8. Photos whose faces are lost, also from the job folders, are read again by another job,
           which starts when this one has ended.

        In a stack, the functions of the workflow and the children do the same
        (``statemachine/index.asl.json``): 1 and 2 in the planner and in each child, 4 in the
        planner of the next job, 5 in the erasure function, 7 in the next deletion, and 8 in the
        planner, which is called again after a restoration. Their stores have no version to note, so
        6 is omitted.
        """
        # Imported late: commands that only show jobs start faster without the supervisor.
        from facerec.jobs.concurrent_versions import memory_of
        from facerec.jobs.erasing.lost_erasures import drop_lifted_tombstones
        from facerec.jobs.ledger.job_face_index import write_job_face_index
        from facerec.jobs.local.supervisor import run_children
        from facerec.jobs.stale_faces import remove_stale
        from facerec.jobs.verifying.collection_check import CollectionCheck

        record = replace(record, started_at=time.time())
        write_record(plan.job_folder, record)
        stop = partial(self._stop, plan)
        try:
            with self._open_store() as store:
                if job_exists(plan, self._objects):
                    memory_of(plan, self._objects, self._jobs_root).record_start(plan)
                check = CollectionCheck(
                    plan, self._objects, self._jobs_root, faces=store, records=store
                )
                verification = check.verify()
                result = run_children(
                    plan,
                    self._build_dependencies,
                    self._objects,
                    workers=self._workers,
                    tolerated_failure_percentage=record.tolerated_failure_percentage,
                    stop=stop,
                )
                if plan.restore_deleted:
                    drop_lifted_tombstones(
                        plan.collection_id, self._objects, self._jobs_root, store
                    )
                if not (result.stopped or result.lost):
                    delete = partial(self._delete_faces, store)
                    removal = remove_stale(
                        plan,
                        self._objects,
                        faces=store,
                        records=store,
                        jobs_root=self._jobs_root,
                        delete=delete,
                    )
                    has_changed = result.new_photos > 0 or removal.photos > 0
                    is_due = check.finish(verification, has_changed=has_changed)
                    write_job_face_index(self._objects, plan.job_folder, plan.children)
                    if is_due:
                        result.followed_by = self._start_again(plan, record, plan_again)
                        result.stopped = result.followed_by is None and stop() is not Stop.NO
            result.verification, result.collection_restored = verification, check.was_lost
        except JobDeletedError:
            raise
        except FirstPhotosFailedError as error:
            self._end(plan, replace(record, cause=f"{error.message}; {error.hint}"))
            raise
        except FacerecError as error:
            self._end(plan, replace(record, cause=error.message))
            raise
        except Exception as error:
            if not job_exists(plan, self._objects):
                raise
            _LOG.exception("job %s ended with %s", plan.job_id, type(error).__name__)
            self._end(plan, replace(record, cause="unexpected error; see the log"))
            raise
        lost = next(iter(result.lost.items()), None)
        cause = None if lost is None else f"child {lost[0]} was given up: {lost[1]}"
        cancelled = result.stopped and not self._closing.is_set()
        run = result.summary().to_json()
        self._end(plan, replace(record, cause=cause, cancelled=cancelled, run=run))
        return result

    def _start_again(
        self, plan: Plan, record: RunRecord, plan_again: Callable[[], Plan]
    ) -> str | None:
        """Start the job that reads photos again.

        Returns:
            Id of that job; None if there are no such photos, or if the run was asked to stop.
            Another submission of the same request then starts that job.
        """
        # Without a report, the job would count as one to resume.
        _write_report(plan, self._objects, record)
        if self._stop(plan) is not Stop.NO:
            return None
        following = plan_again()
        if following.job_id == plan.job_id:
            return None
        with self._lock:
            if self._stop(plan) is not Stop.NO:
                return None
            self._start_once(following, record.tolerated_failure_percentage, plan_again)
            self._following[plan.job_id] = following.job_id
        return following.job_id

    def _end(self, plan: Plan, record: RunRecord) -> None:
        """Write the report of a run and the record of its end."""
        _write_report(plan, self._objects, record)
        write_record(plan.job_folder, replace(record, ended_at=time.time()))

    def _stop(self, plan: Plan) -> Stop:
        if self._closing.is_set() or cancel_requested(plan.job_folder):
            return max(Stop.COMMIT, self._stops[plan.job_id])
        return self._stops[plan.job_id]


def _write_report(plan: Plan, objects: ObjectStore, record: RunRecord) -> None:
    from facerec.jobs.ledger.report import write_report

    tolerated = record.tolerated_failure_percentage
    write_report(plan, objects, tolerated_failure_percentage=tolerated)
