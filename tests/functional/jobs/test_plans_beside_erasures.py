"""A job that is planned while a photo is erased does not name it, whichever of both is first."""

from __future__ import annotations

import copy
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from facerec.core.erasures import Selection
from facerec.jobs.erasing.collection_erasure import erase_faces
from facerec.jobs.plan import read_plan
from facerec.storage.objects.protocol import ObjectStore
from tests.support.indexed_folder import Collection
from tests.support.interposed import Interposed, KilledError

ANN = "ann-lee.jpg"

SECONDS = 30.0
"""Maximum time for which one of the two waits for the other."""

Prepare = Callable[[], Collection]


@pytest.fixture(autouse=True)
def no_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write without waiting for the disk."""
    monkeypatch.setattr("facerec.storage.objects.local.flush", lambda _: None)


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


def plan(staff: Collection, objects: ObjectStore | None = None) -> str:
    """Plan a job that names all photos in two lists: they get other ids. Return its folder."""
    other = copy.copy(staff)
    other.objects = objects or staff.objects  # type: ignore[assignment]
    return other.plan(external_ids="none").job_folder


def check(staff: Collection, job_folder: str) -> None:
    """Check that no file names Ann's photo, and that the job works and processes Bob's."""
    holders = [
        found.uri
        for found in staff.objects.list(staff.jobs_root)
        if ANN.encode() in staff.objects.read(found.uri)
    ]
    assert holders == []
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


@pytest.mark.parametrize("planned", range(2, 32, 3))
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
            plan(staff, ErasedBefore("manifest-", staff, later))  # type: ignore[arg-type]
        check(staff, staff.plan(external_ids="none", **again).job_folder)


class ErasedBefore:
    """Objects in which a photo is erased before a file is written, and which are counted then."""

    def __init__(self, end: str, staff: Collection, later: Interposed) -> None:
        self._end, self._staff, self._later = end, staff, later
        self._is_erased = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute
        found = getattr(self._staff.objects, name)

        def call(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - any call
            is_first = not self._is_erased and name in ("write", "write_file")
            if is_first and self._end in given[0]:
                self._is_erased = True
                erase(self._staff)
            act = partial(found, *given, **named)
            return self._later.call(act) if self._is_erased else act()

        return call
