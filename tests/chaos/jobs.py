"""A small job under faults, and what must hold after it."""

from __future__ import annotations

import os
import shutil
import traceback
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from facerec.core.protocols.records import RecordStore
from facerec.errors import FacerecError
from facerec.jobs.child.attempt import ChildDependencies, run_child
from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.jobs.ledger.report import read_report, write_report
from facerec.jobs.ledger.rows import LedgerRow
from facerec.jobs.ledger.segments import read_segments
from facerec.jobs.plan import Plan
from facerec.jobs.planning.planner import plan_job
from facerec.jobs.status import JobStatus
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectStore
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine
from tests.chaos.faults import Disturbance, Schedules, skew_clock
from tests.support.jobs import job_input, write_photos

COLLECTION = "staff"
MAX_ATTEMPTS = 200

FAILED, UNEXPECTED = 1, 2
"""Exit codes of an attempt that is to be repeated, and of one that met an error of its own."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The results of a job.

    Attributes:
        rows: Rows of the ledger, without fields that depend on time.
        faces: Ids and embeddings of the stored faces.
        kept: Ids of the faces with embeddings in the job folder.
        calls: Calls of the last attempt.
        faults: Number of times that each fault happened.
        attempts: Processes that worked on the job.
    """

    rows: list[tuple[object, ...]]
    faces: dict[str, bytes]
    kept: Counter[str]
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    attempts: int = 1


class Job:
    """A job of 20 photos in two children: good ones, bad ones, a missing one, and two twice."""

    def __init__(self, folder: Path) -> None:
        photos = write_photos(folder / "photos", 15, faces=2)
        odd = folder / "odd.jpg"
        odd.write_bytes(b"not a photo")
        listed = [*photos[:6], photos[2], odd, *photos[6:], folder / "missing.jpg", photos[0]]
        self.manifest = folder / "list.txt"
        self.manifest.write_text("\n".join(map(str, listed)))
        self.lines = len(listed)

    def run(self, folder: Path, schedules: Schedules, clock: float = 0.0) -> Ending:
        """Run the job in a process per attempt until one gets through, and check what it left.

        Args:
            folder: Folder of the store and the job.
            schedules: The faults of an attempt, by its number from 0; None for no faults.
            clock: Seconds by which the clock of every second attempt is off.

        Raises:
            AssertionError: An invariant does not hold.
        """
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        notes, calls = folder / "faults.txt", folder / "calls.txt"
        for attempt in range(MAX_ATTEMPTS):
            schedule = schedules(attempt)
            process = os.fork()
            if process == 0:
                skew_clock(clock * (attempt % 2))
                disturbance = Disturbance(schedule, notes)
                code = FAILED
                try:
                    if self._attempt(folder, disturbance):
                        calls.write_text(str(disturbance.calls))
                        code = 0
                except FacerecError:
                    code = FAILED
                except BaseException:
                    traceback.print_exc()
                    code = UNEXPECTED
                finally:
                    os._exit(code)
            ended = os.waitpid(process, 0)[1]
            assert os.waitstatus_to_exitcode(ended) != UNEXPECTED
            if ended == 0:
                break
        else:
            raise AssertionError(f"no attempt of {MAX_ATTEMPTS} got through")
        told = notes.read_text().splitlines() if notes.exists() else []
        faults = Counter(line.split()[0] for line in told)
        return self._ending(folder, int(calls.read_text()), faults, attempt + 1)

    def _attempt(self, folder: Path, disturbance: Disturbance) -> bool:
        """Plan the job, run its children and write its report; return whether it is complete."""
        store = disturbance.wrap(SqliteStore(folder / "store.sqlite"))
        objects = disturbance.wrap(LocalObjects())
        plan = self._plan(folder, objects, store)
        dependencies = ChildDependencies(FakeEngine(), store, store, objects)
        for child in range(plan.children):
            run_child(plan, child, dependencies)
        write_report(plan, objects, tolerated_failure_percentage=50)
        return True

    def _plan(self, folder: Path, objects: ObjectStore, store: RecordStore) -> Plan:
        return plan_job(
            job_input(self.manifest, images_per_child=10),
            objects,
            store,
            jobs_root=f"{folder}/jobs/",
            model_version=FakeEngine().model_version,
        )

    def _ending(self, folder: Path, calls: int, faults: Counter[str], attempts: int) -> Ending:
        objects = LocalObjects()
        with SqliteStore(folder / "store.sqlite") as store:
            plan = self._plan(folder, objects, store)
            # Half-written files count too: they may hold embeddings.
            files = {str(path) for path in Path(plan.job_folder).glob("embeddings/*/*")}
            found = read_ending(plan, objects, store, files, self.lines)
        assert len(list(Path(f"{folder}/jobs").glob("*/plan.json"))) == 1
        return replace(found, calls=calls, faults=faults, attempts=attempts)


def read_ending(
    plan: Plan, objects: ObjectStore, store: SqliteStore, files: set[str], lines: int
) -> Ending:
    """Return the results of a job, and check those that can be checked without others.

    Args:
        plan: The job's plan.
        objects: Contains its folder.
        store: The store of its faces.
        files: Addresses of the files of embeddings in its folder.
        lines: Lines of its manifest.

    Raises:
        AssertionError: An invariant does not hold.
    """
    rows: list[LedgerRow] = []
    named: set[str] = set()
    for child in range(plan.children):
        for segment in read_segments(objects, plan.job_folder, child):
            rows += segment.rows
            named |= {segment.embeddings} if segment.embeddings else set()
    ids = [face.face_id for face in store.list_faces(COLLECTION, limit=10_000)]
    stored = store.get_faces(COLLECTION, ids)
    report = read_report(objects, plan.job_folder)
    kept = Counter(
        face.record.face_id
        for name in named
        for face in read_embeddings(objects, plan.job_folder + name)
    )
    # One row per line, and the report equals the ledger.
    assert len(rows) == lines == report.tally.photos
    assert report.status is JobStatus.SUCCEEDED
    assert report.tally.outcomes == Counter(row.outcome.value for row in rows)
    # Nothing acknowledged is missing, nothing stored is orphaned.
    acknowledged = {face.face_id for row in rows for face in row.faces}
    assert acknowledged == set(ids) == set(kept)
    assert files == {plan.job_folder + name for name in named}
    return Ending(
        # Of a photo in two children, the one that comes second has the faces in another order.
        sorted(
            (row.child, row.line_in_slice, row.photo, sorted(face.face_id for face in row.faces))
            for row in rows
        ),
        {face.record.face_id: face.embedding.tobytes() for face in stored},
        kept,
    )


def assert_the_same(ending: Ending, undisturbed: Ending) -> None:
    """Check that a disturbed job left what an undisturbed one leaves.

    Raises:
        AssertionError: It did not.
    """
    assert ending.rows == undisturbed.rows
    assert ending.faces == undisturbed.faces
    assert set(ending.kept) == set(undisturbed.kept)
