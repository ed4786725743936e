"""What is deleted is gone, whatever door the deletion comes through."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from facerec.cli.exit_codes import ExitCode
from facerec.cli.main import main
from facerec.core.erasures import Selection
from facerec.errors import FaceInUseError
from facerec.factory import open_gallery
from facerec.jobs.job_data import JobFolders
from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.storage.objects import Objects
from facerec.testing.engine import fake_face, fake_photo
from tests.functional.doors.conftest import put_job, put_photo, run_job
from tests.support.doors import Door, DoorError
from tests.support.jobs import LocalJob, write_manifest, write_photos

ANN = fake_photo(fake_face("ann"))


def index(door: Door) -> str:
    (face,) = door.gallery.index("staff", ANN).faces
    return face.record.face_id


def indexed_by_job(door: Door, tmp_path: Path) -> list[str]:
    """Run a job of three photos and return the ids of their faces."""
    door.gallery.create_collection("staff")
    photos = write_photos(tmp_path / "photos", 3)
    manifest = write_manifest(tmp_path / "manifest.jsonl", photos)
    stores = {"faces": door.gallery._faces, "records": door.gallery._records}
    job = LocalJob(tmp_path / "job", manifest, **stores)
    job.run()
    put_job(job.plan.job_folder, door)
    return job.face_ids()


def kept_by_jobs(door: Door) -> set[str]:
    """Return the ids of the faces whose embeddings job folders keep."""
    objects = Objects()
    return {
        face.record.face_id
        for file in objects.list(door.jobs_root)
        if "/embeddings/" in file.uri
        for face in read_embeddings(objects, file.uri)
    }


def users_found(door: Door) -> list[str]:
    found = door.gallery.search_users_by_photo("staff", ANN)
    return [match.user.user_id for match in found.matches]


def test_a_deleted_face_is_erased_from_the_folders_of_jobs(door: Door, tmp_path: Path) -> None:
    first, *others = indexed_by_job(door, tmp_path)
    assert first in kept_by_jobs(door)
    door.delete_face("staff", first)
    assert kept_by_jobs(door) == set(others)


def test_a_deleted_collection_leaves_nothing_in_the_folders_of_jobs(
    door: Door, tmp_path: Path
) -> None:
    indexed_by_job(door, tmp_path)
    door.delete_collection("staff")
    assert list(Objects().list(door.jobs_root)) == []


def test_a_face_of_a_user_is_kept_with_what_jobs_keep_of_it(door: Door, tmp_path: Path) -> None:
    face_id, *_ = indexed_by_job(door, tmp_path)
    door.gallery.create_user("staff", "ann")
    door.gallery.associate_faces("staff", "ann", [face_id])
    with pytest.raises(DoorError) as refused:
        door.delete_face("staff", face_id)
    assert refused.value.raised == door.errors[FaceInUseError]
    assert face_id in kept_by_jobs(door)
    assert door.gallery.describe_collection("staff").face_count == 3


def test_a_user_is_not_found_once_its_last_face_is_deleted(door: Door) -> None:
    door.gallery.create_collection("staff")
    face_id = index(door)
    door.gallery.create_user("staff", "ann")
    door.gallery.associate_faces("staff", "ann", [face_id])
    assert users_found(door) == ["ann"]
    door.delete_face_of_user("staff", face_id)
    assert users_found(door) == []
    assert door.gallery.describe_collection("staff").face_count == 0


def test_the_folders_of_jobs_of_other_collections_stay(door: Door, tmp_path: Path) -> None:
    faces = indexed_by_job(door, tmp_path)
    door.gallery.create_collection("guests")
    door.delete_collection("guests")
    JobFolders(Objects(), door.jobs_root).forget("guests", Selection(frozenset(faces)))
    assert kept_by_jobs(door) == set(faces)


def test_a_job_indexes_again_after_its_collection_was_deleted(door: Door, tmp_path: Path) -> None:
    photos = [put_photo(photo, door) for photo in write_photos(tmp_path / "photos", 3)]
    manifest = write_manifest(tmp_path / "manifest.jsonl", photos)
    assert run_job(door, manifest).faces_indexed == 3
    assert run_job(door, manifest).faces_indexed == 3  # as the ledger has it
    door.delete_collection("staff")
    assert run_job(door, manifest).faces_indexed == 3
    assert door.gallery.describe_collection("staff").face_count == 3


def test_a_job_with_other_options_does_not_add_a_deleted_face_again(
    door: Door, tmp_path: Path
) -> None:
    photos = [put_photo(photo, door) for photo in write_photos(tmp_path / "photos", 3, faces=2)]
    manifest = write_manifest(tmp_path / "manifest.jsonl", photos)
    run_job(door, manifest)
    first, *others = (face_id for face_id, _ in door.list_faces("staff"))
    door.delete_face("staff", first)
    again = run_job(door, manifest, options={"max_faces": 5})
    assert (again.faces_indexed, again.faces_deleted) == (5, 1)
    assert [face_id for face_id, _ in door.list_faces("staff")] == others
    restored = run_job(door, manifest, options={"max_faces": 5}, restore_deleted=True)
    assert (restored.faces_indexed, restored.faces_deleted) == (6, 0)
    assert [face_id for face_id, _ in door.list_faces("staff")] == [first, *others]


def test_a_photo_that_is_indexed_directly_gets_its_deleted_face_again(door: Door) -> None:
    door.gallery.create_collection("staff")
    face_id = index(door)
    door.delete_face("staff", face_id)
    assert door.list_faces("staff") == []
    assert index(door) == face_id
    door.delete_collection("staff")


@pytest.mark.parametrize("missing_first", [True, False])
def test_the_exit_code_of_several_failures_does_not_depend_on_their_order(
    tmp_path: Path, missing_first: bool
) -> None:
    with open_gallery(tmp_path) as gallery:
        gallery.create_collection("staff")
        (face,) = gallery.index("staff", fake_photo(fake_face("ann"))).faces
        gallery.create_user("staff", "ann")
        gallery.associate_faces("staff", "ann", [face.record.face_id])
    ids = ["00000000-0000-8000-8000-000000000000", face.record.face_id]
    words = ["faces", "delete", "--collection", "staff", *(ids if missing_first else ids[::-1])]
    result = CliRunner(env={"FACEREC_DATA": str(tmp_path)}).invoke(main, words)
    assert result.exit_code == ExitCode.NOT_FOUND
