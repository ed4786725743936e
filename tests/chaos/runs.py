"""The small job again, run by the supervisor of this machine, whose processes are all disturbed."""

from __future__ import annotations

import fcntl
import itertools
import os
from functools import partial
from typing import TYPE_CHECKING

from facerec.factory.erasures import open_erasures
from facerec.jobs.child.attempt import ChildDependencies
from facerec.jobs.child.crash_notes import read_crashes
from facerec.jobs.ledger.segments import read_segments
from facerec.jobs.local import runs, supervisor
from facerec.jobs.local.jobs import LocalJobs
from facerec.jobs.plan import read_plan
from facerec.jobs.status import JobStatus
from facerec.storage.objects.local import LocalObjects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine
from tests.chaos.faults import (
    KILLS,
    Disturbance,
    Fault,
    Schedule,
    Schedules,
    Undisturbed,
    skew_clock,
)
from tests.chaos.jobs import COLLECTION, Ending, Job

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RETRY_DELAY = 0.01
"""Seconds for which a child of a failed store waits."""


class SupervisedJob(Job):
    """The job, run by ``LocalJobs``: a supervisor and its workers."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        super().__init__(folder)
        self._workers = workers
        self._of_workers: Schedules = Undisturbed()
        self._clock = 0.0

    def run_supervised(
        self, folder: Path, supervisors: Schedules, workers: Schedules, clock: float = 0.0
    ) -> Ending:
        """Run the job until a supervisor gets through, and check what it left.

        Args:
            folder: Folder of the store and the job.
            supervisors: The faults of each supervisor.
            workers: The faults of each worker, numbered across supervisors.
            clock: Seconds by which the clock of every second process is off.

        Raises:
            AssertionError: An invariant does not hold.
        """
        self._of_workers, self._clock = workers, clock
        return self.run(folder, supervisors, clock)

    def _attempt(self, folder: Path, disturbance: Disturbance) -> bool:
        supervisor.RETRY_DELAY = RETRY_DELAY
        wait, write_record = supervisor.wait, runs.write_record

        def disturbed_wait(*arguments: object) -> object:
            disturbance.moment("wait")
            return wait(*arguments)  # type: ignore[arg-type]

        def disturbed_write(*arguments: object) -> None:
            disturbance.moment("write_record")
            write_record(*arguments)  # type: ignore[arg-type]
            disturbance.moment("write_record")

        supervisor.wait = disturbed_wait  # type: ignore[assignment]
        runs.write_record = disturbed_write
        objects = disturbance.wrap(LocalObjects())

        def open_store() -> SqliteStore:
            return disturbance.wrap(SqliteStore(folder / "store.sqlite"))  # type: ignore[no-any-return]

        local = runs.LocalRuns(
            objects,
            jobs_root=f"{folder}/jobs/",
            open_store=open_store,
            build_dependencies=partial(build_worker, folder, self._of_workers, self._clock),
            delete_faces=_delete_faces,
            workers=self._workers,
        )
        jobs = LocalJobs(
            objects,
            f"{folder}/jobs/",
            lambda: local,
            open_store=open_store,
            open_erasures=lambda: open_erasures(f"{folder}/erasures/"),
            delete_collection=lambda collection_id: None,
            model_versions=lambda: {"fast": FakeEngine().model_version},
        )
        job = jobs.submit(
            {
                "collection_id": COLLECTION,
                "manifest": str(self.manifest),
                "create_collection": True,
                "images_per_child": 10,
                "tolerated_failure_percentage": 50,
            }
        )
        result = local.result(job.id)
        return not result.lost and jobs.get(job.id).status is JobStatus.SUCCEEDED

    def _ending(self, folder: Path, *arguments: object) -> Ending:
        with (folder / "workers.lock").open("a") as lock:
            # Workers of a killed supervisor may still be at work.
            fcntl.flock(lock, fcntl.LOCK_EX)
        return super()._ending(folder, *arguments)  # type: ignore[arg-type]


def build_worker(
    folder: Path, schedules: Schedules, clock: float, model_version: str
) -> ChildDependencies:
    """Build the dependencies of a worker, whose calls are disturbed by its number."""
    # Held until the process ends.
    fcntl.flock(os.open(folder / "workers.lock", os.O_CREAT | os.O_RDWR), fcntl.LOCK_SH)
    number = _next_number(folder)
    skew_clock(clock * (number % 2))
    schedule = schedules(number)
    disturbance = Disturbance(
        schedule and _WithoutFalseCrashes(schedule, folder), folder / "faults.txt"
    )
    store = disturbance.wrap(SqliteStore(folder / "store.sqlite"))
    return ChildDependencies(
        FakeEngine(model_version), store, store, disturbance.wrap(LocalObjects())
    )


class _WithoutFalseCrashes:
    """Kills no worker where a supervisor already suspects a photo.

    Two kills without progress look like a photo that needs too much memory, and get it a row with
    the reason CRASHED, as they should.
    """

    def __init__(self, schedule: Schedule, folder: Path) -> None:
        self._schedule, self._folder = schedule, folder

    def fault(self, call: int) -> Fault | None:
        """See ``Schedule``."""
        fault = self._schedule.fault(call)
        return Fault.FAIL if fault in KILLS and self._is_suspected() else fault

    def _is_suspected(self) -> bool:
        objects = LocalObjects()
        for path in self._folder.glob("jobs/*/plan.json"):
            plan = read_plan(objects, f"{path.parent}/")
            for child in range(plan.children):
                *_, last = (None, *read_segments(objects, plan.job_folder, child))
                ends = read_crashes(objects, plan, child)
                if any(last is None or offset >= last.end.offset for offset in ends):
                    return True
        return False


def _next_number(folder: Path) -> int:
    (folder / "workers").mkdir(exist_ok=True)
    for number in itertools.count():
        try:
            (folder / "workers" / str(number)).touch(exist_ok=False)
        except FileExistsError:
            continue
        return number
    raise AssertionError


def _delete_faces(store: SqliteStore, collection_id: str, face_ids: Sequence[str]) -> int:
    return len(store.delete_faces(collection_id, face_ids))
