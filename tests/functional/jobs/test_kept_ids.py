"""A folder or a list without ids keeps the external image ids that somebody chose before."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from facerec.jobs.difference import Removal
from facerec.jobs.ledger.removal_record import read_removal
from facerec.jobs.plan import Plan
from facerec.jobs.remembered.stale_photos import StalePhoto, stale_photo_of_line
from facerec.jobs.stale_faces import remove_stale
from tests.support.indexed_folder import Collection, EtagObjects
from tests.support.long import rarely_short
from tests.support.moments import moments

Lines = Sequence[tuple[str, str | None]]


@pytest.fixture(autouse=True)
def no_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write without waiting for the disk."""
    monkeypatch.setattr("facerec.storage.objects.local_writing.flush", lambda _: None)


@pytest.fixture(params=rarely_short([False, True], False), ids=["files", "etags"])
def staff(tmp_path: Path, request: pytest.FixtureRequest) -> Collection:
    staff = Collection(tmp_path, EtagObjects()) if request.param else Collection(tmp_path)
    for name in ("ann/1.jpg", "ann/2.jpg", "bob/1.jpg"):
        staff.photo(name, name)
    return staff


def manifest(staff: Collection, *lines: tuple[str, str | None]) -> Path:
    path = staff.folder / f"{abs(hash(lines))}.jsonl"
    entries = (
        {"image": str(staff.photos / name)} | ({"external_image_id": own} if own else {})
        for name, own in lines
    )
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    return path


def ids(staff: Collection) -> dict[str, list[str | None]]:
    """Return the external image ids of each photo's faces."""
    found: dict[str, list[str | None]] = {}
    for face in staff.store.list_faces("staff"):
        name = face.source.removeprefix(f"{staff.photos}/")
        found.setdefault(name, []).append(face.external_image_id)
    return {name: sorted(own, key=str) for name, own in sorted(found.items())}


def kept(plan: Plan) -> int:
    assert plan.difference is not None
    return plan.difference.kept_ids


CHOSEN = (("ann/1.jpg", "chosen"), ("bob/1.jpg", "bob"))
"""The second id repeats the name of the photo's folder."""

WITH_CHOSEN = {"ann/1.jpg": ["chosen"], "ann/2.jpg": ["ann:2.jpg"], "bob/1.jpg": ["bob"]}


def test_photos_of_a_folder_keep_the_ids_that_a_manifest_chose(staff: Collection) -> None:
    staff.run()
    staff.run(manifest(staff, *CHOSEN))
    for number in range(4):
        plan = staff.run()
        assert ids(staff) == WITH_CHOSEN, number
        assert (kept(plan), plan.children) == (2, 0)
        assert read_removal(staff.objects, plan.job_folder) in (None, Removal())
        assert staff.read() == []
        again = staff.run(manifest(staff, *CHOSEN))
        assert ids(staff) == WITH_CHOSEN
        assert kept(again) == 0


@pytest.mark.parametrize("settings", [{"force": True}, {"options": {"max_faces": 1}}, {}])
def test_photos_that_are_read_again_keep_them_too(
    staff: Collection, settings: dict[str, object]
) -> None:
    staff.run()
    staff.run(manifest(staff, *CHOSEN))
    staff.photo("ann/1.jpg", "ann/1.jpg", "eve")
    staff.photo("bob/1.jpg", "bob/1.jpg", "eve")
    assert kept(staff.run(**settings)) == 2
    twice = {"ann/1.jpg": ["chosen"] * 2, "bob/1.jpg": ["bob"] * 2}
    if "options" in settings:
        twice = {"ann/1.jpg": ["chosen"], "bob/1.jpg": ["bob"]}
    assert ids(staff) == WITH_CHOSEN | twice
    for rule in ("path", "none"):
        staff.run(external_ids=rule, **settings)
        assert {name: own for name, own in ids(staff).items() if name in twice} == twice


def test_a_list_without_ids_keeps_them_too(staff: Collection) -> None:
    staff.run(manifest(staff, *CHOSEN))
    plan = staff.run(manifest(staff, *((name, None) for name in WITH_CHOSEN)))
    assert kept(plan) == 2
    assert ids(staff) == WITH_CHOSEN | {"ann/2.jpg": [None]}


def test_a_manifest_that_names_other_ids_replaces_them_even_by_those_of_the_folder(
    staff: Collection,
) -> None:
    staff.run()
    staff.run(manifest(staff, *CHOSEN))
    plan = staff.run(manifest(staff, ("ann/1.jpg", "ann:1.jpg"), ("bob/1.jpg", "bob")))
    assert ids(staff) == WITH_CHOSEN | {"ann/1.jpg": ["ann:1.jpg"]}
    assert read_removal(staff.objects, plan.job_folder) == Removal(1, 1, renamed=1)
    for rule in ("path", "folder", "path"):
        staff.run(external_ids=rule)
        assert ids(staff)["ann/1.jpg"] == ["ann:1.jpg"]
        assert ids(staff)["bob/1.jpg"] == ["bob"]


def test_a_photo_keeps_all_ids_of_a_manifest(staff: Collection) -> None:
    both = manifest(staff, ("ann/1.jpg", "ann:1.jpg"), ("ann/1.jpg", "second"))
    staff.run()
    staff.run(both)
    for _ in range(2):
        staff.run()
        assert ids(staff)["ann/1.jpg"] == ["ann:1.jpg", "second"]
    staff.photo("ann/1.jpg", "somebody else")
    staff.run()
    assert ids(staff)["ann/1.jpg"] == ["ann:1.jpg", "second"]


def test_an_id_that_a_run_over_the_folder_would_derive_too_stays_chosen(
    staff: Collection,
) -> None:
    staff.run(manifest(staff, ("ann/1.jpg", "ann:1.jpg"), ("bob/1.jpg", "bob")))
    staff.run(external_ids="folder", force=True)
    staff.run(external_ids="path")
    assert ids(staff)["bob/1.jpg"] == ["bob"]
    staff.photo("ann/1.jpg", "ann/1.jpg", "eve")
    staff.run(external_ids="path")
    staff.run(external_ids="none")
    assert ids(staff)["ann/1.jpg"] == ["ann:1.jpg"] * 2


@pytest.mark.parametrize("rule", ["none", "folder"])
def test_the_id_of_a_single_photo_was_not_chosen(tmp_path: Path, rule: str) -> None:
    staff = Collection(tmp_path)
    staff.photo("ann/1.jpg", "ann/1.jpg")
    staff.run(staff.photos / "ann/1.jpg", external_ids=rule)
    plan = staff.run()
    assert kept(plan) == 0
    assert ids(staff)["ann/1.jpg"] == ["ann:1.jpg"]


def test_a_photo_is_there_once_after_each_run_of_any_sequence(staff: Collection) -> None:
    sources: list[tuple[Path | None, dict[str, object]]] = [
        (None, {}),
        (None, {"external_ids": "folder"}),
        (manifest(staff, ("ann/1.jpg", "one"), ("bob/1.jpg", "bob")), {}),
        (manifest(staff, ("ann/1.jpg", "ann:1.jpg"), ("bob/1.jpg", "two")), {}),
    ]
    orders = list(itertools.permutations(range(len(sources))))
    for chosen in moments(len(orders), sample=6):
        order = orders[chosen]
        for number in order:
            source, settings = sources[number]
            staff.run(source, **settings)
            counted = {name: len(own) for name, own in ids(staff).items()}
            assert set(counted.values()) == {1}, order


@pytest.mark.parametrize(("name", "is_chosen"), [("one", True), ("ann:1.jpg", False), ("", False)])
def test_a_stale_photo_of_an_earlier_release_shows_whether_its_id_was_chosen(
    name: str, is_chosen: bool
) -> None:
    photo = StalePhoto("/photos/ann/1.jpg", name, "1", "key", 1, False, has_chosen_id=is_chosen)
    document = json.loads(photo.to_line())
    del document["has_chosen_id"]
    assert stale_photo_of_line(json.dumps(document)) == photo


def test_photos_that_move_and_are_pruned_are_there_once(staff: Collection) -> None:
    staff.run()
    staff.run(manifest(staff, *CHOSEN))
    (staff.photos / "ann/1.jpg").rename(staff.photos / "moved.jpg")
    plan = staff.run()
    assert Counter(len(own) for own in ids(staff).values()) == {1: 3}
    assert read_removal(staff.objects, plan.job_folder) == Removal(1, 1, moved=1)
    (staff.photos / "bob/1.jpg").unlink()
    plan = staff.run(prune=True)
    assert sorted(ids(staff)) == ["ann/2.jpg", "moved.jpg"]
    assert read_removal(staff.objects, plan.job_folder) == Removal(1, 1)


def test_photos_that_an_earlier_release_put_under_both_ids_lose_the_derived_one(
    staff: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("facerec.jobs.remembered.comparison._Merge._kept_ids", lambda *_: [])
        staff.run()
        staff.run(manifest(staff, ("ann/1.jpg", "chosen")))
        plan = staff.plan()
        staff.run_children(plan)
        earlier.setattr("facerec.jobs.stale_faces.with_concurrent_ids", lambda listed, *_: listed)
        remove_stale(plan, staff.objects, staff.store, staff.store, staff.jobs_root, staff.delete)
    assert ids(staff)["ann/1.jpg"] == ["ann:1.jpg", "chosen"]
    plan = staff.run()
    assert ids(staff)["ann/1.jpg"] == ["chosen"]
    assert read_removal(staff.objects, plan.job_folder) == Removal(1, 1, renamed=1)


def test_an_interrupted_run_of_the_folder_goes_on_with_the_chosen_ids(staff: Collection) -> None:
    staff.run()
    staff.run(manifest(staff, ("ann/1.jpg", "one"), ("ann/2.jpg", "two"), ("bob/1.jpg", "bob")))
    for name in WITH_CHOSEN:
        staff.photo(name, name, "eve")
    interrupted = staff.interrupt(staff.plan(), 1)
    plan = staff.run()
    assert plan.job_id == interrupted.job_id
    assert ids(staff) == {
        "ann/1.jpg": ["one"] * 2,
        "ann/2.jpg": ["two"] * 2,
        "bob/1.jpg": ["bob"] * 2,
    }
    assert len(staff.rows(plan)) == 3
