"""A run after an interrupted one does what it was asked for, and nothing that the other was."""

from __future__ import annotations

from pathlib import Path

import pytest

from facerec.jobs.difference import Difference
from facerec.jobs.ledger.layout import stale_uri
from facerec.jobs.ledger.report import write_report
from facerec.jobs.plan import Plan
from facerec.testing.engine import fake_face, fake_photo
from tests.support.indexed_folder import Collection, EtagObjects
from tests.support.jobs import LocalJob, write_manifest, write_photos
from tests.support.settled import let_files_settle


@pytest.fixture
def staff(tmp_path: Path) -> Collection:
    collection = Collection(tmp_path, EtagObjects())
    for name in ("a", "b", "c", "d"):
        collection.photo(f"{name}.jpg", f"person {name}")
    collection.run()
    return collection


def new_photos(staff: Collection, number: int = 4) -> None:
    for each in range(number):
        staff.photo(f"new-{each}.jpg", f"somebody new {each}")


def interrupted(staff: Collection, photos: int = 2, **settings: object) -> Plan:
    return staff.interrupt(staff.plan(images_per_child=100, **settings), photos)


def run(staff: Collection, **settings: object) -> Plan:
    return staff.run(images_per_child=100, **settings)


def difference(plan: Plan) -> Difference:
    assert plan.difference is not None
    return plan.difference


def test_the_same_request_resumes_the_job(staff: Collection) -> None:
    (staff.photos / "a.jpg").unlink()
    staff.photo("b.jpg", "somebody else")
    new_photos(staff)
    first = interrupted(staff, prune=True)
    assert run(staff, prune=True) == first
    assert staff.read() == ["new-1.jpg", "new-2.jpg", "new-3.jpg"]
    assert "a.jpg" not in staff.sources()
    assert staff.people() == 7


def test_a_run_that_prunes_removes_faces_after_an_interrupted_one_that_did_not(
    staff: Collection,
) -> None:
    new_photos(staff)
    (staff.photos / "a.jpg").unlink()
    first = interrupted(staff)
    second = run(staff, prune=True)
    assert second.job_id != first.job_id
    assert "a.jpg" not in staff.sources()
    assert staff.people() == 7


def test_a_run_does_not_prune_because_an_interrupted_one_was_to(staff: Collection) -> None:
    new_photos(staff)
    (staff.photos / "a.jpg").unlink()
    interrupted(staff, prune=True)
    run(staff)
    assert staff.sources()["a.jpg"] == 1
    assert staff.people() == 8


def test_a_run_does_not_prune_because_the_removal_of_a_complete_one_failed(
    staff: Collection,
) -> None:
    new_photos(staff)
    (staff.photos / "a.jpg").unlink()
    staff.photo("b.jpg", "somebody else")
    first = staff.interrupt(staff.plan(images_per_child=100, prune=True), 5)
    write_report(first, staff.objects, tolerated_failure_percentage=100)
    run(staff)
    assert staff.sources()["a.jpg"] == 1
    assert staff.sources()["b.jpg"] == 1
    assert staff.people() == 8


def test_a_run_that_forces_reads_all_photos_after_an_interrupted_one_that_did_not(
    staff: Collection,
) -> None:
    new_photos(staff)
    interrupted(staff)
    run(staff, force=True)
    assert len(staff.read()) == 8


def test_a_run_reads_no_known_photo_because_an_interrupted_one_was_forced(
    staff: Collection,
) -> None:
    interrupted(staff, force=True)
    run(staff)
    assert staff.read() == []


def test_a_forced_job_is_resumed_where_it_ended(staff: Collection) -> None:
    first = interrupted(staff, force=True)
    assert run(staff, force=True) == first
    assert staff.read() == ["c.jpg", "d.jpg"]


def test_a_run_that_retries_reads_failed_photos_after_an_interrupted_one_that_did_not(
    staff: Collection,
) -> None:
    for name in ("new-0.jpg", "new-1.jpg", "new-2.jpg"):
        (staff.photos / name).write_bytes(b"no photo")
    first = interrupted(staff)
    run(staff, retry_failures=True)
    assert staff.read() == ["new-0.jpg", "new-1.jpg", "new-2.jpg"]
    assert run(staff) != first
    assert staff.read() == []


def test_faces_are_not_restored_because_an_interrupted_run_was_to(staff: Collection) -> None:
    new_photos(staff)
    deleted = [face.face_id for face in staff.store.list_faces("staff") if "a.jpg" in face.source]
    staff.gallery().delete_faces("staff", deleted)
    interrupted(staff, photos=0, restore_deleted=True)
    run(staff)
    assert "a.jpg" not in staff.sources()
    assert staff.people() == 7


def test_photos_that_another_job_read_in_the_meantime_are_processed_with_the_own_options(
    staff: Collection,
) -> None:
    staff.photo("a.jpg", "person a", "a friend")
    new_photos(staff)
    run(staff)
    staff.photo("new-4.jpg", "somebody newer")
    first = interrupted(staff, photos=0)
    run(staff, options={"max_faces": 1})
    assert staff.sources()["a.jpg"] == 1
    assert run(staff) != first
    assert staff.sources()["a.jpg"] == 2
    assert staff.people() == 10


def test_a_photo_with_the_etag_that_it_had_when_another_job_was_interrupted_is_read(
    staff: Collection,
) -> None:
    before = (staff.photos / "a.jpg").read_bytes()
    new_photos(staff)
    interrupted(staff, photos=0)
    staff.photo("a.jpg", "somebody else", "and a friend")
    run(staff)
    (staff.photos / "a.jpg").write_bytes(before)
    third = run(staff)
    assert difference(third).changed == 1
    assert staff.sources()["a.jpg"] == 1
    assert staff.people() == 8


def test_faces_of_a_photo_that_an_interrupted_job_replaced_are_removed_by_the_next_job(
    staff: Collection,
) -> None:
    staff.photo("a.jpg", "somebody else")
    new_photos(staff)
    interrupted(staff, photos=1)
    staff.photo("new-4.jpg", "somebody newer")
    run(staff)
    assert staff.sources()["a.jpg"] == 1
    assert staff.people() == 9


def test_a_manifest_is_forced_after_an_interrupted_run_that_was_not(staff: Collection) -> None:
    manifest = staff.folder / "list.txt"
    manifest.write_text("".join(f"photos/{name}.jpg\n" for name in "abcd"))
    first = staff.interrupt(staff.plan(manifest, images_per_child=100), 2)
    second = staff.plan(manifest, images_per_child=100, force=True)
    assert second.force
    assert second.job_id != first.job_id
    assert staff.plan(manifest, images_per_child=100, force=True) == second


def test_the_list_of_replaced_photos_does_not_grow_with_jobs_that_are_interrupted(
    tmp_path: Path,
) -> None:
    photos = write_photos(tmp_path / "photos", 2)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    LocalJob(tmp_path, manifest).run()
    photos[0].write_bytes(fake_photo(fake_face("somebody else")))
    let_files_settle()
    lengths = []
    for _ in range(5):
        # No job removes the faces of the replaced photo.
        job = LocalJob(tmp_path, manifest, force=True)
        job.run()
        write_report(job.plan, job.objects, tolerated_failure_percentage=0)
        lengths.append(len(job.objects.read(stale_uri(job.plan.job_folder)).splitlines()))
    assert lengths == [1, 1, 1, 1, 1]
