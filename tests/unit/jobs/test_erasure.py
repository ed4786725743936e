"""Deleting a face, or a collection, takes what job folders keep of it as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facerec.core.erasures import Selection
from facerec.errors import AccessDeniedError, FacerecError, JobDeletedError
from facerec.jobs.erasing.collection_erasure import erase_collection, erase_faces
from facerec.jobs.folders import (
    JobFolder,
    UnreadableFolder,
    list_folders,
    note_folder_elsewhere,
)
from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.jobs.ledger.report import write_report
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.local_writing import TEMPORARY_PREFIX
from facerec.storage.objects.protocol import ObjectInfo, ObjectStore
from tests.support.jobs import LocalJob, write_manifest, write_photos


def kept(job: LocalJob) -> set[str]:
    return {
        face.record.face_id
        for file in job.kept_embeddings()
        for face in read_embeddings(job.objects, str(file))
    }


def erase(objects: ObjectStore, root: str, collection_id: str, face_ids: Iterable[str]) -> int:
    """Erase faces from job folders, and return how many embeddings there were."""
    selection = Selection(frozenset(face_ids))
    return sum(job.embeddings for job in erase_faces(objects, root, collection_id, selection))


def test_an_erased_face_is_in_no_file_of_the_job_and_the_others_stay(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 40, faces=2)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    before = kept(job)
    gone = set(sorted(before)[::7])
    (vector,) = job.faces.get_faces("staff", [min(gone)])
    assert erase(job.objects, f"{tmp_path}/jobs/", "staff", [*gone, "no-such-face"]) == len(gone)
    assert kept(job) == before - gone
    trace = vector.embedding.astype(np.float32).tobytes()
    files = [path for path in Path(job.plan.job_folder).rglob("*") if path.is_file()]
    assert not any(trace in path.read_bytes() for path in files)
    assert erase(job.objects, f"{tmp_path}/jobs/", "staff", gone) == 0


class CountingObjects(LocalObjects):
    """Counts the embeddings files that are read."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings_read = 0

    def fetch(self, uri: str, **options: Any) -> tuple[bytes, ObjectInfo]:  # noqa: ANN401
        self.embeddings_read += uri.endswith(".npz")
        return super().fetch(uri, **options)


def test_only_the_files_that_contain_a_face_are_read(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 200)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos), images_per_child=50)
    job.run()
    assert len(job.kept_embeddings()) == 8
    objects = CountingObjects()
    root = f"{tmp_path}/jobs/"
    first, second = job.face_ids()[:2]
    assert erase(objects, root, "staff", [first]) == 1
    assert objects.embeddings_read == 1
    assert erase(objects, root, "staff", ["no-such-face", "ab", ""]) == 0
    assert objects.embeddings_read == 1
    for index in Path(job.plan.job_folder, "index").iterdir():
        index.write_bytes(index.read_bytes()[:-3])
    assert erase(objects, root, "staff", [second]) == 1
    assert objects.embeddings_read == 9


def test_a_file_that_an_overtaken_attempt_left_is_read(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 40)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    source = job.kept_embeddings()[0]
    late = source.with_name(f"{source.name[:-20]}{'0' * 16}.npz")
    late.write_bytes(source.read_bytes())
    (face, *_) = read_embeddings(job.objects, str(late))
    assert erase(job.objects, f"{tmp_path}/jobs/", "staff", [face.record.face_id]) == 2
    assert face.record.face_id not in kept(job)


def test_erasing_all_faces_of_a_file_deletes_it_with_torn_ones(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    torn = Path(job.plan.job_folder, "embeddings", "0000000", f"{TEMPORARY_PREFIX}torn")
    torn.write_bytes(job.kept_embeddings()[0].read_bytes()[:-40])
    assert erase(job.objects, f"{tmp_path}/jobs/", "staff", job.face_ids()) == 3
    assert job.kept_embeddings() == []


def test_deleting_a_collections_jobs_keeps_those_of_others(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    staff = LocalJob(tmp_path, manifest)
    again = LocalJob(tmp_path, manifest, faces=staff.faces, options={"max_faces": 1})
    guests = LocalJob(tmp_path, manifest, faces=staff.faces, collection_id="guests")
    for job in (staff, again, guests):
        job.run()
    root = f"{tmp_path}/jobs/"
    faces = [face.face_id for face in staff.faces.list_faces("guests")]
    assert erase(staff.objects, root, "staff", faces) == 0
    assert erase(staff.objects, root, "guests", faces[:1]) == 1
    assert len(erase_collection(staff.objects, root, "staff")) == 2
    remaining = sorted(path.name for path in (tmp_path / "jobs").iterdir())
    assert remaining == [guests.plan.job_id, "remembered@guests"]


def test_jobs_are_listed_with_their_reports_even_where_a_folder_was_moved(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job = LocalJob(tmp_path, manifest)
    job.run()
    planned = LocalJob(tmp_path, manifest, faces=job.faces, collection_id="guests")
    report = write_report(job.plan, job.objects, tolerated_failure_percentage=5)
    (tmp_path / "jobs" / "no-job").mkdir()
    (tmp_path / "jobs").rename(tmp_path / "elsewhere")
    root = f"{tmp_path}/elsewhere/"
    jobs = {found.plan.job_id: found for found in list_folders(job.objects, root)}
    assert set(jobs) == {job.plan.job_id, planned.plan.job_id}
    assert jobs[job.plan.job_id].plan.job_folder == f"{root}{job.plan.job_id}/"
    found = jobs[job.plan.job_id].report
    assert found is not None
    assert found.to_json() == report.to_json()
    assert jobs[planned.plan.job_id].report is None
    assert list(list_folders(job.objects, f"{tmp_path}/nothing/")) == []


def test_a_folder_that_a_killed_deletion_left_is_deleted_by_the_next_one(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    Path(job.plan.job_folder, "plan.json").unlink()
    (erased,) = erase_collection(job.objects, f"{tmp_path}/jobs/", "staff")
    assert erased.job_id == job.plan.job_id
    assert erased.files
    assert not Path(job.plan.job_folder).exists()


@pytest.mark.parametrize("damage", ["no plan", "damaged plan", "damaged note"])
def test_a_folder_that_cannot_be_read_only_concerns_its_own_collection(
    tmp_path: Path, damage: str
) -> None:
    manifest = write_manifest(tmp_path / "list.jsonl", write_photos(tmp_path / "photos", 3))
    job = LocalJob(tmp_path, manifest)
    club = LocalJob(tmp_path, manifest, collection_id="club")
    job.run()
    club.run()
    root, folder = f"{tmp_path}/jobs/", Path(club.plan.job_folder)
    if damage == "no plan":
        (folder / "plan.json").unlink()
    else:
        (folder / f"{'plan' if damage == 'damaged plan' else 'elsewhere'}.json").write_bytes(b"{")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert erase(job.objects, root, "staff", kept(job)) == 3
    assert erase_collection(job.objects, root, "staff")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    with pytest.raises(FacerecError, match=folder.name):
        erase(job.objects, root, "club", ["any"])
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_folder_that_fails_does_not_keep_the_faces_of_the_others(tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path / "list.jsonl", write_photos(tmp_path / "photos", 3))
    first = LocalJob(tmp_path, manifest)
    second = LocalJob(tmp_path, manifest, faces=first.faces, options={"max_faces": 1})
    jobs = sorted((first, second), key=lambda job: job.plan.job_folder)
    for job in jobs:
        job.run()

    class FailingObjects(LocalObjects):
        def list(self, prefix: str) -> Iterator[ObjectInfo]:
            if prefix.startswith(f"{jobs[0].plan.job_folder}"):
                raise AccessDeniedError(prefix)
            return super().list(prefix)

    with pytest.raises(AccessDeniedError):
        erase(FailingObjects(), f"{tmp_path}/jobs/", "staff", kept(first))
    assert kept(jobs[0])
    assert kept(jobs[1]) == set()


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"collection_id": 5}', b"{"])
def test_a_plan_that_cannot_be_read_makes_a_deletion_fail(tmp_path: Path, damage: bytes) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job = LocalJob(tmp_path, manifest)
    other = LocalJob(tmp_path, manifest, faces=job.faces, options={"max_faces": 1})
    job.run()
    other.run()
    Path(job.plan.job_folder, "plan.json").write_bytes(damage)
    for _ in range(2):
        with pytest.raises(FacerecError, match="cannot be read"):
            erase_collection(job.objects, f"{tmp_path}/jobs/", "staff")
        assert not Path(other.plan.job_folder).exists()
    with pytest.raises(FacerecError, match="cannot be read"):
        erase(job.objects, f"{tmp_path}/jobs/", "staff", ["any"])


def test_a_deletion_that_is_killed_anywhere_is_completed_by_the_next_one(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    root, kills = f"{tmp_path}/jobs/", 0

    class Killed(LocalObjects):
        def __init__(self, at: int) -> None:
            super().__init__()
            self.left = at

        def step(self) -> None:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt

        def delete(self, uri: str) -> None:
            self.step()
            super().delete(uri)

        def delete_folder(self, prefix: str) -> None:
            self.step()
            super().delete_folder(prefix)

    while True:
        job = LocalJob(tmp_path, manifest)
        job.run()
        assert job.kept_embeddings()
        try:
            erase_collection(Killed(kills), root, "staff")
        except KeyboardInterrupt:
            kills += 1
            erase_collection(job.objects, root, "staff")
            assert not Path(job.plan.job_folder).exists()
            job.faces.delete_namespace("staff")
        else:
            break
    assert kills >= 6


def test_jobs_in_folders_elsewhere_are_erased_too(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    job = LocalJob(tmp_path / "own", write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    root = f"{tmp_path}/jobs/"
    note_folder_elsewhere(job.objects, root, job.plan)
    first, *others = job.face_ids()
    assert erase(job.objects, root, "staff", [first]) == 1
    assert kept(job) == set(others)
    assert [folder.plan.job_id for folder in list_folders(job.objects, root)] == [job.plan.job_id]
    assert len(erase_collection(job.objects, root, "staff")) == 1
    assert not Path(job.plan.job_folder).exists()
    assert list(Path(root).iterdir()) == []


def test_a_folder_elsewhere_with_a_damaged_renamed_plan_is_listed_as_unreadable(
    tmp_path: Path,
) -> None:
    photos = write_photos(tmp_path / "photos", 1)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job, other = LocalJob(tmp_path / "own", manifest), LocalJob(tmp_path, manifest)
    root = f"{tmp_path}/jobs/"
    note_folder_elsewhere(job.objects, root, job.plan)
    Path(job.plan.job_folder, "plan.json").unlink()
    Path(job.plan.job_folder, "deleted.json").write_text("cut o")
    listed = list(list_folders(job.objects, root))
    assert JobFolder(other.plan, None) in listed
    (damaged,) = (each for each in listed if isinstance(each, UnreadableFolder))
    assert (damaged.job_id, damaged.cause) == (job.plan.job_id, "its plan is damaged")


def test_a_folder_elsewhere_that_is_gone_makes_a_deletion_fail(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    job = LocalJob(tmp_path / "own", write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    root = f"{tmp_path}/jobs/"
    note_folder_elsewhere(job.objects, root, job.plan)
    Path(job.plan.job_folder).rename(tmp_path / "unmounted")
    with pytest.raises(FacerecError, match="is missing"):
        erase_collection(job.objects, root, "staff")
    assert len(erase_collection(job.objects, root, "guests")) == 0


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_collection_that_is_deleted_while_a_job_runs_stays_deleted(
    tmp_path: Path, moment: str
) -> None:
    photos = write_photos(tmp_path / "photos", 60)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job = LocalJob(tmp_path, manifest, images_per_child=99)
    put = job.faces.put_images

    def delete() -> None:
        erase_collection(job.objects, f"{tmp_path}/jobs/", "staff")
        job.faces.delete_namespace("staff")

    def put_images(*given: Any) -> list[str]:  # noqa: ANN401
        if moment == "before":
            delete()
        lost = put(*given)
        if moment == "after":
            delete()
        return lost

    job.faces.put_images = put_images  # type: ignore[method-assign]
    job.faces.of = lambda _: job.faces  # type: ignore[method-assign]
    with pytest.raises(JobDeletedError):
        job.run()
    assert job.face_ids() == []
    assert not Path(job.plan.job_folder).exists()
