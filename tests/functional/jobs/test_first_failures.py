"""A job on this machine whose first photos nearly all fail alike ends at once."""

from __future__ import annotations

import gzip
from functools import partial
from pathlib import Path

import pytest

from facerec.errors import FirstPhotosFailedError
from facerec.jobs.child.runner import FIRST_PHOTOS
from facerec.jobs.ledger.report import Report, write_report
from facerec.jobs.local.supervisor import run_children
from facerec.jobs.status import JobStatus
from tests.support.jobs import LocalJob, slow_dependencies, write_manifest, write_photos

PHOTOS = 800


def run(job: LocalJob, tolerated: float = 5.0) -> Report:
    run_children(
        job.plan,
        partial(slow_dependencies, job.store, 0.0),
        job.objects,
        workers=2,
        tolerated_failure_percentage=tolerated,
    )
    return reported(job, tolerated)


def reported(job: LocalJob, tolerated: float = 5.0) -> Report:
    return write_report(job.plan, job.objects, tolerated_failure_percentage=tolerated)


def test_a_wrong_folder_ends_the_job_with_the_reason(tmp_path: Path) -> None:
    photos = [tmp_path / "moved" / f"{number}.jpg" for number in range(PHOTOS)]
    job = LocalJob(tmp_path, write_manifest(tmp_path / "all.jsonl", photos))

    with pytest.raises(FirstPhotosFailedError, match="NOT_FOUND") as raised:
        run(job)

    assert "prefix" in str(raised.value.hint)
    report = reported(job)
    assert report.status is JobStatus.FAILED
    assert report.first_failures is not None
    assert FIRST_PHOTOS <= report.tally.photos < PHOTOS / 2
    # The same input finds the end, until it is planned again.
    with pytest.raises(FirstPhotosFailedError):
        run(job)
    assert reported(job).tally.photos == report.tally.photos


def test_a_corrected_folder_is_indexed_whole(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    photos = write_photos(folder, 300)
    manifest = write_manifest(tmp_path / "all.jsonl", photos)
    folder.rename(tmp_path / "moved")
    with pytest.raises(FirstPhotosFailedError):
        run(LocalJob(tmp_path, manifest))
    (tmp_path / "moved").rename(folder)

    job = LocalJob(tmp_path, manifest)

    assert job.plan.round == 1
    report = run(job)
    assert report.status is JobStatus.SUCCEEDED
    assert report.tally.photos == 300
    assert len(job.face_ids()) == 300


def test_missing_photos_among_others_end_nothing(tmp_path: Path) -> None:
    missing = [tmp_path / "moved" / f"{number}.jpg" for number in range(300)]
    photos = [*missing, *write_photos(tmp_path / "photos", 100)]
    report = run(LocalJob(tmp_path, write_manifest(tmp_path / "all.jsonl", photos)), tolerated=80)
    assert report.status is JobStatus.SUCCEEDED
    assert report.tally.outcomes == {"NOT_FOUND": 300, "INDEXED": 100}


def test_a_small_job_names_each_failure(tmp_path: Path) -> None:
    photos = [tmp_path / "moved" / f"{number}.jpg" for number in range(FIRST_PHOTOS // 2)]
    report = run(LocalJob(tmp_path, write_manifest(tmp_path / "all.jsonl", photos)))
    assert report.status is JobStatus.FAILED
    assert report.first_failures is None
    assert report.tally.photos == len(photos)


def test_unreadable_photos_are_a_matter_of_each_photo(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 300)
    for photo in photos[:200]:
        photo.write_bytes(b"no photo")
    report = run(LocalJob(tmp_path, write_manifest(tmp_path / "all.jsonl", photos)))
    assert report.first_failures is None
    assert report.tally.photos == 300


def test_a_gzipped_manifest_is_judged_too(tmp_path: Path) -> None:
    photos = [tmp_path / "moved" / f"{number}.jpg" for number in range(PHOTOS)]
    plain = write_manifest(tmp_path / "all.jsonl", photos)
    packed = tmp_path / "all.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    with pytest.raises(FirstPhotosFailedError):
        run(LocalJob(tmp_path, packed))
