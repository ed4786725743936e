"""Deleting a face, or a collection, takes what job folders keep of it as well."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facerec.jobs.folders import list_folders
from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.jobs.ledger.erasure import erase_collection, erase_faces
from facerec.jobs.ledger.report import write_report
from facerec.storage.objects.local import TEMPORARY_PREFIX
from tests.support.jobs import LocalJob, write_manifest, write_photos


def kept(job: LocalJob) -> set[str]:
    return {
        face.record.face_id
        for file in job.kept_embeddings()
        for face in read_embeddings(job.objects, str(file))
    }


def test_an_erased_face_is_in_no_file_of_the_job_and_the_others_stay(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 40, faces=2)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    before = kept(job)
    gone = set(sorted(before)[::7])
    (vector,) = job.faces.get_faces("staff", [min(gone)])
    assert erase_faces(job.objects, f"{tmp_path}/jobs/", "staff", [*gone, "no-such-face"]) == len(
        gone
    )
    assert kept(job) == before - gone
    trace = vector.embedding.astype(np.float32).tobytes()
    files = [path for path in Path(job.plan.job_folder).rglob("*") if path.is_file()]
    assert not any(trace in path.read_bytes() for path in files)
    assert erase_faces(job.objects, f"{tmp_path}/jobs/", "staff", gone) == 0


def test_erasing_all_faces_of_a_file_deletes_it_with_torn_ones(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    torn = Path(job.plan.job_folder, "embeddings", "0000000", f"{TEMPORARY_PREFIX}torn")
    torn.write_bytes(job.kept_embeddings()[0].read_bytes()[:-40])
    assert erase_faces(job.objects, f"{tmp_path}/jobs/", "staff", job.face_ids()) == 3
    assert job.kept_embeddings() == []


def test_a_collection_s_jobs_go_and_those_of_others_stay(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    staff = LocalJob(tmp_path, manifest)
    again = LocalJob(tmp_path, manifest, faces=staff.faces, options={"max_faces": 1})
    guests = LocalJob(tmp_path, manifest, faces=staff.faces, collection_id="guests")
    for job in (staff, again, guests):
        job.run()
    root = f"{tmp_path}/jobs/"
    faces = [face.face_id for face in staff.faces.list_faces("guests")]
    assert erase_faces(staff.objects, root, "staff", faces) == 0
    assert erase_faces(staff.objects, root, "guests", faces[:1]) == 1
    assert erase_collection(staff.objects, root, "staff") == 2
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == [guests.plan.job_id]


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
