"""``LocalJobs``: jobs on this machine, in worker processes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from facerec.core.deferred import DeferredModule
from facerec.errors import (
    InvalidInputError,
    JobDeletedError,
)
from facerec.jobs.erasing.existence import while_it_exists
from facerec.jobs.folders import (
    DAMAGED_NOTE,
    read_folder,
)
from facerec.jobs.local.job_reader import JobReader
from facerec.jobs.local.run_record import request_cancel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from facerec.gallery.receipts import Erasures
    from facerec.jobs import job_results
    from facerec.jobs.erasing import folder_deletion
    from facerec.jobs.ledger.report import Report
    from facerec.jobs.ledger.rows import LedgerRow
    from facerec.jobs.local.run import RunResult
    from facerec.jobs.local.runs import LocalRuns
    from facerec.jobs.plan import Plan
    from facerec.jobs.planning.request import JobRequest
    from facerec.jobs.progress import Progress, ProgressReader
    from facerec.jobs.service import Job
    from facerec.storage.objects.protocol import ObjectStore
    from facerec.storage.sqlite import SqliteStore
else:
    folder_deletion = DeferredModule("facerec.jobs.erasing.folder_deletion")
    job_results = DeferredModule("facerec.jobs.job_results")


class LocalJobs:
    """The ``JobService`` of this machine; its job folders are on a local disk.

    In addition to the protocol, ``erased`` counts photos that have since been erased, replaced or
    removed, and ``wait`` and ``result`` wait for runs of jobs that were submitted to this object.
    Such runs need this process, so call ``close`` before it ends.
    """

    def __init__(
        self,
        objects: ObjectStore,
        jobs_root: str,
        open_runs: Callable[[], LocalRuns],
        *,
        open_store: Callable[[], SqliteStore],
        open_erasures: Callable[[], Erasures],
        delete_collection: Callable[[str], object],
        model_versions: Callable[[], Mapping[str, str]],
        local_paths: bool = True,
    ) -> None:
        """Create the service; nothing is opened before it is needed.

        Args:
            objects: Contains the job folders.
            jobs_root: Parent of all job folders, with the final ``/``.
            open_runs: Opens the runner of submitted jobs.
            open_store: Opens the store of collections.
            open_erasures: Opens the erasures, which record deleted collections.
            delete_collection: Deletes a collection like ``Gallery.delete_collection``.
            model_versions: Returns the versions of the workers' engines by recipe, beginning with
                the recipe of new collections.
            local_paths: Whether callers may name paths of this machine.
        """
        self._objects, self._jobs_root, self._open_runs = objects, jobs_root, open_runs
        self._open_store, self._model_versions = open_store, model_versions
        self._open_erasures, self._delete_collection = open_erasures, delete_collection
        self._local_paths = local_paths
        self._reader = JobReader(objects, jobs_root, local_paths=local_paths)

    def submit(
        self,
        document: Mapping[str, Any],
        *,
        job_folder: str | None = None,
        on_listed: Callable[[int], None] = lambda listed: None,
    ) -> Job:
        """Submit a job; see ``JobService.submit``.

        Args:
            document: The execution input.
            job_folder: The job's own folder, instead of one under the root; ends in ``/``.
            on_listed: Called repeatedly with the number of files listed in a folder.

        Raises:
            InvalidInputError: The input is invalid, names people after photos (``person_from``), or
                asks for a bulk import.
            MigrationError: The collection was switched to another model version, and the migration
                is not finished; or the existing job has faces of an earlier model version that the
                collection has lost.
            FacerecError: The job cannot be planned or started.
        """
        from facerec.jobs.planning.request import (
            read_job_request,
            require_s3_addresses,
            without_repetition,
        )

        request = read_job_request(document)
        if request.person_from is not None:
            raise InvalidInputError(
                "a job on this machine does not create people itself",
                "enrol people when the job has ended",
            )
        if request.bulk_import:
            raise InvalidInputError(
                "bulk_import: a job on this machine stores its faces itself",
                "index without bulk_import",
            )
        if not self._local_paths:
            require_s3_addresses(request)
        plan = self._plan(request, job_folder, on_listed)
        plan_again = partial(self._plan, without_repetition(request), job_folder)
        with self._while_it_exists(plan):
            self._runs.start(plan, request.tolerated_failure_percentage, plan_again)
            return self._reader.job_of(read_folder(self._objects, plan.job_folder))

    def _plan(
        self,
        request: JobRequest,
        job_folder: str | None,
        on_listed: Callable[[int], None] = lambda listed: None,
    ) -> Plan:
        """Plan the job of a request; see ``submit``.

        Before it is planned, a deleted collection that an old copy of the database brought back is
        deleted again (``delete_if_returned``), a migration must be finished (``require_settled``),
        and a collection that changed since its last run is noted, so that its faces are compared
        (``note_doubt_if_changed``). The plan gets the model version that the collection serves.
        """
        from facerec.gallery.migrating.settled import require_settled
        from facerec.jobs.local.served_version import with_served_version
        from facerec.jobs.planning.planner import plan_job
        from facerec.jobs.verifying.collection_check import note_doubt_if_changed
        from facerec.jobs.verifying.lost_collections import delete_if_returned

        versions, erasures = self._model_versions(), self._open_erasures()
        with self._open_store() as store:
            delete_if_returned(
                request.collection_id,
                self._objects,
                self._jobs_root,
                store,
                erasures,
                self._delete_collection,
            )
            require_settled(request.collection_id, store)
            note_doubt_if_changed(
                request.collection_id, self._objects, self._jobs_root, faces=store, records=store
            )
            plan = plan_job(
                request,
                self._objects,
                store,
                jobs_root=self._jobs_root,
                model_version=next(iter(versions.values())),
                recipes=versions,
                job_folder=job_folder,
                on_listed=on_listed,
                erasures=erasures,
            )
            return with_served_version(plan, self._objects, self._jobs_root, store)

    @contextmanager
    def _while_it_exists(self, plan: Plan) -> Iterator[None]:
        """Run a block that uses a job folder; complete the deletion if the job is deleted."""
        try:
            with while_it_exists(plan, self._objects):
                yield
        except JobDeletedError:
            folder_deletion.complete_deletion_of_running(
                self._objects, self._jobs_root, plan.job_folder, plan.job_id
            )
            raise

    def get(self, job_id: str, *, readable: bool = True) -> Job:
        """Return a job; see ``JobService.get``. With ``local_paths``, also accepts its folder."""
        return self._reader.get(job_id, readable=readable)

    def list(self, limit: int) -> list[Job]:
        """Return the newest jobs; see ``JobService.list``."""
        newest = self._reader.newest(limit)
        return [replace(job, plan=None, report=None, run=None) for job in newest]

    def progress(self, job: Job) -> Progress:
        """Return the progress of a job; see ``JobService.progress``."""
        plan = job.required_plan()
        with while_it_exists(plan, self._objects, writes=False):
            return self._progress.read(plan, job.report, run_started=job.started_at)

    def report(self, job: Job) -> Report:
        """Return the report of a job; see ``JobService.report``."""
        return job_results.report_of(job, self._objects)

    def rows(self, job: Job) -> Iterator[LedgerRow]:
        """Yield the ledger of a job; see ``JobService.rows``."""
        return job_results.rows_of(job, self._objects)

    def failures(self, job: Job) -> Iterator[LedgerRow]:
        """Yield the rows that failed; see ``JobService.failures``."""
        return job_results.failures_of(job, self._objects)

    def erased(self, job: Job) -> int:
        """Return how many photos of a job have since been erased; see ``job_results.erased_of``."""
        return job_results.erased_of(job, self._objects)

    def cancel(self, job: Job) -> None:
        """End a job, whichever process runs it; see ``JobService.cancel``.

        A second call for a job of this process kills its workers immediately.
        """
        job.require_running()
        if not self._runs.cancel(job.id):
            request_cancel(job.required_plan().job_folder)

    def delete(self, job: Job) -> int:
        """Delete the folder of a job; see ``JobService.delete``.

        Raises:
            InvalidInputError: The job is pending or running, or its folder belongs to no job of the
                data folder.
        """
        folder = job.required_folder()
        if job.cause == DAMAGED_NOTE and folder == f"{self._jobs_root}{job.id}/":
            return folder_deletion.delete_damaged_entry(self._objects, self._jobs_root, job.id)
        entry = self._reader.find(job.id if job.plan is None else job.plan.job_id)
        if entry is None or entry.job_folder != folder:
            raise InvalidInputError(
                f"{folder} does not belong to a job in this data folder",
                "delete it like any other folder",
            )
        return folder_deletion.delete_job(self._objects, entry, job)

    def wait(self, job: Job, seconds: float) -> None:
        """Wait for the end of a job's run, up to a maximum number of seconds."""
        self._runs.wait(job.id, seconds)

    def result(self, job: Job) -> RunResult:
        """Wait for the end of a job's run, and return how it ended.

        Raises:
            FacerecError: The error that ended the run; unexpected errors are raised unchanged.
        """
        return self._runs.result(job.id)

    def close(self) -> None:
        """End pending runs, let the running one commit its finished work, and wait for it."""
        if "_runs" in vars(self):
            self._runs.close()

    @cached_property
    def _runs(self) -> LocalRuns:
        return self._open_runs()

    @cached_property
    def _progress(self) -> ProgressReader:
        from facerec.jobs.progress import ProgressReader

        return ProgressReader(self._objects)
