"""How far a job is, told from its folder."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from facerec.jobs import progress as job_progress
from facerec.jobs.child.attempt import run_child
from facerec.jobs.progress import ProgressTracker
from tests.support.jobs import LocalJob, write_manifest, write_photos


@pytest.fixture
def job(tmp_path: Path) -> LocalJob:
    """Return a job of 4 children with some 50 photos each, two of all broken."""
    photos = write_photos(tmp_path / "photos", 200)
    for broken in photos[:2]:
        broken.write_bytes(b"broken")
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    return LocalJob(tmp_path, manifest, images_per_child=50)


def run_partly(job: LocalJob, child: int) -> None:
    """Run a child until its first step stands."""
    asked = count()
    run_child(job.plan, child, job.parts, stop=lambda: next(asked) > 32)


def test_before_the_first_commit_progress_is_zero(job: LocalJob) -> None:
    seen = ProgressTracker(job.plan, job.objects).read(0.0)

    assert (seen.photos, seen.faces, seen.failures) == (0, 0, 0)
    assert (seen.estimated_photos, seen.children, seen.complete_children) == (200, 4, 0)
    assert seen.photos_per_second is None


def test_rows_of_running_children_count(job: LocalJob) -> None:
    watcher = ProgressTracker(job.plan, job.objects)
    run_partly(job, 2)
    under_way = watcher.read(0.0)
    assert 0 < under_way.photos < 50
    assert under_way.complete_children == 0

    run_child(job.plan, 2, job.parts)
    run_child(job.plan, 0, job.parts)
    run_partly(job, 1)

    seen = watcher.read(0.0)
    assert seen.complete_children == 2
    assert seen.photos == len(job.rows())
    assert seen.failures == 2
    assert seen.faces == seen.photos - 2
    assert seen.exact
    assert seen.busy_seconds > 0
    assert seen.photos_per_second is not None


def test_a_complete_job_has_full_progress(job: LocalJob) -> None:
    job.run()

    seen = ProgressTracker(job.plan, job.objects).read(0.0)

    assert seen.photos == seen.estimated_photos == 200
    assert (seen.complete_children, seen.faces, seen.failures) == (4, 198, 2)


def test_progress_of_very_many_children_is_estimated_from_a_sample(
    job: LocalJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_progress, "MAX_CHILDREN_READ", 2)
    for child in (1, 2, 3):
        run_child(job.plan, child, job.parts)
    run_partly(job, 0)

    seen = ProgressTracker(job.plan, job.objects).read(0.0, complete=3)

    assert not seen.exact
    assert seen.complete_children == 3
    assert seen.photos == pytest.approx(150, abs=5)
    counted = ProgressTracker(job.plan, job.objects).read(0.0)
    assert (counted.photos, counted.complete_children) == (seen.photos, 3)
