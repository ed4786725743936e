"""A job that is planned while a photo is erased does not name it, whichever of both is first."""

from __future__ import annotations

import copy
import itertools
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from facerec.core.erasures import Selection
from facerec.jobs.erasing.collection_erasure import erase_collection, erase_faces
from facerec.jobs.plan import read_plan
from facerec.jobs.planning.planner import plan_job
from facerec.storage.objects import Objects, ObjectStore
from tests.support.indexed_folder import Collection
from tests.support.interposed import Interposed, KilledError
from tests.support.jobs import job_input
from tests.support.long import mostly_long
from tests.support.moments import every_nth, moments

ANN = "ann-lee.jpg"

SECONDS = 60.0
"""Maximum time for which one of the two waits for the other."""

Prepare = Callable[[], Collection]


@pytest.fixture(autouse=True)
def no_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write without waiting for the disk."""
    monkeypatch.setattr("facerec.storage.objects.local_writing.flush", lambda _: None)


def prepared(folder: Path) -> Collection:
    """Index two photos."""
    folder.mkdir()
    staff = Collection(folder)
    for name in (ANN, "bob.jpg"):
        staff.photo(name, name)
    staff.run()
    return staff


@pytest.fixture
def prepare(tmp_path: Path) -> Prepare:
    numbers = itertools.count()
    return lambda: prepared(tmp_path / str(next(numbers)))


def erase(staff: Collection, objects: ObjectStore | None = None) -> None:
    selection = Selection(photos=frozenset({f"{staff.photos}/{ANN}"}))
    erase_faces(objects or staff.objects, staff.jobs_root, "staff", selection)


def plan(staff: Collection, objects: ObjectStore | None = None, **settings: object) -> str:
    """Plan a job that names all photos in two lists: they get other ids. Return its folder."""
    other = copy.copy(staff)
    other.objects = objects or staff.objects  # type: ignore[assignment]
    return other.plan(external_ids="none", **settings).job_folder


def holders(staff: Collection) -> list[str]:
    """Return the files that name Ann's photo."""
    return [
        found.uri
        for found in staff.objects.list(staff.jobs_root)
        if ANN.encode() in staff.objects.read(found.uri)
    ]


def check(staff: Collection, job_folder: str) -> None:
    """Check that no file names Ann's photo, and that the job works and processes Bob's."""
    assert holders(staff) == []
    staff.run_children(read_plan(staff.objects, job_folder))
    assert "bob.jpg" in staff.read()
    assert ANN not in staff.read()


def test_a_plan_does_not_name_a_photo_that_is_erased_at_any_moment(prepare: Prepare) -> None:
    for moment in itertools.count(0, 2):
        staff = prepare()
        interposed = Interposed(moment, partial(erase, staff))
        folder = plan(staff, interposed.wrap(staff.objects))
        if not interposed.happened:
            break
        check(staff, folder)
    assert moment > 20


def test_a_first_job_with_an_import_is_planned_whatever_is_erased_at_any_moment(
    tmp_path: Path,
) -> None:
    for moment in itertools.count():
        folder = tmp_path / str(moment)
        folder.mkdir()
        staff = Collection(folder)
        staff.photo(ANN, ANN)
        interposed = Interposed(moment, partial(erase, staff))
        other = copy.copy(staff)
        other.objects = interposed.wrap(staff.objects)
        planned = other.plan(bulk_import=True)
        if not interposed.happened:
            break
        assert read_plan(staff.objects, planned.job_folder).bulk_import
    assert moment > 10


def test_an_erasure_finds_a_plan_that_is_stored_at_any_moment(prepare: Prepare) -> None:
    for moment in itertools.count(0, 3):
        staff, folders = prepare(), list[str]()
        interposed = Interposed(moment, lambda: folders.append(plan(staff)))  # noqa: B023
        erase(staff, interposed.wrap(staff.objects))
        if not interposed.happened:
            break
        check(staff, folders[0])
    assert moment > 20


@pytest.mark.parametrize("planned", mostly_long(range(2, 32, 3), 3))
def test_nothing_names_the_photo_if_the_plan_is_stored_in_the_middle_of_the_erasure(
    prepare: Prepare, planned: int
) -> None:
    for erased in range(planned % 6, 60, 6):
        staff = prepare()
        paused, resumed = threading.Event(), threading.Event()

        def pause() -> None:
            paused.set()  # noqa: B023
            assert resumed.wait(SECONDS)  # noqa: B023

        def erase_in_parts() -> None:
            erase(staff, Interposed(erased, pause).wrap(staff.objects))  # noqa: B023
            paused.set()  # noqa: B023

        with ThreadPoolExecutor(1) as others:
            erasures: list[Future[None]] = []

            def start() -> None:
                erasures.append(others.submit(erase_in_parts))  # noqa: B023
                assert paused.wait(SECONDS)  # noqa: B023

            folder = plan(staff, Interposed(planned, start).wrap(staff.objects))
            resumed.set()
            erasures[0].result(SECONDS)
        check(staff, folder)


@pytest.mark.parametrize("again", [{}, {"images_per_child": 7}])
def test_what_a_killed_planner_left_names_no_photo_that_was_erased_meanwhile(
    prepare: Prepare, again: dict[str, int]
) -> None:
    """The same job is planned again, or another one of the collection."""
    for moment in (1, 5, 9, 13):
        staff = prepare()
        later = Interposed(moment, killed="before")
        with pytest.raises(KilledError):
            objects = From("manifest-", staff.objects, later, partial(erase, staff))
            plan(staff, objects)  # type: ignore[arg-type]
        check(staff, staff.plan(external_ids="none", **again).job_folder)


def leave_unchecked_plan(staff: Collection) -> None:
    """Plan a job while a photo is erased; its planner is killed once the plan is stored."""
    objects = From("manifest-", staff.objects, Interposed(), partial(erase, staff))
    killed = From("/plan.json", objects, Interposed(1, killed="before"))
    with pytest.raises(KilledError):
        plan(staff, killed)  # type: ignore[arg-type]
    assert [uri for uri in holders(staff) if "/manifest-" in uri]


@pytest.mark.parametrize("killed", mostly_long(["before", "after"], 1))
@pytest.mark.parametrize("again", [{}, {"images_per_child": 7}], ids=["same job", "another job"])
def test_a_planner_that_is_killed_while_it_withdraws_a_plan_leaves_all_to_the_next_one(
    prepare: Prepare, again: dict[str, int], killed: str
) -> None:
    staff, calls = prepare(), Interposed()
    leave_unchecked_plan(staff)
    plan(staff, calls.wrap(staff.objects), **again)
    for moment in moments(calls.calls, 12):
        staff = prepare()
        leave_unchecked_plan(staff)
        with suppress(KilledError):
            plan(staff, Interposed(moment, killed=killed).wrap(staff.objects), **again)
        folder = staff.plan(external_ids="none", **again).job_folder
        check(staff, folder)
        for each in staff.objects.folders(staff.jobs_root):
            if is_job_folder(staff, each):
                assert read_plan(staff.objects, each)


def is_job_folder(staff: Collection, folder: str) -> bool:
    return any(found.uri.endswith(".json") for found in staff.objects.list(folder)) and (
        "@" not in folder
    )


def test_no_planner_loses_its_plan_to_another_one_beside_an_erasure(prepare: Prepare) -> None:
    """At any moment of a planner, a photo is erased, and then another job is planned."""
    for moment in every_nth("another planner", 3):
        staff, others = prepare(), list[str]()

        def erase_and_plan() -> None:
            erase(staff)  # noqa: B023
            others.append(plan(staff, images_per_child=7))  # noqa: B023

        interposed = Interposed(moment, erase_and_plan)
        folder = plan(staff, interposed.wrap(staff.objects))
        if not interposed.happened:
            break
        for each in (*others, folder):
            check(staff, each)
    assert moment > 20


@pytest.mark.parametrize("again", [{}, {"images_per_child": 7}], ids=["same job", "another job"])
def test_one_planner_ends_at_any_moment_of_another_one_after_an_erasure(
    prepare: Prepare, again: dict[str, int]
) -> None:
    """One has stored its plan before the erasure, and continues while another one plans a job."""
    staff, ends, calls = prepare(), Interposed(), Interposed()
    plan(staff, From("/plan.json", staff.objects, ends))  # type: ignore[arg-type]
    plan(staff, calls.wrap(staff.objects), images_per_child=9)
    for first, other in itertools.product(moments(ends.calls, 4), moments(calls.calls, 4)):
        staff = prepare()
        paused, resumed = threading.Event(), threading.Event()

        def pause() -> None:
            paused.set()  # noqa: B023
            assert resumed.wait(SECONDS)  # noqa: B023

        with ThreadPoolExecutor(1) as others:
            objects = From("/plan.json", staff.objects, Interposed(first, pause))
            earlier = others.submit(plan, staff, objects)  # type: ignore[arg-type]
            assert paused.wait(SECONDS)
            erase(staff)

            last = Last(staff.objects)

            def resume() -> None:
                if not last.is_deleting:  # noqa: B023
                    resumed.set()  # noqa: B023
                    earlier.result(SECONDS)  # noqa: B023

            folder = plan(staff, Interposed(other, resume).wrap(last), **again)
            resumed.set()
            for each in {folder, earlier.result(SECONDS)}:
                check(staff, each)


def test_an_erasure_right_after_the_check_reaches_a_plan_in_a_folder_elsewhere(
    prepare: Prepare, tmp_path: Path
) -> None:
    for moment in every_nth("elsewhere", 4):
        staff = prepare()
        interposed = Interposed(moment, partial(erase, staff))
        elsewhere = f"{tmp_path}/elsewhere-{moment}/"
        planned = plan_job(
            job_input(staff.photos, external_ids="none"),
            interposed.wrap(staff.objects),
            staff.store,
            jobs_root=staff.jobs_root,
            model_version=staff.engine.model_version,
            job_folder=elsewhere,
        )
        if not interposed.happened:
            break
        check(staff, planned.job_folder)
        lists = list(staff.objects.list(elsewhere))
        assert not any(ANN.encode() in staff.objects.read(found.uri) for found in lists)
    assert moment > 20


def kill_before_the_plan(staff: Collection) -> str:
    """Kill a planner before it stores its plan. Return the folder of the job."""
    killed, before = Interposed(0, killed="before"), set(holders(staff))
    with pytest.raises(KilledError):
        plan(staff, From("/plan.json", staff.objects, killed))  # type: ignore[arg-type]
    (left,) = {file.rpartition("/")[0] for file in set(holders(staff)) - before}
    return f"{left}/"


@pytest.fixture(params=["one machine", "S3"])
def unplanned(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Collection]:
    """Return a collection without a job, whose job folders are on this machine or in S3."""
    staff = Collection(tmp_path)
    for name in (ANN, "bob.jpg"):
        staff.photo(name, name)
    if request.param == "one machine":
        yield staff
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        boto3.client("s3", "us-east-1").create_bucket(Bucket="bucket")
        staff.objects = Objects()  # type: ignore[assignment]
        staff.jobs_root = "s3://bucket/jobs/"
        yield staff


def test_an_erasure_erases_lists_for_which_a_killed_planner_stored_no_plan(
    unplanned: Collection,
) -> None:
    staff = unplanned
    kill_before_the_plan(staff)
    erase(staff)
    assert holders(staff) == []


@pytest.mark.parametrize("includes", [None, lambda _: False], ids=["all", "others"])
def test_a_deletion_of_a_collection_deletes_lists_for_which_a_killed_planner_stored_no_plan(
    unplanned: Collection, includes: Callable[[float], bool] | None
) -> None:
    staff = unplanned
    left = kill_before_the_plan(staff)
    erase_collection(staff.objects, staff.jobs_root, "staff", includes)
    is_kept = includes is not None
    assert bool(list(staff.objects.list(left))) == is_kept
    assert bool(holders(staff)) == is_kept


def test_what_a_killed_planner_left_is_removed_from_a_copy_and_not_from_the_original(
    prepare: Prepare, tmp_path: Path
) -> None:
    staff = prepare()
    left = kill_before_the_plan(staff)
    copied = f"{tmp_path}/copy/"
    shutil.copytree(staff.jobs_root, copied)
    selection = Selection(photos=frozenset({f"{staff.photos}/{ANN}"}))
    erase_faces(staff.objects, copied, "staff", selection)
    assert list(staff.objects.list(left.replace(staff.jobs_root, copied))) == []
    assert list(staff.objects.list(left))


class Last:
    """Objects that remember the last call.

    Attributes:
        is_deleting: Whether the caller is about to delete the plan that it has just read. The
            stores have no conditional deletion.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects, self.is_deleting = objects, False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute
        found = getattr(self._objects, name)

        def call(uri: str, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - any call
            self.is_deleting = name != "delete" and uri.endswith(("/plan.json", "/deleted.json"))
            return found(uri, *given, **named)

        return call


class From:
    """Objects that are interposed from the moment on at which a file is written."""

    def __init__(
        self,
        end: str,
        objects: ObjectStore,
        interposed: Interposed,
        happens: Callable[[], object] = lambda: None,
    ) -> None:
        self._end, self._objects, self._interposed = end, objects, interposed
        self._happens, self._is_reached = happens, False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute
        found = getattr(self._objects, name)

        def call(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - any call
            is_first = not self._is_reached and name in ("write", "write_file")
            if is_first and self._end in given[0]:
                self._is_reached = True
                self._happens()
            act = partial(found, *given, **named)
            return self._interposed.call(act) if self._is_reached else act()

        return call
