"""The job that was started last says which faces a photo has, of all jobs over the photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from facerec.core.ids import group_of
from facerec.core.options import FaceOptions
from facerec.core.records import User
from facerec.factory import open_gallery
from facerec.testing.engine import fake_face, fake_photo
from tests.support.job_doors import CommandLineJobs, JobDoor, use_fake_engine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PHOTOS = ("two", "faint", "nobody")

FEW = {"max_faces": 1, "min_confidence": 0.95}
ALL = {"max_faces": 5, "min_confidence": 0.6}


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLineJobs:
    """The command line alone."""
    use_fake_engine(monkeypatch)
    return CommandLineJobs(tmp_path / "cli")


def write_all(door: JobDoor) -> None:
    """Write photos of two faces, of one that is faint, and of none."""
    two = (fake_face("ann", width=0.4), fake_face("bob", left=0.6, width=0.2))
    door.write("two.jpg", fake_photo(*two))
    door.write("faint.jpg", fake_photo(fake_face("cid", confidence=0.8)))
    door.write("nobody.jpg", fake_photo())


def run_first_second_first(door: JobDoor) -> list[str]:
    """Run a job with few faces, one with all, and the first again; return its faces."""
    write_all(door)
    door.index_again(PHOTOS, **FEW)
    few = door.face_ids()
    door.index_again(PHOTOS, **ALL)
    assert (len(few), len(door.face_ids())) == (1, 3)
    for name in PHOTOS:
        door.delete_photo(f"{name}.jpg")
    door.index_again(PHOTOS, **FEW)
    return few


def test_a_job_that_found_no_face_removes_what_other_options_have_found(door: JobDoor) -> None:
    few = run_first_second_first(door)
    assert door.face_ids() == few


def test_a_run_says_how_many_faces_of_other_options_it_removed(local: CommandLineJobs) -> None:
    run_first_second_first(local)
    local.index_again(PHOTOS, **ALL)
    report = local.index_again(PHOTOS, **FEW)
    assert (report["run"]["faces_removed"], report["run"]["new_photos"]) == (2, 0)
    again = local.index_again(PHOTOS, **FEW)
    assert again["run"]["faces_removed"] == 0


def test_a_rebuilt_collection_follows_the_job_that_was_started_last(door: JobDoor) -> None:
    few = run_first_second_first(door)
    assert door.rebuild()["missing"] == 0
    assert door.face_ids() == few
    with door.store as store:
        store.delete_namespace("staff")
    assert door.rebuild()["missing"] == 1
    assert door.face_ids() == few


def test_a_comparison_follows_the_job_that_was_started_last(local: CommandLineJobs) -> None:
    few = run_first_second_first(local)
    agreeing = local.verify(repair=True)
    assert (agreeing["missing"], agreeing["extra"]) == (0, 0)
    assert local.face_ids() == few


def test_a_face_on_a_photo_without_one_is_reported_and_removed(local: CommandLineJobs) -> None:
    write_all(local)
    local.index_again(PHOTOS, **ALL)
    with local.store as store:
        ids = [face.face_id for face in store.list_faces("staff")]
        later = store.get_faces("staff", ids)
    local.index_again(PHOTOS, **FEW)
    few = local.face_ids()
    # A copy of the database of before.
    with local.store as store:
        for face in later:
            store.add_to_images("staff", {group_of(face.record.face_id): [face]})
    assert len(local.face_ids()) == 3
    assert local.verify(repair=False)["extra"] == 2
    assert local.verify(repair=True)["extra"] == 2
    assert local.face_ids() == few
    assert local.verify(repair=False)["extra"] == 0


@pytest.mark.parametrize("are_read", [True, False])
def test_a_face_of_a_person_stays_on_a_photo_without_one(
    local: CommandLineJobs, *, are_read: bool
) -> None:
    write_all(local)
    local.index_again(PHOTOS, **FEW)
    few = local.face_ids()
    local.index_again(PHOTOS, **ALL)
    with local.store as store:
        faces = store.list_faces("staff")
        faint = next(face for face in faces if face.source.endswith("faint.jpg")).face_id
        store.create_user("staff", User("cid", 0.0))
        store.change_user("staff", "cid", version=0, add=[faint])
    if not are_read:
        for name in PHOTOS:
            local.delete_photo(f"{name}.jpg")
    report = local.index_again(PHOTOS, **FEW)
    # Photos that are gone are compared with the ledger.
    counts = report if are_read else report["run"]
    assert (counts["faces_removed"], counts["faces_kept"]) == (1, 1)
    assert local.face_ids() == sorted([*few, faint])
    assert local.verify(repair=True)["extra"] == 0


def test_a_face_that_a_request_has_added_since_stays(local: CommandLineJobs) -> None:
    write_all(local)
    local.index_again(PHOTOS, **FEW)
    few = local.face_ids()
    with open_gallery(local.data) as gallery:
        photo = fake_photo(fake_face("cid", confidence=0.8))
        added = gallery.index("staff", photo, options=FaceOptions(min_confidence=0.5)).faces
        (cid,) = (face.record.face_id for face in added)
    assert local.verify(repair=True)["extra"] == 0
    assert local.face_ids() == sorted([*few, cid])
    # Another job repairs the collection, and has nothing to say about the photo.
    local.write("eve.jpg", fake_photo(fake_face("eve")))
    local.index_again(["eve"])
    assert cid in local.face_ids()


def test_a_photo_that_a_later_job_found_indexed_follows_that_job(door: JobDoor) -> None:
    write_all(door)
    run_list(door, "one.txt", ["two"], max_faces=1)
    one = door.face_ids()
    run_list(door, "all.txt", PHOTOS, max_faces=1)
    run_list(door, "one.txt", ["two"], max_faces=2)
    assert len(door.face_ids()) == 2
    # It has found the photo indexed, and the other job's folder has the embedding.
    run_list(door, "all.txt", PHOTOS, max_faces=1)
    assert door.face_ids() == one


def run_list(door: JobDoor, name: str, people: Sequence[str], **settings: object) -> None:
    door.write(name, "".join(f"{door.address(f'{each}.jpg')}\n" for each in people).encode())
    door.run(name, **settings)
