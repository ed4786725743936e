"""Jobs on the machine of the server, one after the other in worker processes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from facerec.api.jobs import JobState
from facerec.core.protocols import RecordStore
from facerec.errors import FacerecError, InvalidInputError, JobNotFoundError
from facerec.gallery.base import require_collection
from facerec.gallery.collections import prepare_collection
from facerec.jobs.child.attempt import ChildParts
from facerec.jobs.local.supervisor import run_locally
from facerec.jobs.local.worker import BuildParts
from facerec.jobs.overview import JobOverview, list_jobs
from facerec.jobs.plan import Plan
from facerec.jobs.planner import plan_job
from facerec.jobs.request import ExecutionInput, read_execution_input
from facerec.storage.objects import AccessPolicy, Objects, ObjectStore

_LOG = logging.getLogger("facerec.api.jobs")


class EmbeddedJobs:
    """A ``JobStarter`` whose jobs have their folders in the server's data folder."""

    def __init__(
        self,
        records: RecordStore,
        objects: ObjectStore,
        build_parts: BuildParts,
        *,
        jobs_root: str,
        model_version: Callable[[], str],
        workers: int,
    ) -> None:
        """Take the parts.

        Args:
            records: where collections are.
            objects: what jobs may read, and the folder of jobs.
            build_parts: builds the parts of a worker in its own process.
            jobs_root: under which jobs have their folders; ends in ``/``.
            model_version: returns that of the engine.
            workers: processes of one job.
        """
        self._records, self._objects, self._build_parts = records, objects, build_parts
        self._jobs_root, self._model_version, self._workers = jobs_root, model_version, workers
        self._queue = ThreadPoolExecutor(1, thread_name_prefix="jobs")
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._states: dict[str, JobState] = {}

    def start(self, document: dict[str, Any]) -> JobState:
        """See ``JobStarter``."""
        job = read_execution_input(document)
        for address in (job.manifest, *(entry.image for entry in job.images)):
            if address is not None and not address.startswith("s3://"):
                raise InvalidInputError(
                    f"{address!r} is no s3:// address",
                    "a server reads photos and manifests from its buckets only",
                )
        plan = self._plan(job)
        with self._lock:
            known = self._states.get(plan.job_id)
            if known is not None and known.status in ("WAITING", "RUNNING"):
                return known
            state = JobState(plan.job_id, plan.collection_id, "WAITING", plan.created_at)
            self._states[plan.job_id] = state
        self._queue.submit(self._run, plan)
        return state

    def _plan(self, job: ExecutionInput) -> Plan:
        """Plan a job whose collection is there, or may be made and then is."""
        version, records = self._model_version(), self._records
        if not job.create_collection:
            require_collection(job.collection_id, model_version=version, records=records)
        plan = plan_job(job, self._objects, jobs_root=self._jobs_root, model_version=version)
        if plan.children == 0:
            raise InvalidInputError("there are no photos at this address")
        if job.create_collection:
            now = plan.created_at
            prepare_collection(
                job.collection_id,
                model_version=version,
                create=True,
                now=now,
                records=records,
            )
        return plan

    def state(self, job_id: str) -> JobState:
        """See ``JobStarter``."""
        with self._lock:
            if job_id in self._states:
                return self._states[job_id]
        for job in list_jobs(self._objects, self._jobs_root):
            if job.plan.job_id == job_id:
                return _state_of(job)
        raise JobNotFoundError(job_id)

    def states(self, limit: int) -> list[JobState]:
        """See ``JobStarter``."""
        found = {
            job.plan.job_id: _state_of(job) for job in list_jobs(self._objects, self._jobs_root)
        }
        with self._lock:
            found |= {job_id: state for job_id, state in self._states.items() if job_id in found}
        newest = sorted(found.values(), key=lambda state: state.created_at, reverse=True)
        return newest[:limit]

    def close(self) -> None:
        """See ``JobStarter``."""
        self._closing.set()
        self._queue.shutdown(cancel_futures=True)

    def _run(self, plan: Plan) -> None:
        def show(progress: Any) -> None:  # noqa: ANN401
            self._change(
                plan,
                images=progress.images,
                estimated_images=progress.estimated_images,
            )

        self._change(plan, status="RUNNING")
        try:
            run = run_locally(
                plan,
                self._build_parts,
                self._objects,
                workers=self._workers,
                progress=show,
                stop=self._closing.is_set,
            )
        except FacerecError as error:
            self._change(plan, status="INCOMPLETE", error=error.message)
        except Exception as error:
            _LOG.exception("job %s ends with %s", plan.job_id, type(error).__name__)
            self._change(plan, status="INCOMPLETE", error="an unexpected fault; see the log")
        else:
            report = run.report.to_json()
            self._change(plan, status=run.report.status.value, report=report)

    def _change(self, plan: Plan, **fields: Any) -> None:  # noqa: ANN401
        with self._lock:
            self._states[plan.job_id] = replace(self._states[plan.job_id], **fields)


def restricted_objects(
    folders: Mapping[str, Path], allowed: Collection[str] | None, own_folder: str
) -> Objects:
    """Return what the server and the workers of its jobs may touch."""
    buckets = None if allowed is None else frozenset(allowed)
    return Objects(AccessPolicy(folders, buckets, own_folder))


def worker_parts(
    data: Path, folders: Mapping[str, Path], allowed: Collection[str] | None, own_folder: str
) -> BuildParts:
    """Return what builds the parts of a worker process."""
    return partial(_build_parts, data, dict(folders), allowed, own_folder)


def _build_parts(
    data: Path, folders: Mapping[str, Path], allowed: Collection[str] | None, own_folder: str
) -> ChildParts:
    from facerec.engine.engine import open_engine
    from facerec.storage.sqlite import SqliteStore

    store = SqliteStore(data / "facerec.db")
    objects = restricted_objects(folders, allowed, own_folder)
    return ChildParts(open_engine(threads=1), store, objects)


def _state_of(job: JobOverview) -> JobState:
    report = None if job.report is None else job.report.to_json()
    status = "INCOMPLETE" if job.report is None else job.report.status.value
    return JobState(
        job.plan.job_id, job.plan.collection_id, status, job.plan.created_at, report=report
    )
