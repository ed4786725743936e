"""Jobs of one collection that overlap end as if the one that was started last came last."""

from __future__ import annotations

import copy
import fcntl
import itertools
import json
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from facerec.errors import AccessDeniedError
from facerec.jobs.concurrent_versions import memory_of
from facerec.jobs.person_names import name_rule
from facerec.jobs.plan import Plan
from tests.support.indexed_folder import Collection, EtagObjects
from tests.support.interposed import Interposed
from tests.support.long import mostly_long, rarely_short
from tests.support.moments import every_nth

Ids = Sequence[str | None]
"""External image ids of the photos of a manifest, in order."""


@pytest.fixture(autouse=True)
def no_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write without waiting for the disk."""
    monkeypatch.setattr("facerec.storage.objects.local_writing.flush", lambda _: None)


@pytest.fixture
def new_staff(tmp_path: Path) -> Callable[[], Collection]:
    """Return a function that returns a new collection of two photos."""
    numbers = itertools.count()

    def new() -> Collection:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        staff = Collection(folder, EtagObjects())
        staff.photo("a.jpg", "ann")
        staff.photo("b.jpg", "bob")
        return staff

    return new


@pytest.fixture
def staff(new_staff: Callable[[], Collection]) -> Collection:
    return new_staff()


def manifest(staff: Collection, *ids: str | None, photo: str = "a.jpg") -> Path:
    """Write a manifest that names one photo by external image ids."""
    path = staff.folder / f"{photo}-{'-'.join(map(str, ids))}.jsonl"
    entries = ({"image": str(staff.photos / photo), "external_image_id": own} for own in ids)
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    return path


def ids(staff: Collection) -> list[str]:
    return sorted(str(face.external_image_id) for face in staff.store.list_faces("staff"))


EARLIER: list[list[tuple[str, ...]]] = [[], [("old",)], [("first",)], [("last",)]]


@pytest.mark.parametrize("earlier", EARLIER, ids=lambda given: given[0][0] if given else "none")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first ends first", "last ends first"])
def test_the_id_of_the_job_that_was_started_last_stays(
    staff: Collection, earlier: list[tuple[str, ...]], order: tuple[int, int]
) -> None:
    for names in earlier:
        staff.run(manifest(staff, *names))
    plans = [staff.plan(manifest(staff, name)) for name in ("first", "last")]
    for place in order:
        staff.complete(plans[place])
    assert ids(staff) == ["last"]
    staff.run(manifest(staff, "last"))
    assert ids(staff) == ["last"]


def is_locked(jobs_root: str) -> bool:
    """Return whether somebody has the lock of the job folders (``folder_lock``)."""
    folder = os.open(jobs_root, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(folder)
    return False


def interleaved(
    new_staff: Callable[[], Collection],
    prepare: Callable[[Collection], tuple[Plan, Plan]],
    step: int = 4,
) -> Iterator[Collection]:
    """Yield collections in which a job was completed during another, at each ``step``-th call.

    Calls during which the other job would have to wait for the lock of the job folders are omitted.
    """
    for moment in itertools.count(0, step):
        staff = new_staff()
        slow, quick = prepare(staff)
        completed: list[Plan] = []

        def complete() -> None:
            if not is_locked(staff.jobs_root):  # noqa: B023
                completed.append(staff.complete(quick))  # noqa: B023

        interposed = Interposed(moment, complete)
        other = copy.copy(staff)
        other.objects, other.store = interposed.wrap(staff.objects), interposed.wrap(staff.store)
        other.complete(slow)
        if not interposed.happened:
            break
        if completed:
            yield staff
    assert moment > 20


@pytest.mark.parametrize("earlier", rarely_short(["none", "old", "last"], "old"))
@pytest.mark.parametrize("slow", mostly_long([0, 1], 1), ids=["slow first", "slow last"])
def test_one_id_stays_whenever_the_other_job_is_completed(
    new_staff: Callable[[], Collection], slow: int, earlier: str
) -> None:
    def prepare(staff: Collection) -> tuple[Plan, Plan]:
        if earlier != "none":
            staff.run(manifest(staff, earlier))
        plans = [staff.plan(manifest(staff, name)) for name in ("first", "last")]
        return plans[slow], plans[1 - slow]

    for staff in interleaved(new_staff, prepare):
        assert ids(staff) == ["last"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first ends first", "last ends first"])
def test_people_get_the_face_under_the_id_that_stays(
    staff: Collection, order: tuple[int, int]
) -> None:
    staff.run(manifest(staff, "old"))
    gallery = staff.gallery()
    gallery.create_user("staff", "ann")
    face = next(iter(staff.store.list_faces("staff")))
    gallery.associate_faces("staff", "ann", [face.face_id], min_similarity=0)
    plans = [staff.plan(manifest(staff, name)) for name in ("first", "last")]
    for place in order:
        staff.complete(plans[place])
    (face,) = staff.store.list_faces("staff")
    assert face.external_image_id == "last"
    assert staff.store.get_user("staff", "ann").face_ids == (face.face_id,)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first ends first", "last ends first"])
def test_all_ids_of_the_job_that_was_started_last_stay(
    staff: Collection, order: tuple[int, int]
) -> None:
    staff.run(manifest(staff, "one", "two"))
    plans = [staff.plan(manifest(staff, *names)) for names in (("one", "four"), ("two", "three"))]
    for place in order:
        staff.complete(plans[place])
    assert ids(staff) == ["three", "two"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first ends first", "last ends first"])
@pytest.mark.parametrize("name", ["chosen", "a.jpg"])
def test_a_folder_beside_a_manifest_does_not_replace_the_id_that_was_chosen(
    staff: Collection, order: tuple[int, int], name: str
) -> None:
    (staff.photos / "b.jpg").unlink()
    plans = [staff.plan(manifest(staff, name)), staff.plan(external_ids="none")]
    for place in order:
        staff.complete(plans[place])
    assert ids(staff) == [name]
    staff.run(external_ids="none")
    assert ids(staff) == [name]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first ends first", "last ends first"])
def test_an_id_that_is_chosen_replaces_none_of_a_folder_that_was_started_before(
    staff: Collection, order: tuple[int, int]
) -> None:
    (staff.photos / "b.jpg").unlink()
    plans = [staff.plan(external_ids="none"), staff.plan(manifest(staff, "chosen"))]
    for place in order:
        staff.complete(plans[place])
    assert ids(staff) == ["chosen"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_of_three_jobs_the_last_one_decides(staff: Collection, order: tuple[int, int, int]) -> None:
    staff.run(manifest(staff, "one"))
    plans = [staff.plan(manifest(staff, name)) for name in ("two", "three", "one")]
    for place in order:
        staff.complete(plans[place])
    assert ids(staff) == ["one"]


def test_a_photo_that_only_the_other_job_can_read_keeps_its_id(
    staff: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = [staff.plan(manifest(staff, name)) for name in ("first", "last")]
    staff.complete(plans[0])
    fetch = type(staff.objects).fetch

    def deny(objects: object, uri: str, **settings: object) -> object:
        if uri.endswith("a.jpg"):
            raise AccessDeniedError(uri)
        return fetch(objects, uri, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(type(staff.objects), "fetch", deny)
    staff.complete(plans[1])
    assert ids(staff) == ["first"]


def test_jobs_that_are_started_at_the_same_moment_have_different_numbers(
    staff: Collection,
) -> None:
    staff.plan(manifest(staff, "none"))
    plans = [staff.plan(manifest(staff, name)) for name in ("first", "second")]
    for moment in itertools.count():
        interposed = Interposed(
            moment,
            lambda: memory_of(plans[1], staff.objects, staff.jobs_root).record_start(plans[1]),
        )
        other = memory_of(plans[0], interposed.wrap(staff.objects), staff.jobs_root)
        other.record_start(plans[0])
        memory = memory_of(plans[0], staff.objects, staff.jobs_root)
        numbers = {memory.number_of(plan.job_id) for plan in plans}
        assert len(numbers) == 2
        assert None not in numbers
        if not interposed.happened:
            break
    assert moment > 3


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first ends first", "last ends first"])
@pytest.mark.parametrize("last", [1, 100], ids=["fewer faces last", "more faces last"])
def test_after_jobs_with_other_options_the_same_run_again_has_its_faces(
    staff: Collection, order: tuple[int, int], last: int
) -> None:
    staff.photo("a.jpg", "ann", "eve")
    plans = [staff.plan(options={"max_faces": limit}) for limit in (101 - last, last)]
    for place in order:
        staff.complete(plans[place])
    assert set(staff.sources()) == {"a.jpg", "b.jpg"}
    staff.run(options={"max_faces": last})
    assert staff.sources() == {"a.jpg": min(last, 2), "b.jpg": 1}


@pytest.mark.parametrize("slow", mostly_long([0, 1], 1), ids=["slow first", "slow last"])
@pytest.mark.parametrize("prune", [(True, True), (True, False)])
def test_a_job_that_prunes_leaves_what_another_adds_meanwhile(
    new_staff: Callable[[], Collection], slow: int, prune: tuple[bool, bool]
) -> None:
    def prepare(staff: Collection) -> tuple[Plan, Plan]:
        staff.photo("old.jpg", "old")
        staff.run()
        (staff.photos / "old.jpg").unlink()
        first = staff.plan(prune=prune[0])
        staff.photo("new.jpg", "new")
        plans = [first, staff.plan(prune=prune[1])]
        return plans[slow], plans[1 - slow]

    for staff in interleaved(new_staff, prepare, step=29):
        assert staff.sources() == {"a.jpg": 1, "b.jpg": 1, "new.jpg": 1}


@pytest.mark.parametrize("slow", [0, 1], ids=["slow first", "slow last"])
def test_a_photo_that_is_back_during_a_job_that_prunes_it_stays(
    new_staff: Callable[[], Collection], slow: int
) -> None:
    def prepare(staff: Collection) -> tuple[Plan, Plan]:
        staff.photo("old.jpg", "old")
        staff.run()
        (staff.photos / "old.jpg").unlink()
        first = staff.plan(prune=True)
        staff.photo("old.jpg", "old")
        plans = [first, staff.plan()]
        return plans[slow], plans[1 - slow]

    for staff in interleaved(new_staff, prepare, step=29):
        assert staff.sources() == {"a.jpg": 1, "b.jpg": 1, "old.jpg": 1}


def enrol(staff: Collection) -> None:
    """Create a person of each folder of photos, as ``--person-from folder`` does."""
    name_of = name_rule("folder", str(staff.photos), staff.objects)
    staff.gallery().enrol_people("staff", name_of)


@pytest.mark.parametrize("slow", [0, 1], ids=["slow first", "slow last"])
@pytest.mark.parametrize("source", ["", "ann"], ids=["same photos", "a part of them"])
def test_people_of_folders_have_their_faces_whatever_other_run_ends_meanwhile(
    new_staff: Callable[[], Collection], slow: int, source: str
) -> None:
    """Two runs with other options, each of which creates the people at its end."""
    names = ("ann/1.jpg", "ann/2.jpg", "bob/1.jpg", "bob/2.jpg")
    for moment in every_nth(f"people {slow} {source}", 61):
        staff = new_staff()
        for left in ("a.jpg", "b.jpg"):
            (staff.photos / left).unlink()
        for name in names:
            staff.photo(name, name.partition("/")[0])
        plans = [
            staff.plan(options={"max_faces": 1}),
            staff.plan(staff.photos / source, options={"max_faces": 2}),
        ]

        def complete(staff: Collection, plan: Plan) -> None:
            if not is_locked(staff.jobs_root):
                staff.complete(plan)
                enrol(staff)

        interposed = Interposed(moment, partial(complete, staff, plans[1 - slow]))
        other = copy.copy(staff)
        other.objects, other.store = interposed.wrap(staff.objects), interposed.wrap(staff.store)
        complete(other, plans[slow])
        if not staff.rows(plans[1 - slow]):
            # It would have had to wait for the lock.
            complete(staff, plans[1 - slow])
        stored = {face.face_id: face.source for face in staff.store.list_faces("staff")}
        held = {
            user.name: sorted(stored[face_id] for face_id in user.face_ids)
            for user in staff.store.list_users("staff")
        }
        photos = [str(staff.photos / name) for name in names]
        assert sorted(stored.values()) == photos
        assert held == {"ann": photos[:2], "bob": photos[2:]}
        assert [len(staff.rows(plan)) for plan in plans] == [4, 2 if source else 4]
        if not interposed.happened:
            break
    assert moment > 20
