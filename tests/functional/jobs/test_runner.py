"""A job on this machine: children in worker processes that may die or be stopped."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from facerec.core.schemas import violation
from facerec.errors import FacerecError, InvalidInputError, StoreUnavailableError
from facerec.jobs.child.attempt import ChildParts
from facerec.jobs.ledger.reading import iterate_rows
from facerec.jobs.ledger.report import JobStatus, read_report
from facerec.jobs.local.run_progress import RunProgress
from facerec.jobs.local.supervisor import MOST_ATTEMPTS, LocalRun, run_locally
from facerec.testing.engine import fake_face, fake_photo
from tests.support.jobs import LocalJob, crashing_parts, slow_parts, write_manifest, write_photos


def run(job: LocalJob, seconds: float = 0.0, **settings: object) -> LocalRun:
    parts = partial(slow_parts, job.store, seconds)
    return run_locally(job.plan, parts, job.objects, **{"workers": 2, **settings})  # type: ignore[arg-type]


def worker_processes() -> list[int]:
    return [child.pid for child in multiprocessing.active_children() if child.pid]


def refusing_parts() -> ChildParts:
    raise InvalidInputError("this engine does not start", "take another one")


def dying_parts(store: Path) -> ChildParts:
    parts = slow_parts(store, 0.0)
    parts.engine.analyse = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
    return parts


def unavailable_parts(store: Path) -> ChildParts:
    parts = slow_parts(store, 0.0)

    def down(*_: object) -> None:
        raise StoreUnavailableError("the store of faces is down")

    parts.faces.put_images = down  # type: ignore[method-assign]
    return parts


def test_a_job_runs_in_workers_and_tells_how_far_it_is(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 60)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    told: list[RunProgress] = []
    ended = run(job, progress=told.append)
    assert ended.report.status is JobStatus.SUCCEEDED
    assert not ended.interrupted
    assert [row.image for row in iterate_rows(job.plan, job.objects)] == [str(p) for p in photos]
    assert len(job.face_ids()) == 60
    assert [progress.images for progress in told] == sorted(progress.images for progress in told)
    last = told[-1]
    assert (last.images, last.new_images, last.faces, last.failures) == (60, 60, 60, 0)
    assert (last.estimated_images, last.exact, last.seconds_left) == (60, True, 0.0)
    assert last.complete_children == last.children == job.plan.children > 2
    assert read_report(job.objects, job.plan.job_folder).tally.images == 60


def test_a_second_run_of_a_complete_job_does_nothing(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 20)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    told: list[RunProgress] = []
    parts = refusing_parts
    ended = run_locally(job.plan, parts, job.objects, workers=2, progress=told.append)
    assert ended.report.status is JobStatus.SUCCEEDED
    assert told == []


def test_a_worker_that_is_killed_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 120)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job = LocalJob(tmp_path, manifest, images_per_child=60)
    killed: list[int] = []

    def kill_one(progress: RunProgress) -> None:
        # Once more, and the child would be given up if it had not got on in between.
        if len(killed) < MOST_ATTEMPTS - 1:
            victim = worker_processes()[0]
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    ended = run(job, 0.002, progress=kill_one)
    assert len(killed) == MOST_ATTEMPTS - 1
    assert ended.report.status is JobStatus.SUCCEEDED
    assert ended.lost == {}
    assert [row.image for row in iterate_rows(job.plan, job.objects)] == [str(p) for p in photos]
    assert len(job.face_ids()) == 120


def test_a_child_whose_workers_all_die_is_given_up_and_named(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    ended = run_locally(job.plan, partial(dying_parts, job.store), job.objects, workers=2)
    assert ended.report.status is JobStatus.INCOMPLETE
    assert ended.report.incomplete == (0,)
    assert ended.lost == {0: "its worker was killed by signal 9, 3 times"}


def test_photos_that_crash_the_process_are_rows_and_all_others_are_indexed(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 40)
    crashing = (0, 20, 39)
    for number in crashing:
        photos[number].write_bytes(fake_photo(fake_face("eve"), note=f"crash {number}"))
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job = LocalJob(tmp_path, manifest, images_per_child=40, tolerated_failure_percentage=10)
    ended = run_locally(job.plan, partial(crashing_parts, job.store), job.objects, workers=1)
    assert ended.lost == {}
    assert ended.report.status is JobStatus.SUCCEEDED
    rows = job.rows()
    assert [row.image for row in rows] == [str(photo) for photo in photos]
    crashed = [number for number, row in enumerate(rows) if row.reason == "CRASHED"]
    assert crashed == list(crashing)
    assert len(job.face_ids()) == 37
    assert {violation("ledger-row", row.to_json()) for row in rows} == {None}


@pytest.mark.parametrize("how", ["stop", "ctrl-c"])
def test_an_interrupted_run_keeps_what_is_done_and_the_next_goes_on(
    tmp_path: Path, how: str
) -> None:
    photos = write_photos(tmp_path / "photos", 100)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job = LocalJob(tmp_path, manifest, images_per_child=50)
    told: list[RunProgress] = []

    def note(progress: RunProgress) -> None:
        if not told and how == "ctrl-c":
            told.append(progress)
            # A terminal sends the signal to the workers as well.
            for process in [*worker_processes(), os.getpid()]:
                os.kill(process, signal.SIGINT)
        told.append(progress)

    stop: Callable[[], bool] = lambda: how == "stop" and bool(told)  # noqa: E731
    ended = run(job, 0.005, progress=note, stop=stop)
    assert ended.interrupted
    assert ended.report.status is JobStatus.INCOMPLETE
    done = len(list(iterate_rows(job.plan, job.objects)))
    assert 0 < done == ended.report.tally.images < 100
    again: list[RunProgress] = []
    ended = run(job, progress=again.append)
    assert not ended.interrupted
    assert ended.report.status is JobStatus.SUCCEEDED
    assert again[-1].new_images == 100 - done
    assert again[-1].images == 100
    rows = list(iterate_rows(job.plan, job.objects))
    assert [row.line for row in rows] == list(range(1, 101))
    assert len(job.face_ids()) == 100


def test_an_engine_that_cannot_start_ends_the_run_with_its_own_words(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 60)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    with pytest.raises(FacerecError, match="this engine does not start") as raised:
        run_locally(job.plan, refusing_parts, job.objects, workers=2)
    assert raised.value.hint == "take another one"
    assert type(raised.value) is InvalidInputError


def test_a_store_that_stays_down_ends_the_run_after_some_attempts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facerec.jobs.local.supervisor.PAUSE", 0.05)
    photos = write_photos(tmp_path / "photos", 3)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    with pytest.raises(StoreUnavailableError, match="the store of faces is down"):
        run_locally(job.plan, partial(unavailable_parts, job.store), job.objects, workers=1)
    assert run(job).report.status is JobStatus.SUCCEEDED
