"""A collection is compared with its jobs, and lost faces are restored without a photo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from facerec.core.erasures import Selection
from facerec.core.ids import group_of
from facerec.errors import CollectionNotFoundError
from facerec.gallery.erasing.tombstones import keep_tombstones
from facerec.jobs.erasing.collection_erasure import erase_faces
from facerec.jobs.verifying.job_check import verify_collection
from facerec.jobs.verifying.segment_check import Verification
from facerec.storage.sqlite import SqliteStore
from tests.support.jobs import LocalJob, write_manifest, write_photos


@pytest.fixture
def job(tmp_path: Path) -> LocalJob:
    """Return a job of 40 photos of two faces each that has run; the photos are gone."""
    photos = write_photos(tmp_path / "photos", 40, faces=2)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    for photo in photos:
        photo.unlink()
    return job


def verify(job: LocalJob, *, repair: bool, store: SqliteStore | None = None) -> Verification:
    root = str(Path(job.plan.job_folder).parent) + "/"
    store = store or SqliteStore(job.store)
    return verify_collection("staff", job.objects, root, store, store, repair=repair)


def test_a_collection_that_has_everything_agrees(job: LocalJob) -> None:
    assert verify(job, repair=False) == Verification(faces=80)


def test_lost_faces_are_reported_and_restored(job: LocalJob) -> None:
    faces = job.face_ids()
    job.faces.delete_faces("staff", faces[::9])
    lost = len(faces[::9])
    assert verify(job, repair=False).missing == lost
    assert len(job.face_ids()) == 80 - lost
    assert verify(job, repair=True).missing == lost
    assert job.face_ids() == faces
    assert verify(job, repair=False).agrees


def test_deleted_faces_stay_deleted(job: LocalJob) -> None:
    faces = job.face_ids()
    gone = faces[:5]
    root = str(Path(job.plan.job_folder).parent) + "/"
    records = [face.record for face in job.faces.get_faces("staff", gone)]
    keep_tombstones("staff", records, records=job.records)
    erase_faces(job.objects, root, "staff", Selection(frozenset(gone)))
    job.faces.delete_faces("staff", gone)
    # Five faces of photos that have two each: two photos keep none.
    assert verify(job, repair=True) == Verification(faces=75, deleted=2)
    assert job.face_ids() == faces[5:]


def test_a_lost_database_is_restored_with_the_identity_of_the_collection(
    job: LocalJob, tmp_path: Path
) -> None:
    empty = SqliteStore(tmp_path / "empty.sqlite")
    with pytest.raises(CollectionNotFoundError):
        verify(job, repair=False, store=empty)
    assert verify(job, repair=True, store=empty).missing == 80
    assert [face.face_id for face in empty.list_faces("staff", limit=1000)] == job.face_ids()
    assert empty.get_collection("staff") == SqliteStore(job.store).get_collection("staff")


def test_of_two_jobs_over_the_same_photos_the_newest_counts(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 5, faces=2)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    first = LocalJob(tmp_path, manifest)
    first.run()
    second = LocalJob(tmp_path, manifest, faces=first.faces, options={"max_faces": 1})
    second.run()
    assert verify(first, repair=True) == Verification(faces=5)
    assert len(first.face_ids()) == 5


def test_a_face_that_other_options_replaced_under_its_id_is_restored(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    first = LocalJob(tmp_path, manifest)
    first.run()
    before = first.faces.list_faces("staff")
    second = LocalJob(tmp_path, manifest, faces=first.faces, options={"max_faces": 1})
    second.run()
    after = second.faces.list_faces("staff")
    assert [face.face_id for face in after] == [face.face_id for face in before]
    # The database of before the second job is put back.
    stored = {
        group_of(face.record.face_id): [
            replace(face, record=replace(face.record, options_digest=before[0].options_digest))
        ]
        for face in first.faces.get_faces("staff", first.face_ids())
    }
    first.faces.put_images("staff", stored)
    assert verify(first, repair=False) == Verification(faces=3, missing=3)
    assert verify(first, repair=True).missing == 3
    assert first.faces.list_faces("staff") == after
    assert verify(first, repair=True).agrees
