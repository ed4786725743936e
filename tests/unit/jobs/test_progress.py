"""How far a job is, told from its folder."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from facerec.jobs import progress as job_progress
from facerec.jobs.child.attempt import run_child
from facerec.jobs.progress import JobWatcher
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


def test_before_anything_is_done_nothing_is(job: LocalJob) -> None:
    seen = JobWatcher(job.plan, job.objects).look()

    assert (seen.images, seen.faces, seen.failures) == (0, 0, 0)
    assert (seen.estimated_images, seen.children, seen.complete_children) == (200, 4, 0)
    assert seen.began is None


def test_rows_of_children_under_way_count(job: LocalJob) -> None:
    watcher = JobWatcher(job.plan, job.objects)
    run_partly(job, 2)
    under_way = watcher.look()
    assert 0 < under_way.images < 50
    assert under_way.complete_children == 0

    run_child(job.plan, 2, job.parts)
    run_child(job.plan, 0, job.parts)
    run_partly(job, 1)

    seen = watcher.look()
    assert seen.complete_children == 2
    assert seen.images == len(job.rows())
    assert seen.failures == 2
    assert seen.faces == seen.images - 2
    assert seen.exact
    assert seen.busy_seconds > 0
    assert seen.began is not None


def test_a_whole_job_is_all_of_it(job: LocalJob) -> None:
    job.run()

    seen = JobWatcher(job.plan, job.objects).look()

    assert seen.images == seen.estimated_images == 200
    assert (seen.complete_children, seen.faces, seen.failures) == (4, 198, 2)


def test_of_very_many_children_some_stand_for_all(
    job: LocalJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_progress, "READ_WHOLE", 2)
    for child in (1, 2, 3):
        run_child(job.plan, child, job.parts)
    run_partly(job, 0)

    seen = JobWatcher(job.plan, job.objects).look(complete=3)

    assert not seen.exact
    assert seen.complete_children == 3
    assert seen.images == pytest.approx(150, abs=5)
    assert JobWatcher(job.plan, job.objects).look() == seen
