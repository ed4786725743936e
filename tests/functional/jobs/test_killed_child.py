"""A child that is killed and started again ends with the same faces and one row a line."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from facerec.jobs.child.attempt import run_child
from facerec.jobs.ledger.rows import LedgerRow
from facerec.jobs.ledger.tally import read_summary
from facerec.jobs.outcomes import Outcome
from facerec.storage.objects.local import LocalObjects
from tests.support.jobs import LocalJob, slow_dependencies, write_photos
from tests.support.long import mostly_long

PHOTOS = 80


def in_a_process(action: Callable[[], object]) -> int:
    """Run something in a process of its own; return the process."""
    process = os.fork()
    if process:
        return process
    try:
        action()
    except BaseException:
        os._exit(1)
    os._exit(0)


def undisturbed(job: LocalJob, tmp_path: Path) -> LocalJob:
    """Run the same job elsewhere without any trouble."""
    whole = LocalJob(tmp_path / "whole", job.plan.source.uri, images_per_child=PHOTOS)
    whole.run()
    return whole


def essence(rows: list[LedgerRow]) -> list[tuple[object, ...]]:
    return [(row.line_in_slice, row.photo, row.outcome, row.faces, row.rejected) for row in rows]


def assert_the_same(job: LocalJob, whole: LocalJob) -> None:
    assert essence(job.rows()) == essence(whole.rows())
    assert job.face_ids() == whole.face_ids()
    assert len(job.rows()) == PHOTOS
    named = {Path(job.plan.job_folder, part.embeddings or "") for part in job.ledger()}
    assert set(job.kept_embeddings()) == named
    assert read_summary(job.objects, job.plan.job_folder, 0) is not None


def job_of(tmp_path: Path) -> LocalJob:
    photos = write_photos(tmp_path / "photos", PHOTOS - 6)
    # Two of them twice: in the same step and steps apart; one is missing, three are bad.
    odd = [tmp_path / f"odd-{number}.jpg" for number in range(3)]
    for path in odd:
        path.write_bytes(b"no photo")
    listed = [*photos[:10], photos[3], *odd, *photos[10:], tmp_path / "missing.jpg", photos[0]]
    manifest = tmp_path / "list.txt"
    manifest.write_text("\n".join(map(str, listed)))
    return LocalJob(tmp_path, manifest, images_per_child=PHOTOS)


@pytest.mark.parametrize("seed", mostly_long(range(4), 1))
def test_a_child_killed_at_random_points_ends_as_if_undisturbed(tmp_path: Path, seed: int) -> None:
    job, chance, kills, longest = job_of(tmp_path), random.Random(seed), 0, 0.05
    while read_summary(job.objects, job.plan.job_folder, 0) is None:
        process = in_a_process(lambda: run_child(job.plan, 0, slow_dependencies(job.store, 0.001)))
        # Attempts live longer and longer, so that a busy machine gets through as well.
        longest *= 1.1
        time.sleep(chance.uniform(0.0, longest))
        os.kill(process, signal.SIGKILL)
        kills += os.WIFSIGNALED(os.waitpid(process, 0)[1])
    assert kills >= 3
    assert_the_same(job, undisturbed(job, tmp_path))


class Fatal(LocalObjects):
    """Kills its process before or after the n-th time that something is written or deleted."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self.at = at

    def happens(self) -> None:
        self.at -= 0.5
        if self.at <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        self.happens()
        written = super().write(uri, content, if_absent=if_absent)
        self.happens()
        return written

    def replace(self, uri: str, content: bytes | Path, *, version: str) -> bool:
        self.happens()
        replaced = super().replace(uri, content, version=version)
        self.happens()
        return replaced

    def delete(self, uri: str) -> None:
        self.happens()
        super().delete(uri)
        self.happens()


def test_a_child_killed_around_every_write_ends_as_if_undisturbed(tmp_path: Path) -> None:
    def attempt(at: float) -> None:
        parts = slow_dependencies(job.store, 0.0)
        run_child(job.plan, 0, replace(parts, objects=Fatal(at)))

    first = job_of(tmp_path)
    whole = undisturbed(first, tmp_path)
    points, killed = 0, True
    while killed:
        points += 1
        folder = tmp_path / f"killed-{points}"
        job = LocalJob(folder, first.plan.source.uri, images_per_child=PHOTOS)
        killed = os.WIFSIGNALED(os.waitpid(in_a_process(partial(attempt, points / 2)), 0)[1])
        job.run()
        assert_the_same(job, whole)
    # Three steps of two writes, the index, the memory and the summary: before and after each.
    assert points == 19


def test_concurrent_attempts_end_as_one_undisturbed(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    attempts = [
        in_a_process(lambda: run_child(job.plan, 0, slow_dependencies(job.store, 0.002)))
        for _ in range(3)
    ]
    time.sleep(0.1)
    os.kill(attempts[0], signal.SIGKILL)
    endings = [os.waitpid(attempt, 0)[1] for attempt in attempts]
    assert [os.waitstatus_to_exitcode(ending) for ending in endings[1:]] == [0, 0]
    whole = undisturbed(job, tmp_path)
    assert {row.outcome for row in job.rows()} >= {Outcome.INDEXED, Outcome.ALREADY_INDEXED}
    assert_the_same(job, whole)


class Overtaken(LocalObjects):
    """Lets another attempt complete the child before embeddings are written."""

    def __init__(self, overtake: Callable[[], object]) -> None:
        super().__init__()
        self._overtake = overtake
        self.is_overtaken = False

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        if "/embeddings/" in uri and not self.is_overtaken:
            self.is_overtaken = True
            self._overtake()
        return super().write(uri, content, if_absent=if_absent)


def test_an_attempt_that_is_overtaken_and_stopped_leaves_no_embeddings(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    objects = Overtaken(job.run)
    parts = replace(slow_dependencies(job.store, 0.0), objects=objects)
    run_child(job.plan, 0, parts, stop=lambda: objects.is_overtaken)
    assert_the_same(job, undisturbed(job, tmp_path))
