"""Where the job's folder is far away, a step is committed while the next one is worked on."""

from __future__ import annotations

import faulthandler
import os
import random
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from facerec.errors import StoreUnavailableError
from facerec.jobs.child.attempt import ChildDependencies, StepSize, run_child
from facerec.jobs.child.crash_notes import note_crash
from facerec.jobs.ledger.rows import LedgerRow
from facerec.jobs.ledger.segments import read_segments
from facerec.jobs.ledger.tally import read_summary
from facerec.jobs.outcomes import Outcome
from facerec.jobs.planning.planner import plan_job
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine
from tests.support.folder_buckets import FolderBuckets
from tests.support.jobs import CrashingEngine, SlowEngine, job_input, write_photos
from tests.support.long import mostly_long

PHOTOS = 80


class BucketJob:
    """A job of one child in buckets below a folder; two photos come twice, one is missing."""

    def __init__(self, folder: Path, odd: bytes = b"no photo") -> None:
        self.folder = folder
        photos = [path.name for path in write_photos(folder / "photos", PHOTOS - 4)]
        (folder / "photos" / "odd.jpg").write_bytes(odd)
        listed = [*photos[:30], photos[3], "odd.jpg", *photos[30:], "missing.jpg", photos[30]]
        lines = "".join(f"s3://photos/{name}\n" for name in listed)
        self.objects = FolderBuckets(folder)
        self.objects.write("s3://photos/list.txt", lines.encode())
        self.plan = plan_job(
            job_input("s3://photos/list.txt", images_per_child=PHOTOS),
            self.objects,
            SqliteStore(folder / "faces.db"),
            jobs_root="s3://work/jobs/",
            model_version=FakeEngine().model_version,
        )
        assert (self.plan.children, self.plan.local) == (1, False)

    def parts(self, engine: FakeEngine, objects: FolderBuckets | None = None) -> ChildDependencies:
        store = SqliteStore(self.folder / "faces.db")
        return ChildDependencies(engine, store, store, objects or self.objects)

    def run(self, engine: FakeEngine | None = None, objects: FolderBuckets | None = None) -> None:
        run_child(self.plan, 0, self.parts(engine or FakeEngine(), objects))

    @property
    def complete(self) -> bool:
        return read_summary(self.objects, self.plan.job_folder, 0) is not None

    def rows(self) -> list[LedgerRow]:
        parts = read_segments(self.objects, self.plan.job_folder, 0)
        return [row for part in parts for row in part.rows]

    def essence(self) -> tuple[object, ...]:
        """Return what must be the same however the job came to its end."""
        rows = [(row.line_in_slice, row.photo, row.outcome, row.faces) for row in self.rows()]
        with SqliteStore(self.folder / "faces.db") as store:
            faces = [face.face_id for face in store.list_faces("staff", limit=1000)]
        parts = read_segments(self.objects, self.plan.job_folder, 0)
        named = {part.embeddings for part in parts}
        kept = self.objects.list(f"{self.plan.job_folder}embeddings/")
        assert {found.uri.removeprefix(self.plan.job_folder) for found in kept} == named
        return rows, faces


def in_a_process(action: Callable[[], object]) -> int:
    process = os.fork()
    if process:
        return process
    faulthandler.disable()
    try:
        action()
    except BaseException:
        os._exit(1)
    os._exit(0)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the photos of a job be several steps."""
    monkeypatch.setattr("facerec.jobs.child.attempt.DEPLOYED_STEP", StepSize(32, 64 << 20, 16))


@pytest.fixture
def undisturbed(tmp_path: Path) -> tuple[object, ...]:
    """Return what an undisturbed run of the same job ends in."""
    job = BucketJob(tmp_path / "whole")
    job.run()
    return job.essence()


def test_a_photo_repeated_in_the_next_step_is_already_indexed(tmp_path: Path) -> None:
    job = BucketJob(tmp_path)
    job.run(SlowEngine(0.001), FolderBuckets(tmp_path, 0.02))
    rows = job.rows()
    assert len(rows) == PHOTOS
    assert rows[30].outcome is rows[-1].outcome is Outcome.ALREADY_INDEXED
    assert rows[-1].faces == rows[32].faces


def test_photos_are_processed_while_the_previous_step_is_committed(tmp_path: Path) -> None:
    happened: list[str] = []

    class Watched(FakeEngine):
        def analyse(self, *given):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN202
            happened.append("look")
            return super().analyse(*given)

    class SlowBuckets(FolderBuckets):
        def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
            time.sleep(0.2)
            written = super().write(uri, content, if_absent=if_absent)
            if uri.endswith(".npz"):
                happened.append("write")
            return written

    BucketJob(tmp_path).run(Watched(), SlowBuckets(tmp_path))
    # A step is four looks: the fifth is at photos of the second one.
    assert happened[: happened.index("write")].count("look") > 4


@pytest.mark.parametrize("seed", mostly_long(range(3), 1))
def test_a_child_killed_at_random_points_ends_as_if_undisturbed(
    tmp_path: Path, undisturbed: tuple[object, ...], seed: int
) -> None:
    job, chance, kills, longest = BucketJob(tmp_path / "job"), random.Random(seed), 0, 0.1
    far = FolderBuckets(job.folder, 0.01)
    while not job.complete:
        process = in_a_process(lambda: job.run(SlowEngine(0.002), far))
        longest *= 1.1
        time.sleep(chance.uniform(0.0, longest))
        os.kill(process, signal.SIGKILL)
        kills += os.WIFSIGNALED(os.waitpid(process, 0)[1])
    assert kills >= 2
    assert job.essence() == undisturbed


class Fatal(FolderBuckets):
    """Kills its process before or after the n-th time that something is written."""

    def __init__(self, folder: Path, at: int) -> None:
        super().__init__(folder)
        self.at = at

    def happens(self) -> None:
        self.at -= 1
        if self.at <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        self.happens()
        written = super().write(uri, content, if_absent=if_absent)
        self.happens()
        return written


@pytest.mark.long
def test_a_child_killed_around_every_write_ends_as_if_undisturbed(
    tmp_path: Path, undisturbed: tuple[object, ...]
) -> None:
    points, killed = 0, True
    while killed:
        points += 1
        job = BucketJob(tmp_path / f"killed-{points}")
        fatal = Fatal(job.folder, points)
        ending = os.waitpid(in_a_process(partial(job.run, None, fatal)), 0)[1]
        killed = os.WIFSIGNALED(ending)
        job.run()
        assert job.essence() == undisturbed
    # The note of the run, three steps of two writes, the index, the memory and the summary: before
    # and after each.
    assert points == 21


def test_concurrent_attempts_end_as_one(tmp_path: Path, undisturbed: tuple[object, ...]) -> None:
    job = BucketJob(tmp_path / "job")
    far = FolderBuckets(job.folder, 0.005)
    attempts = [in_a_process(lambda: job.run(SlowEngine(0.002), far)) for _ in range(3)]
    time.sleep(0.1)
    os.kill(attempts[0], signal.SIGKILL)
    endings = [os.waitpid(attempt, 0)[1] for attempt in attempts]
    assert [os.waitstatus_to_exitcode(ending) for ending in endings[1:]] == [0, 0]
    assert job.essence() == undisturbed


def test_a_failed_commit_ends_the_attempt_with_what_is_committed(
    tmp_path: Path, undisturbed: tuple[object, ...]
) -> None:
    class Down(FolderBuckets):
        def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
            if uri.endswith("jsonl") and not uri.endswith("0000000000000000.jsonl"):
                raise StoreUnavailableError("the store is down")
            return super().write(uri, content, if_absent=if_absent)

    job = BucketJob(tmp_path / "job")
    with pytest.raises(StoreUnavailableError):
        job.run(None, Down(job.folder))
    assert len(job.rows()) == 32
    job.run()
    assert job.essence() == undisturbed


def test_a_photo_that_crashes_the_process_is_skipped_in_the_end(tmp_path: Path) -> None:
    job = BucketJob(tmp_path, odd=b"crash")
    crashes = 0
    while not job.complete:
        ending = os.waitpid(in_a_process(lambda: job.run(CrashingEngine())), 0)[1]
        if os.WIFSIGNALED(ending):
            crashes += 1
            note_crash(job.objects, job.plan, 0)
        assert crashes <= 3
    rows = job.rows()
    assert len(rows) == PHOTOS
    assert rows[31].reason == "CRASHED"
    assert sum(row.reason == "CRASHED" for row in rows) == 1
