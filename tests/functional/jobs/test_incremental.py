"""A run looks only at what is new or changed since earlier runs of its collection."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from facerec.core.records import new_collection
from facerec.errors import InvalidInputError
from facerec.jobs.child.attempt import run_child
from facerec.jobs.concurrent_versions import is_removal_due, memory_of
from facerec.jobs.difference import Difference
from facerec.jobs.outcomes import Outcome
from facerec.jobs.plan import Plan
from facerec.jobs.remembered.ended_jobs import LOCAL_END
from facerec.jobs.remembered.memory import MERGED_FROM
from facerec.jobs.remembered.tombstones import erasures_with_tombstones, read_tombstones
from facerec.jobs.stale_faces import remove_stale
from facerec.jobs.start_order import read_start, write_start
from facerec.jobs.verifying.job_check import verify_collection
from tests.support.indexed_folder import Collection, CountingObjects, EtagObjects, deny

OLD = 1_600_000_000


@pytest.fixture
def staff(tmp_path: Path) -> Collection:
    collection = Collection(tmp_path)
    collection.photo("a.jpg", "ann")
    collection.photo("b.jpg", "bob", "eve")
    collection.photo("nobody.jpg")
    collection.photo("notes.txt")
    (collection.photos / "broken.jpg").write_bytes(b"no photo")
    return collection


def numbers(plan: Plan) -> Difference:
    assert plan.difference is not None
    return plan.difference


def test_an_unchanged_folder_is_the_same_job_and_no_photo_is_read(staff: Collection) -> None:
    first = staff.run()
    assert staff.read() == ["a.jpg", "b.jpg", "broken.jpg", "nobody.jpg"]
    assert numbers(first) == Difference(photos=5, new=5)
    assert staff.run() == first
    assert staff.read() == []


def test_only_a_new_photo_is_read(staff: Collection) -> None:
    first = staff.run()
    staff.photo("sub/c.jpg", "cid")
    second = staff.run()
    assert staff.read() == ["c.jpg"]
    assert second.job_id != first.job_id
    assert numbers(second) == Difference(photos=6, unchanged=5, new=1, failed=1)
    assert [row.outcome for row in staff.rows(second)] == [Outcome.INDEXED]
    assert staff.run() == second
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 2, "c.jpg": 1}


def test_a_replaced_photo_replaces_its_faces(staff: Collection) -> None:
    staff.run()
    staff.photo("b.jpg", "zoe")
    second = staff.run()
    assert staff.read() == ["b.jpg"]
    assert numbers(second) == Difference(photos=5, unchanged=4, changed=1, failed=1)
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 1}
    assert staff.run() == second


def test_a_photo_that_is_replaced_and_then_restored_is_looked_at_each_time(
    staff: Collection,
) -> None:
    staff.run()
    path = staff.photos / "a.jpg"
    before, times = path.read_bytes(), path.stat()
    staff.photo("a.jpg", "zoe", "max")
    staff.run()
    path.write_bytes(before)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    third = staff.run()
    assert staff.read() == ["a.jpg"]
    assert numbers(third).changed == 1
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 2}


def test_a_photo_that_was_only_touched_keeps_its_faces(staff: Collection) -> None:
    staff.run()
    faces = staff.store.list_faces("staff")
    os.utime(staff.photos / "a.jpg")
    staff.run()
    assert staff.read() == ["a.jpg"]
    assert staff.store.list_faces("staff") == faces
    staff.run()
    assert staff.read() == []


def test_other_options_look_at_all_photos_again(staff: Collection) -> None:
    staff.run()
    second = staff.run(options={"max_faces": 1})
    assert numbers(second) == Difference(photos=5, unchanged=1, changed=4)
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 1}


def test_photos_that_are_gone_keep_their_faces_until_they_are_pruned(staff: Collection) -> None:
    staff.run()
    (staff.photos / "b.jpg").unlink()
    second = staff.run()
    assert numbers(second) == Difference(photos=4, unchanged=4, gone=1, failed=1)
    assert second.children == 0
    assert staff.people() == 3
    third = staff.run(prune=True)
    assert staff.sources() == {"a.jpg": 1}
    assert not any(
        row.faces and b"b.jpg" in path.read_bytes()
        for path in Path(staff.jobs_root).rglob("*.npz")
        for row in staff.rows(third)
    )
    assert staff.run(prune=True) == third
    staff.photo("c.jpg", "cid")
    assert numbers(staff.run(prune=True)).gone == 0


def test_a_pruned_photo_that_comes_back_is_indexed_again(staff: Collection) -> None:
    staff.run()
    content = (staff.photos / "b.jpg").read_bytes()
    (staff.photos / "b.jpg").unlink()
    staff.run(prune=True)
    (staff.photos / "b.jpg").write_bytes(content)
    staff.run()
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 2}


def test_faces_of_replaced_and_pruned_photos_do_not_count_as_deleted(staff: Collection) -> None:
    def differences() -> tuple[int, int, int]:
        found = verify_collection(
            "staff", staff.objects, staff.jobs_root, staff.store, staff.store, repair=False
        )
        return found.deleted, found.missing, found.extra

    first = staff.run()
    content = (staff.photos / "b.jpg").read_bytes()
    (staff.photos / "b.jpg").unlink()
    staff.run(prune=True)
    assert Outcome.REMOVED in {row.outcome for row in staff.rows(first)}
    assert differences() == (0, 0, 0)
    (staff.photos / "b.jpg").write_bytes(content)
    staff.run()
    staff.photo("b.jpg", "somebody else")
    staff.run()
    assert differences() == (0, 0, 0)
    (face,) = [face for face in staff.store.list_faces("staff") if face.source.endswith("b.jpg")]
    staff.erase(face.face_id)
    assert differences() == (1, 0, 0)


@pytest.mark.parametrize("back_before_the_next_run", [True, False])
@pytest.mark.parametrize("objects", [CountingObjects, EtagObjects])
def test_pruning_leaves_no_tombstone_that_a_lost_database_would_get_back(
    staff: Collection, objects: type[CountingObjects], *, back_before_the_next_run: bool
) -> None:
    """A removal is recorded for older copies, but the photo may come back with its faces."""
    staff.objects = objects()
    staff.run()
    photo = staff.photos / "b.jpg"
    content = photo.read_bytes()
    photo.unlink()
    staff.run(prune=True)
    records = erasures_with_tombstones(staff.objects, staff.jobs_root, "staff").values()
    assert [copy.places for copy in read_tombstones(staff.objects, records)] == [{}]

    staff.lose_database()
    if not back_before_the_next_run:
        staff.run(prune=True)
        assert staff.sources() == {"a.jpg": 1}
    photo.write_bytes(content)
    staff.run()
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 2}
    staff.run()
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 2}


def test_pruning_looks_for_photos_once_more(staff: Collection) -> None:
    """A listing may have missed a photo that was renamed while it was made."""
    staff.run()
    content = (staff.photos / "b.jpg").read_bytes()
    (staff.photos / "b.jpg").unlink()
    plan = staff.plan(prune=True)
    (staff.photos / "b.jpg").write_bytes(content)
    remove_stale(plan, staff.objects, staff.store, staff.store, staff.jobs_root, staff.delete)
    assert staff.people() == 3


def test_a_copy_keeps_the_faces_of_a_photo_that_is_gone(staff: Collection) -> None:
    lines = "image,external_image_id\nphotos/a.jpg,ann\ncopy.jpg,ann\n"
    staff.photo("../copy.jpg", "ann")
    (staff.folder / "list.csv").write_text(lines)
    staff.run(staff.folder / "list.csv")
    (staff.photos / "a.jpg").unlink()
    staff.run(prune=True, prune_limit_percentage=100)
    named = {face.external_image_id for face in staff.store.list_faces("staff")}
    assert "ann" in named


def test_a_moved_photo_has_its_new_address(staff: Collection) -> None:
    staff.photo("ann/1.jpg", "ann")
    staff.run(external_ids="folder")
    before = {face.face_id: face.source for face in staff.store.list_faces("staff")}
    (staff.photos / "ann" / "1.jpg").rename(staff.photos / "ann" / "2.jpg")
    staff.run(external_ids="folder", prune=True)
    assert staff.read() == ["2.jpg"]
    after = {face.face_id: face.source for face in staff.store.list_faces("staff")}
    assert set(after) == set(before)
    assert str(staff.photos / "ann" / "2.jpg") in after.values()
    assert str(staff.photos / "ann" / "1.jpg") not in after.values()


def test_pruning_most_photos_is_refused(staff: Collection) -> None:
    staff.run()
    for name in ("a.jpg", "b.jpg", "nobody.jpg"):
        (staff.photos / name).unlink()
    with pytest.raises(
        InvalidInputError, match=r"3 of 5 photos of .* are gone, more than the 50 %"
    ):
        staff.run(prune=True)
    assert staff.people() == 3
    staff.run(prune=True, prune_limit_percentage=60)
    assert staff.people() == 0


def test_photos_outside_the_folder_are_not_gone(staff: Collection) -> None:
    staff.photo("x/c.jpg", "cid")
    staff.photo("y/d.jpg", "dan")
    staff.run()
    plan = staff.run(staff.photos / "x", prune=True)
    assert numbers(plan).gone == 0
    assert staff.people() >= 5


def test_excluded_photos_are_not_gone(staff: Collection) -> None:
    staff.run()
    plan = staff.run(exclude=["b*"], prune=True)
    assert (numbers(plan).photos, numbers(plan).gone) == (3, 0)
    assert staff.people() == 3


def test_a_failed_photo_is_tried_again_where_asked_for(staff: Collection) -> None:
    first = staff.run()
    assert staff.run() == first
    second = staff.run(retry_failures=True)
    assert staff.read() == ["broken.jpg"]
    assert numbers(second) == Difference(photos=5, unchanged=4, retried=1)


def test_a_photo_that_can_be_read_now_is_tried_again(
    staff: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        deny(staff, "a.jpg", patched)
        first = staff.run()
        assert staff.run() == first
    second = staff.run()
    assert staff.read() == ["a.jpg"]
    assert numbers(second) == Difference(photos=5, unchanged=4, retried=1, failed=1)
    assert staff.people() == 3


def test_a_deletion_keeps_what_is_remembered_for_a_long_time(
    staff: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff.run()
    staff.run(collection_id="guests")
    monkeypatch.setattr("facerec.jobs.erasing.leftovers.ABANDONED_AFTER", 0.0)
    staff.erase(staff.store.list_faces("staff")[0].face_id)
    staff.run(collection_id="guests")
    assert staff.read() == []


def test_what_complete_children_did_is_remembered_of_an_abandoned_job(staff: Collection) -> None:
    for number in range(8):
        staff.photo(f"x{number}.jpg", f"person {number}")
    first = staff.plan(images_per_child=4)
    run_child(first, 0, staff.dependencies())
    staff.photo("z.jpg", "zoe")
    second = staff.run(images_per_child=4)
    assert numbers(second).unchanged == 4
    assert numbers(second).photos == 14
    assert staff.people() == 12


def test_many_runs_are_merged_and_remember_the_same(staff: Collection) -> None:
    staff.run()
    for number in range(30):
        staff.photo(f"x{number}.jpg", f"person {number}")
        staff.run()
        assert staff.read() == [f"x{number}.jpg"]
    notes = [path.name for path in Path(staff.jobs_root, "remembered@staff").rglob("*-*")]
    assert any(name.endswith("-merged") for name in notes)
    assert len(notes) < 30


def test_a_lost_or_damaged_memory_costs_looking_again(staff: Collection) -> None:
    staff.run()
    (remembered,) = Path(staff.jobs_root).glob("*/remembered/*")
    remembered.write_bytes(remembered.read_bytes()[:50] + b"\n\xff\t\n" + b"\t" * 9)
    staff.photo("c.jpg", "cid")
    staff.run()
    assert len(staff.read()) >= 2
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 2, "c.jpg": 1}


@pytest.fixture
def interrupted(staff: Collection) -> Callable[[int], Plan]:
    """Return a function that runs a job of the same photos until a number of them is committed."""
    return lambda photos: staff.interrupt(staff.plan(images_per_child=100), photos)


def test_a_job_that_is_resumed_after_another_read_a_replaced_photo_leaves_the_new_faces(
    staff: Collection, interrupted: Callable[[int], Plan]
) -> None:
    first = interrupted(2)
    staff.photo("b.jpg", "zoe")
    second = staff.run()
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 1}
    assert (numbers(second).unchanged, numbers(second).changed) == (1, 1)
    assert is_removal_due(first, staff.objects, staff.jobs_root)
    staff.complete(first)
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 1}
    assert not is_removal_due(first, staff.objects, staff.jobs_root)


def test_a_job_is_resumed_after_the_clock_was_set_back_behind_its_collection(
    staff: Collection, interrupted: Callable[[int], Plan]
) -> None:
    created_at = time.time() + 5_000
    staff.store.create_collection(new_collection("staff", staff.engine.model_version, created_at))
    first = interrupted(2)
    assert staff.plan(images_per_child=100) == first
    staff.complete(first)
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 2}


def test_of_two_jobs_that_read_versions_of_a_photo_the_last_to_end_leaves_the_new_faces(
    staff: Collection, interrupted: Callable[[int], Plan]
) -> None:
    first = interrupted(2)
    staff.photo("b.jpg", "zoe")
    second = staff.plan()
    staff.complete(first)
    staff.complete(second)
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 1}


def test_the_version_at_the_address_counts_and_not_which_job_was_planned_last(
    staff: Collection, interrupted: Callable[[int], Plan]
) -> None:
    first = interrupted(1)
    staff.run()
    staff.photo("b.jpg", "zoe")
    staff.complete(first)
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 1}


def test_a_photo_that_was_replaced_between_two_jobs_keeps_faces_that_a_copy_has(
    staff: Collection, interrupted: Callable[[int], Plan]
) -> None:
    staff.photo("copy.jpg", "bob", "eve")
    first = interrupted(2)
    staff.photo("b.jpg", "zoe")
    staff.run()
    staff.complete(first)
    assert staff.people() == 4


def test_a_resumed_job_whose_run_was_merged_leaves_the_new_faces(
    staff: Collection, interrupted: Callable[[int], Plan]
) -> None:
    first = interrupted(2)
    staff.photo("b.jpg", "zoe")
    start = read_start(staff.objects, first)
    write_start(staff.objects, first.job_folder, replace(start, at=start.at - 2 * LOCAL_END))
    for number in range(MERGED_FROM + 2):
        staff.photo(f"x{number}.jpg", f"person {number}")
        staff.run()
    memory = memory_of(first, staff.objects, staff.jobs_root)
    assert memory.number_of(first.job_id) is None
    staff.complete(first)
    assert staff.sources()["b.jpg"] == 1


def test_pruning_works_in_a_folder_that_was_renamed(staff: Collection) -> None:
    staff.run()
    renamed = staff.photos.rename(staff.folder / "renamed")
    staff.run(renamed)
    (renamed / "b.jpg").unlink()
    staff.run(renamed, prune=True)
    assert staff.sources() == {"a.jpg": 1}


def test_a_photo_whose_disk_is_mounted_again_is_indexed_after_its_copy_was_pruned(
    staff: Collection,
) -> None:
    staff.run()
    copies = Path(shutil.copytree(staff.photos, staff.folder / "copies"))
    staff.run(copies)
    unmounted = staff.photos.rename(staff.folder / "unmounted")
    (copies / "b.jpg").unlink()
    staff.run(copies, prune=True)
    assert staff.sources() == {"a.jpg": 1}
    unmounted.rename(staff.photos)
    staff.run()
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 2}
    # The first folder is still that of the first job: starting it again does not cancel anything.
    staff.run(copies, prune=True)
    (staff.photos / "b.jpg").unlink()
    staff.run(prune=True)
    assert staff.sources() == {"a.jpg": 1}


def test_faces_go_with_the_last_copy_of_a_photo(staff: Collection) -> None:
    staff.run()
    copies = Path(shutil.copytree(staff.photos, staff.folder / "copies"))
    staff.run(copies)
    (copies / "b.jpg").unlink()
    staff.run(copies, prune=True)
    assert staff.people() == 3
    (staff.photos / "b.jpg").unlink()
    staff.run(prune=True)
    assert staff.sources() == {"a.jpg": 1}


def test_a_photo_that_came_and_went_since_it_was_pruned_is_pruned_again(tmp_path: Path) -> None:
    staff = Collection(tmp_path, EtagObjects())
    staff.photo("a.jpg", "ann")
    path = staff.photo("b.jpg", "bob")
    content = path.read_bytes()
    staff.run()
    path.unlink()
    first = staff.run(prune=True)
    path.write_bytes(content)
    staff.run()
    path.unlink()
    assert staff.run() == first
    staff.run(prune=True)
    assert staff.sources() == {"a.jpg": 1}


def test_pruning_by_a_manifest_is_refused(staff: Collection) -> None:
    manifest = staff.photos.parent / "photos.txt"
    manifest.write_text(f"{staff.photos}/a.jpg\n")
    with pytest.raises(InvalidInputError, match="only a folder, a prefix"):
        staff.plan(manifest, prune=True)
