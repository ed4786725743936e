"""An erasure at any moment of what copies addresses within the memory leaves none of its photo."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from facerec.core.erasures import Selection
from facerec.jobs.erasing.collection_erasure import erase_collection, erase_faces
from facerec.jobs.stale_faces import remove_stale
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectStore
from facerec.storage.objects.s3 import S3Objects
from tests.support.indexed_folder import Collection
from tests.support.remembered_jobs import Jobs

ANN = "/ann-lee.jpg"
OF_ANN = Selection(photos=frozenset({ANN}))


class Interrupted:
    """An object store that does something else before one of its calls."""

    def __init__(self, objects: ObjectStore, moment: int, action: Callable[[], object]) -> None:
        self._objects, self._left, self._action = objects, moment, action
        self.was_interrupted = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method
        method = getattr(self._objects, name)

        def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            self._left -= 1
            if self._left == -1:
                self.was_interrupted = True
                self._action()
            return method(*arguments, **options)

        return call


@pytest.fixture(autouse=True)
def few_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few notes be merged, and write without waiting for the disk."""
    monkeypatch.setattr("facerec.jobs.remembered.memory.MERGED_FROM", 3)
    monkeypatch.setattr("facerec.storage.objects.local.flush", lambda _: None)


NewJobs = Callable[[], Jobs]


@pytest.fixture(params=["local", "s3"])
def new_jobs(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[NewJobs]:
    """Return a function that returns the jobs in a new root of a store."""
    roots = itertools.count()
    if request.param == "local":
        jobs = jobs_of_ann(tmp_path, LocalObjects(), f"{tmp_path}/jobs/")
        yield lambda: jobs.copy(f"{tmp_path}/{next(roots)}/jobs/")
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="work")
        jobs = jobs_of_ann(tmp_path, S3Objects(), "s3://work/jobs/")
        yield lambda: jobs.copy(f"s3://work/{next(roots)}/jobs/")


def jobs_of_ann(folder: Path, objects: ObjectStore, root: str) -> Jobs:
    """Run jobs that remember Ann's photo, also in merged lines, and have more lines to merge."""
    jobs = Jobs(folder, objects, root)
    for number in range(5):
        plan, memory = jobs.new(), jobs.memory()
        started = jobs.start(plan, memory)
        jobs.commit(plan, 0, [ANN, f"/{number}.jpg"])
        jobs.commit(plan, 1, [f"/{number}-other.jpg"])
        if number == 2:
            memory.merge_notes(plan, before=started + 1)
    assert ANN in jobs.known()
    return jobs


def merge(jobs: Jobs, objects: ObjectStore) -> None:
    jobs.memory(objects).merge_notes(next(reversed(jobs.plans.values())), before=99)


def erase(jobs: Jobs, objects: ObjectStore) -> None:
    erase_faces(objects, jobs.root, "staff", OF_ANN)


def check(jobs: Jobs) -> None:
    assert files_with(jobs.objects, jobs.root, ANN) == []
    expected = jobs.expected()
    del expected[ANN]
    assert jobs.known() == expected


def files_with(objects: ObjectStore, root: str, text: str) -> list[str]:
    return [found.uri for found in objects.list(root) if text.encode() in objects.read(found.uri)]


@pytest.mark.parametrize(("slow", "quick"), [(merge, erase), (erase, merge)])
def test_a_photo_is_erased_whatever_is_merged_at_the_same_time(
    new_jobs: NewJobs,
    slow: Callable[[Jobs, ObjectStore], None],
    quick: Callable[[Jobs, ObjectStore], None],
) -> None:
    for moment in itertools.count():
        jobs = new_jobs()
        interrupted = Interrupted(jobs.objects, moment, partial(quick, jobs, jobs.objects))
        slow(jobs, interrupted)
        if not interrupted.was_interrupted:
            break
        check(jobs)
    assert moment > 20


def test_a_photo_is_erased_whatever_is_merged_from_a_file_that_is_being_merged(
    new_jobs: NewJobs,
) -> None:
    chance, erased = random.Random(1), 0
    for _ in range(50):
        jobs = new_jobs()
        third = Interrupted(jobs.objects, chance.randrange(110), partial(merge, jobs, jobs.objects))
        second = Interrupted(jobs.objects, chance.randrange(50), partial(erase, jobs, third))
        merge(jobs, second)
        if second.was_interrupted:
            erased += 1
            check(jobs)
    assert erased > 20


def test_a_merge_leaves_nothing_of_a_collection_that_is_deleted_meanwhile(
    new_jobs: NewJobs,
) -> None:
    for moment in itertools.count():
        jobs = new_jobs()
        delete = partial(erase_collection, jobs.objects, jobs.root, "staff")
        interrupted = Interrupted(jobs.objects, moment, delete)
        merge(jobs, interrupted)
        if not interrupted.was_interrupted:
            break
        assert list(jobs.objects.list(jobs.root)) == []
    assert moment > 20


def test_a_merge_that_was_killed_leaves_nothing_and_is_done_by_the_next(
    new_jobs: NewJobs,
) -> None:
    def kill() -> None:
        raise KeyboardInterrupt

    for moment in itertools.count():
        jobs = new_jobs()
        try:
            merge(jobs, Interrupted(jobs.objects, moment, kill))
        except KeyboardInterrupt:
            erase(jobs, jobs.objects)
            check(jobs)
            merge(jobs, jobs.objects)
            check(jobs)
            continue
        break
    assert moment > 20


def test_a_photo_that_is_erased_while_its_removal_is_noted_is_not_named_again(
    tmp_path: Path,
) -> None:
    for moment in itertools.count():
        folder = tmp_path / str(moment)
        folder.mkdir()
        staff = Collection(folder)
        photo = staff.photo("ann-lee.jpg", "ann")
        staff.photo("bob.jpg", "bob")
        staff.run(prune=True)
        photo.unlink()
        plan = staff.plan(prune=True, prune_limit_percentage=100)
        staff.run_children(plan)
        erased = Selection(photos=frozenset({str(photo)}))
        erase = partial(erase_faces, staff.objects, staff.jobs_root, "staff", erased)
        interrupted: Any = Interrupted(staff.objects, moment, erase)
        remove_stale(plan, interrupted, staff.store, staff.store, staff.jobs_root, staff.delete)
        if not interrupted.was_interrupted:
            break
        assert files_with(staff.objects, staff.jobs_root, photo.name) == []
    assert moment > 10
