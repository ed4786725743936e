"""An erasure at any moment of what copies addresses within the memory leaves none of its photo."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from tests.support.long import rarely_short
from tests.support.moments import SEED, moments
from tests.support.remembered_jobs import Jobs

ANN = "/ann-lee.jpg"
OF_ANN = Selection(photos=frozenset({ANN}))


class Interrupted:
    """An object store that does something else before one of its calls, or only counts them."""

    def __init__(
        self,
        objects: ObjectStore,
        moment: int | None = None,
        action: Callable[[], object] = lambda: None,
    ) -> None:
        self._objects, self._moment, self._action = objects, moment, action
        self.calls = 0

    @property
    def was_interrupted(self) -> bool:
        return self._moment is not None and self.calls > self._moment

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method
        method = getattr(self._objects, name)

        def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            self.calls += 1
            if self.calls - 1 == self._moment:
                self._action()
            return method(*arguments, **options)

        return call


@pytest.fixture(autouse=True)
def few_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few notes be merged, and write without waiting for the disk."""
    monkeypatch.setattr("facerec.jobs.remembered.memory.MERGED_FROM", 3)
    monkeypatch.setattr("facerec.storage.objects.local_writing.flush", lambda _: None)


Operation = Callable[[Jobs, ObjectStore], object]


@dataclass(frozen=True)
class Prepared:
    """Jobs that are ready for an operation.

    Attributes:
        new: Returns them in a new root of a store.
        sample: Number of moments to try; fewer in S3, which costs more and behaves alike.
    """

    new: Callable[[], Jobs]
    sample: int

    def moments(self, operation: Operation) -> Iterator[int]:
        """Yield moments of an operation that is not interrupted."""
        jobs = self.new()
        counted = Interrupted(jobs.objects)
        operation(jobs, counted)
        assert counted.calls > 20
        return moments(counted.calls, self.sample)


@pytest.fixture(params=rarely_short(["local", "s3"], "local"))
def prepared(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Prepared]:
    """Jobs in each store."""
    roots = itertools.count()
    if request.param == "local":
        jobs = jobs_of_ann(tmp_path, LocalObjects(), f"{tmp_path}/jobs/")
        yield Prepared(lambda: jobs.copy(f"{tmp_path}/{next(roots)}/jobs/"), sample=20)
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="work")
        jobs = jobs_of_ann(tmp_path, S3Objects(), "s3://work/jobs/")
        yield Prepared(lambda: jobs.copy(f"s3://work/{next(roots)}/jobs/"), sample=6)


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
    prepared: Prepared, slow: Operation, quick: Operation
) -> None:
    for moment in prepared.moments(slow):
        jobs = prepared.new()
        interrupted: Any = Interrupted(jobs.objects, moment, partial(quick, jobs, jobs.objects))
        slow(jobs, interrupted)
        assert interrupted.was_interrupted
        check(jobs)


def test_a_photo_is_erased_whatever_is_merged_from_a_file_that_is_being_merged(
    prepared: Prepared,
) -> None:
    chance, in_erasures = random.Random(SEED), list(prepared.moments(erase))
    for moment in prepared.moments(merge):
        in_erasure = chance.choice(in_erasures)
        jobs = prepared.new()
        third: Any = Interrupted(jobs.objects, in_erasure, partial(merge, jobs, jobs.objects))
        second: Any = Interrupted(jobs.objects, moment, partial(erase, jobs, third))
        merge(jobs, second)
        assert second.was_interrupted, in_erasure
        check(jobs)


def test_a_merge_leaves_nothing_of_a_collection_that_is_deleted_meanwhile(
    prepared: Prepared,
) -> None:
    for moment in prepared.moments(merge):
        jobs = prepared.new()
        delete = partial(erase_collection, jobs.objects, jobs.root, "staff")
        interrupted: Any = Interrupted(jobs.objects, moment, delete)
        merge(jobs, interrupted)
        assert interrupted.was_interrupted
        assert list(jobs.objects.list(jobs.root)) == []


def test_a_merge_that_was_killed_leaves_nothing_and_is_done_by_the_next(
    prepared: Prepared,
) -> None:
    def kill() -> None:
        raise KeyboardInterrupt

    for moment in prepared.moments(merge):
        jobs = prepared.new()
        killed: Any = Interrupted(jobs.objects, moment, kill)
        with pytest.raises(KeyboardInterrupt):
            merge(jobs, killed)
        erase(jobs, jobs.objects)
        check(jobs)
        merge(jobs, jobs.objects)
        check(jobs)


class Pruned:
    """A collection of two photos, one of which is gone and about to be pruned."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.staff = staff = Collection(folder)
        self.photo = staff.photo("ann-lee.jpg", "ann")
        staff.photo("bob.jpg", "bob")
        staff.run(prune=True)
        self.photo.unlink()
        self.plan = staff.plan(prune=True, prune_limit_percentage=100)
        staff.run_children(self.plan)

    def remove_stale(self, objects: Any) -> None:  # noqa: ANN401 - an interrupted store
        staff = self.staff
        remove_stale(self.plan, objects, staff.store, staff.store, staff.jobs_root, staff.delete)

    def erase(self) -> None:
        erased = Selection(photos=frozenset({str(self.photo)}))
        erase_faces(self.staff.objects, self.staff.jobs_root, "staff", erased)


def test_a_photo_that_is_erased_while_its_removal_is_noted_is_not_named_again(
    tmp_path: Path,
) -> None:
    pruned = Pruned(tmp_path / "whole")
    counted = Interrupted(pruned.staff.objects)
    pruned.remove_stale(counted)
    assert counted.calls > 10
    for moment in moments(counted.calls, sample=8):
        pruned = Pruned(tmp_path / str(moment))
        interrupted = Interrupted(pruned.staff.objects, moment, pruned.erase)
        pruned.remove_stale(interrupted)
        assert interrupted.was_interrupted
        assert files_with(pruned.staff.objects, pruned.staff.jobs_root, pruned.photo.name) == []
