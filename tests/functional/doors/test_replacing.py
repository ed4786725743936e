"""A job that indexes a photo again with other options leaves people as they were created."""

from __future__ import annotations

from pathlib import Path

import pytest

from facerec.errors import FaceInUseError
from facerec.testing.engine import fake_face, fake_photo
from tests.functional.doors.conftest import put_photo, run_job
from tests.support.doors import Door, DoorError
from tests.support.jobs import write_manifest

BOTH = fake_photo(fake_face("ann", width=0.4), fake_face("bob", left=0.6, width=0.1))
BOB = fake_photo(fake_face("bob"))


def indexed(door: Door, tmp_path: Path) -> tuple[Path, str, str]:
    """Run a job of a photo of Ann and, smaller, Bob; return its manifest and the ids of both."""
    photo = tmp_path / "both.jpg"
    photo.write_bytes(BOTH)
    manifest = write_manifest(tmp_path / "manifest.jsonl", [put_photo(photo, door)])
    run_job(door, manifest)
    page = door.gallery.list_faces("staff")
    bob, ann = sorted(page.faces, key=lambda face: face.record.box.area)
    return manifest, ann.record.face_id, bob.record.face_id


def give(door: Door, user_id: str, face_id: str) -> None:
    door.gallery.create_user("staff", user_id)
    door.gallery.associate_faces("staff", user_id, [face_id])


def users_found(door: Door, photo: bytes) -> list[str]:
    found = door.gallery.search_users_by_photo("staff", photo)
    return [match.user.user_id for match in found.matches]


def test_a_face_of_a_user_is_kept_and_counted(door: Door, tmp_path: Path) -> None:
    manifest, ann, bob = indexed(door, tmp_path)
    give(door, "bob", bob)
    tally = run_job(door, manifest, options={"max_faces": 1})
    counts = (tally.faces_indexed, tally.faces_replaced, tally.faces_removed, tally.faces_kept)
    assert counts == (1, 1, 0, 1)
    assert sorted(door.list_faces("staff")) == sorted([(ann, None), (bob, "bob")])
    assert users_found(door, BOB) == ["bob"]
    assert door.search("staff", BOB)[0].user_id == "bob"
    with pytest.raises(DoorError) as refused:
        door.delete_face("staff", bob)
    assert refused.value.raised == door.errors[FaceInUseError]


def test_a_face_of_nobody_is_removed_and_counted(door: Door, tmp_path: Path) -> None:
    manifest, ann, _ = indexed(door, tmp_path)
    give(door, "ann", ann)
    tally = run_job(door, manifest, options={"max_faces": 1})
    counts = (tally.faces_indexed, tally.faces_replaced, tally.faces_removed, tally.faces_kept)
    assert counts == (1, 1, 1, 0)
    assert door.list_faces("staff") == [(ann, "ann")]


def test_a_face_that_was_kept_goes_once_it_is_nobody_s(door: Door, tmp_path: Path) -> None:
    manifest, ann, bob = indexed(door, tmp_path)
    give(door, "bob", bob)
    run_job(door, manifest, options={"max_faces": 1})
    door.gallery.disassociate_faces("staff", "bob", [bob])
    door.delete_face("staff", bob)
    assert door.list_faces("staff") == [(ann, None)]
    assert users_found(door, BOB) == []


def test_a_single_request_removes_no_face_that_a_job_has_indexed(
    door: Door, tmp_path: Path
) -> None:
    _, ann, bob = indexed(door, tmp_path)
    give(door, "bob", bob)
    options = door.gallery.defaults.index_options(max_faces=1)
    again = door.gallery.index("staff", BOTH, external_image_id="photo:0", options=options)
    assert [(face.record.face_id, face.user_id) for face in again.faces] == [(ann, None)]
    assert {face_id for face_id, _ in door.list_faces("staff")} == {ann, bob}
