"""A job means the same at every door: on one machine, by REST, and as deployed."""

from __future__ import annotations

import pytest

from facerec.core.records import User
from facerec.jobs.run_summary import RunSummary
from tests.support.job_doors import (
    JobDoor,
    photo_of,
)

PEOPLE = ("ann", "bob+cid", "dan")


pytestmark = pytest.mark.parametrize("door", ["command line", "rest", "deployed"], indirect=True)


def test_a_job_of_a_deleted_collection_indexes_again(door: JobDoor) -> None:
    first = door.index(*PEOPLE)
    assert (first["status"], first["faces_indexed"]) == ("SUCCEEDED", 4)
    faces = door.face_ids()
    door.delete_collection()
    again = door.index(*PEOPLE)
    assert (again["status"], again["faces_indexed"]) == ("SUCCEEDED", 4)
    assert again["job_id"] != first["job_id"]
    assert door.face_ids() == faces


def test_faces_that_the_collection_has_lost_are_restored(door: JobDoor) -> None:
    door.index(*PEOPLE)
    faces = door.face_ids()
    with door.store as store:
        store.delete_faces("staff", faces[1:3])
    again = door.index(*PEOPLE)
    assert again["status"] == "SUCCEEDED"
    assert door.face_ids() == faces


def test_a_run_says_at_every_door_what_it_added_restored_removed_and_left_deleted(
    door: JobDoor,
) -> None:
    first = door.index(*PEOPLE)
    assert first["run"] == run_of(new_photos=3)
    faces = door.face_ids()
    with door.store as store:
        store.delete_faces("staff", faces[1:3])
    assert door.index(*PEOPLE)["run"] == run_of(faces_restored=2)
    door.delete_face(faces[0])
    assert door.index(*PEOPLE)["run"] == run_of(faces_deleted=1)
    # Dan's photo is unchanged.
    assert door.index("eve", "dan")["run"] == run_of(new_photos=1)


def run_of(**counts: int) -> dict[str, object]:
    """Return what a run did, if nothing else happened."""
    return RunSummary(**{"new_photos": 0, **counts}).to_json()


def test_a_face_that_was_deleted_on_purpose_stays_deleted_until_it_is_restored(
    door: JobDoor,
) -> None:
    door.index(*PEOPLE)
    first, *others = door.face_ids()
    door.delete_face(first)
    door.index(*PEOPLE)
    assert door.face_ids() == others
    forced = door.index(*PEOPLE, force=True)
    assert (forced["faces_indexed"], forced["faces_deleted"]) == (3, 1)
    assert door.face_ids() == others
    other_options = door.index(*PEOPLE, max_faces=5)
    assert other_options["faces_deleted"] == 1
    assert door.face_ids() == others
    restored = door.index(*PEOPLE, restore_deleted=True)
    assert (restored["faces_indexed"], restored["faces_deleted"]) == (4, 0)
    assert door.face_ids() == [first, *others]
    again = door.index(*PEOPLE, force=True)
    assert (again["faces_indexed"], again["faces_deleted"]) == (4, 0)


def test_other_options_and_back_again_end_in_the_first_faces(door: JobDoor) -> None:
    door.index(*PEOPLE)
    faces = door.face_ids()
    fewer = door.index(*PEOPLE, max_faces=1)
    assert fewer["faces_removed"] == 1
    assert len(door.face_ids()) == 3
    door.index(*PEOPLE)
    assert door.face_ids() == faces


def test_faces_of_users_are_kept_by_other_options(door: JobDoor) -> None:
    door.index(*PEOPLE)
    faces = door.face_ids()
    with door.store as store:
        listed = store.list_faces("staff", limit=10)
        # One photo shows Bob and, smaller, Cid.
        cid = min(listed, key=lambda face: face.box.area).face_id
        store.create_user("staff", User("cid", 0.0))
        store.change_user("staff", "cid", version=0, add=[cid])
    fewer = door.index(*PEOPLE, max_faces=1)
    assert (fewer["faces_indexed"], fewer["faces_replaced"]) == (3, 3)
    assert (fewer["faces_removed"], fewer["faces_kept"]) == (0, 1)
    assert door.face_ids() == faces
    with door.store as store:
        assert store.get_user("staff", "cid").face_ids == (cid,)


def test_a_photo_that_was_missing_is_tried_again_once_it_is_there(door: JobDoor) -> None:
    door.index(*PEOPLE)
    door.delete_collection()
    door.delete_photo("dan.jpg")
    without = door.index_again(PEOPLE)
    assert without["outcomes"] == {"INDEXED": 2, "NOT_FOUND": 1}
    same = door.index_again(PEOPLE)
    assert same["job_id"] == without["job_id"]
    door.write("dan.jpg", photo_of("dan"))
    whole = door.index_again(PEOPLE)
    assert (whole["status"], whole["failed_photos"]) == ("SUCCEEDED", 0)
    assert whole["outcomes"] == {"INDEXED": 1}
    assert (whole["difference"]["photos"], whole["difference"]["unchanged"]) == (3, 2)
    assert len(door.face_ids()) == 4


def test_failures_are_retried_when_asked_for(door: JobDoor) -> None:
    door.write("broken.jpg", b"no photo")
    first = door.index_again(["broken"])
    assert first["outcomes"] == {"UNREADABLE": 1}
    assert door.index_again(["broken"])["job_id"] == first["job_id"]
    retried = door.index_again(["broken"], retry_failures=True)
    assert retried["job_id"] != first["job_id"]
    assert retried["difference"]["retried"] == 1


def test_a_photo_that_was_unreadable_is_tried_again_once_it_is_replaced(door: JobDoor) -> None:
    door.write("ann.jpg", b"x" * len(photo_of("ann")))
    first = door.index_again(["ann"])
    assert first["outcomes"] == {"UNREADABLE": 1}
    # A photo of the same size: its time or its ETag shows that it has changed.
    door.write("ann.jpg", photo_of("ann"))
    replaced = door.index_again(["ann"])
    assert replaced["job_id"] != first["job_id"]
    assert (replaced["outcomes"], replaced["difference"]["changed"]) == ({"INDEXED": 1}, 1)


def test_a_corrupt_new_photo_does_not_fail_a_run_over_many_known_ones(door: JobDoor) -> None:
    people = [f"person{number}" for number in range(20)]
    door.index(*people)
    door.write("corrupt.jpg", b"no photo")
    again = door.index_again([*people, "corrupt"])
    assert (again["status"], again["failed_photos"]) == ("SUCCEEDED", 1)
    assert again["difference"]["unchanged"] == 20
    corrupt = [f"corrupt{number}" for number in range(21)]
    for name in corrupt:
        door.write(f"{name}.jpg", b"no photo either")
    more = door.index_again([*people, *corrupt])
    assert (more["status"], more["failed_photos"]) == ("FAILED", 21)
    assert more["failure_percentage"] == 100


def test_photos_that_still_fail_are_failures_of_each_later_run(door: JobDoor) -> None:
    door.write("broken.jpg", b"no photo")
    people = ["ann", "bob+cid", "broken", "missing"]
    for person in people[:2]:
        door.write(f"{person}.jpg", photo_of(person))
    first = door.index_again(people)
    assert (first["status"], first["failed_photos"], first["failure_percentage"]) == (
        ("FAILED", 2, 50)
    )
    door.write("dan.jpg", photo_of("dan"))
    second = door.index_again([*people, "dan"])
    assert (second["status"], second["outcomes"]) == ("FAILED", {"INDEXED": 1})
    assert (second["failed_photos"], second["failure_percentage"]) == (2, 40)
    assert door.index_again([*people, "dan"])["failed_photos"] == 2
    door.write("broken.jpg", photo_of("eve"))
    third = door.index_again([*people, "dan"])
    assert (third["outcomes"], third["failed_photos"]) == ({"INDEXED": 1}, 1)
    assert (third["status"], third["failure_percentage"]) == ("FAILED", 20)
    # The source does not name the photo any more.
    fourth = door.index_again([*people[:3], "dan"])
    assert (fourth["status"], fourth["failed_photos"]) == ("SUCCEEDED", 0)
