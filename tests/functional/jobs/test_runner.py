"""A job on this machine: children in worker processes that may die or be stopped."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.core.schemas import violation
from facerec.errors import (
    ConfigurationError,
    FacerecError,
    InvalidInputError,
    StoreUnavailableError,
)
from facerec.jobs.child.attempt import ChildDependencies
from facerec.jobs.ledger.reading import iterate_rows
from facerec.jobs.ledger.report import Report, write_report
from facerec.jobs.local import supervisor
from facerec.jobs.local.supervisor import MAX_ATTEMPTS, RunResult, Stop, run_children
from facerec.jobs.status import JobStatus
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.local_writing import TEMPORARY_PREFIX
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.jobs import (
    LocalJob,
    crashing_dependencies,
    slow_dependencies,
    write_manifest,
    write_photos,
)
from tests.support.leased_files import leased
from tests.support.long import rarely_short


def run(job: LocalJob, seconds: float = 0.0, **settings: object) -> RunResult:
    build = partial(slow_dependencies, job.store, seconds)
    return run_children(job.plan, build, job.objects, **{"workers": 2, **settings})  # type: ignore[arg-type]


def report(job: LocalJob, tolerated: float = 5.0) -> Report:
    return write_report(job.plan, job.objects, tolerated_failure_percentage=tolerated)


def segments(job: LocalJob) -> int:
    return len(list(Path(job.plan.job_folder).glob("ledger/*/*.jsonl")))


def worker_processes() -> list[int]:
    return [child.pid for child in multiprocessing.active_children() if child.pid]


def refusing_parts(_model_version: str) -> ChildDependencies:
    raise InvalidInputError("this engine does not start", "take another one")


def dying_parts(store: Path, _model_version: str) -> ChildDependencies:
    parts = slow_dependencies(store, 0.0)
    parts.engine.analyse = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
    return parts


def parts_that_cannot_start(_model_version: str) -> ChildDependencies:
    """End the process before the first photo, as a processor without AVX would."""
    os.kill(os.getpid(), signal.SIGILL)
    raise AssertionError


def unavailable_parts(store: Path, _model_version: str) -> ChildDependencies:
    parts = slow_dependencies(store, 0.0)

    def down(*_: object) -> None:
        raise StoreUnavailableError("the store of faces is down")

    parts.faces.put_images = down  # type: ignore[method-assign]
    parts.faces.of = lambda _: parts.faces  # type: ignore[method-assign]
    return parts


def test_a_job_runs_in_workers(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 60)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    assert run(job) == RunResult(new_photos=60)
    assert report(job).status is JobStatus.SUCCEEDED
    assert [row.photo for row in iterate_rows(job.plan, job.objects)] == [str(p) for p in photos]
    assert len(job.face_ids()) == 60
    assert job.plan.children > 2


def test_a_second_run_of_a_complete_job_starts_no_worker(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 20)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    assert run_children(job.plan, refusing_parts, job.objects, workers=2) == RunResult()


def test_a_resumed_run_deletes_what_a_killed_one_left_half_written(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 20)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    folder = Path(job.plan.job_folder)
    folders = {path.parent for path in folder.rglob("*") if path.is_file()}
    torn = [each / f"{TEMPORARY_PREFIX}torn" for each in folders]
    for file in torn:
        file.write_text("the name of a photo")
    for summary in folder.glob("children/*"):
        summary.unlink()
    run(job)
    assert len(torn) > 4
    assert [file for file in torn if file.exists()] == []


def test_a_worker_that_is_killed_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 120)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job = LocalJob(tmp_path, manifest, images_per_child=60)
    seen = [0]

    def kill_one() -> Stop:
        # More kills without progress in between, and the child would be given up.
        if len(seen) < MAX_ATTEMPTS and segments(job) > seen[-1]:
            seen.append(segments(job))
            os.kill(worker_processes()[0], signal.SIGKILL)
        return Stop.NO

    result = run(job, 0.002, stop=kill_one)
    assert len(seen) == MAX_ATTEMPTS
    assert report(job).status is JobStatus.SUCCEEDED
    assert result.lost == {}
    assert [row.photo for row in iterate_rows(job.plan, job.objects)] == [str(p) for p in photos]
    assert len(job.face_ids()) == 120


def test_a_child_whose_workers_all_die_is_given_up_and_named(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    result = run_children(job.plan, partial(dying_parts, job.store), job.objects, workers=2)
    assert report(job).status is JobStatus.INCOMPLETE
    assert report(job).incomplete == (0,)
    assert result.lost == {0: "its worker was killed by signal 9, 4 times"}


def test_a_machine_that_cannot_run_the_engine_gets_the_blame_and_no_photo(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 60)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    with pytest.raises(ConfigurationError, match="killed by signal 4 before the first photo"):
        run_children(job.plan, parts_that_cannot_start, job.objects, workers=2)
    assert job.rows() == []
    assert not Path(job.plan.job_folder, "crashes").exists()


@pytest.mark.long
def test_photos_that_crash_the_process_are_rows_and_all_others_are_indexed(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 40)
    crashing = (0, 20, 39)
    for number in crashing:
        photos[number].write_bytes(fake_photo(fake_face("eve"), note=f"crash {number}"))
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job = LocalJob(tmp_path, manifest, images_per_child=40)
    build = partial(crashing_dependencies, job.store)
    assert run_children(job.plan, build, job.objects, workers=1).lost == {}
    assert report(job, tolerated=10).status is JobStatus.SUCCEEDED
    rows = job.rows()
    assert [row.photo for row in rows] == [str(photo) for photo in photos]
    crashed = [number for number, row in enumerate(rows) if row.reason == "CRASHED"]
    assert crashed == list(crashing)
    assert len(job.face_ids()) == 37
    assert {violation("ledger-row", row.to_json()) for row in rows} == {None}


class KilledEngine(FakeEngine):
    """Is killed, as by a kernel without memory, at any photo of a certain note."""

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        if any(b"huge" in photo for photo in photos):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().analyse(photos, options)


def killed_dependencies(store: Path, _model_version: str) -> ChildDependencies:
    opened = SqliteStore(store)
    return ChildDependencies(KilledEngine(), opened, opened, LocalObjects())


@pytest.mark.parametrize("kernel_reports", rarely_short([True, False], True))
def test_a_photo_that_needs_more_memory_than_there_is_is_a_row_and_all_others_are_indexed(
    tmp_path: Path, kernel_reports: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = itertools.count() if kernel_reports else itertools.repeat(0)
    monkeypatch.setattr(supervisor, "count_memory_kills", lambda: next(counts))
    photos = write_photos(tmp_path / "photos", 40)
    huge = (8, 27, 39)
    for number in huge:
        photos[number].write_bytes(fake_photo(fake_face("eve"), note=f"huge {number}"))
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job = LocalJob(tmp_path, manifest, images_per_child=40)
    build = partial(killed_dependencies, job.store)
    assert run_children(job.plan, build, job.objects, workers=1).lost == {}
    assert report(job, tolerated=10).status is JobStatus.SUCCEEDED
    rows = job.rows()
    assert [row.photo for row in rows] == [str(photo) for photo in photos]
    crashed = [number for number, row in enumerate(rows) if row.reason == "CRASHED"]
    assert crashed == list(huge)
    assert len(job.face_ids()) == 37


def test_a_stopped_run_ends_in_its_time_whatever_a_worker_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = write_photos(tmp_path / "photos", 12)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.5)
    started = time.monotonic()
    with leased(photos[3]):
        result = run(job, workers=1, stop=lambda: Stop(time.monotonic() > started + 3))
    assert result.stopped
    assert time.monotonic() < started + 35
    assert not worker_processes()
    assert run(job).new_photos == 12


def test_a_run_does_not_wait_for_a_worker_that_the_kernel_cannot_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    photos = write_photos(tmp_path / "photos", 12)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    monkeypatch.setattr(supervisor, "KILL_SECONDS", 0.1)
    frozen: list[int] = []

    def stop() -> Stop:
        # Like processes that wait for a disk, they do not end when they are killed.
        frozen.extend(set(worker_processes()) - set(frozen))
        for process in frozen:
            os.kill(process, signal.SIGSTOP)
        return Stop.KILL if frozen else Stop.NO

    with monkeypatch.context() as patch:
        patch.setattr(BaseProcess, "kill", lambda _: None)
        assert run(job, workers=1, stop=stop).stopped
    assert worker_processes() == []
    assert "does not end" in caplog.text
    for process in frozen:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    assert run(job).new_photos == 12


@pytest.mark.parametrize("how", [Stop.COMMIT, Stop.KILL])
def test_a_stopped_run_keeps_what_is_done_and_the_next_resumes_it(
    tmp_path: Path, how: Stop
) -> None:
    photos = write_photos(tmp_path / "photos", 100)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job = LocalJob(tmp_path, manifest, images_per_child=50)

    def stop() -> Stop:
        if not segments(job):
            return Stop.NO
        # A terminal sends Ctrl-C to the workers as well.
        for process in worker_processes():
            os.kill(process, signal.SIGINT)
        return how

    result = run(job, 0.005, stop=stop)
    assert result.stopped
    assert worker_processes() == []
    done = report(job).tally.photos
    assert report(job).status is JobStatus.INCOMPLETE
    assert 0 < done == len(list(iterate_rows(job.plan, job.objects))) < 100
    assert run(job) == RunResult(new_photos=100 - done)
    assert report(job).status is JobStatus.SUCCEEDED
    rows = list(iterate_rows(job.plan, job.objects))
    assert [row.manifest_line for row in rows] == list(range(1, 101))
    assert len(job.face_ids()) == 100


def test_an_engine_that_cannot_start_ends_the_run_with_its_error(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 60)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    with pytest.raises(FacerecError, match="this engine does not start") as raised:
        run_children(job.plan, refusing_parts, job.objects, workers=2)
    assert raised.value.hint == "take another one"
    assert type(raised.value) is InvalidInputError


def test_a_store_that_stays_down_ends_the_run_after_some_attempts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facerec.jobs.local.supervisor.RETRY_DELAY", 0.05)
    photos = write_photos(tmp_path / "photos", 3)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    with pytest.raises(StoreUnavailableError, match="the store of faces is down"):
        run_children(job.plan, partial(unavailable_parts, job.store), job.objects, workers=1)
    run(job)
    assert report(job).status is JobStatus.SUCCEEDED
