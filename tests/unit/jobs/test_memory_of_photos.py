"""The memory of a collection knows all photos of its jobs, whichever process merges them."""

from __future__ import annotations

from pathlib import Path

import pytest

from facerec.jobs.ledger.layout import remembered_uri
from facerec.jobs.plan import Plan
from facerec.jobs.run_lock import run_lock
from tests.support.remembered_jobs import CHILDREN, Jobs


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    monkeypatch.setattr("facerec.jobs.remembered.memory.MERGED_FROM", 3)
    return Jobs(tmp_path)


def complete_jobs(jobs: Jobs, count: int) -> None:
    for _ in range(count):
        plan, memory = jobs.new(), jobs.memory()
        number = jobs.start(plan, memory)
        for child in range(CHILDREN):
            jobs.commit(plan, child, [f"/{plan.job_id}-{child}.jpg"])
        memory.merge_notes(plan, before=number)


def test_photos_of_a_job_that_runs_during_a_merge_are_known(jobs: Jobs) -> None:
    complete_jobs(jobs, 2)
    slow = jobs.new()
    jobs.start(slow, jobs.memory())
    complete_jobs(jobs, 5)
    for child in range(CHILDREN):
        jobs.commit(slow, child, [f"/late-{child}.jpg"])
    complete_jobs(jobs, 5)
    assert jobs.known() == jobs.expected()
    assert len(jobs.names()) <= 3


def test_a_job_that_was_abandoned_does_not_stop_merges(jobs: Jobs) -> None:
    left = jobs.new()
    jobs.start(left, jobs.memory())
    jobs.commit(left, 0, ["/left.jpg"])
    complete_jobs(jobs, 5)
    assert len(jobs.names()) == 6
    with run_lock(left.job_folder):
        jobs.kill(left)
        complete_jobs(jobs, 1)
        assert len(jobs.names()) == 7
    complete_jobs(jobs, 1)
    assert len(jobs.names()) <= 3
    jobs.start(left, jobs.memory())
    jobs.commit(left, 1, ["/resumed.jpg"])
    assert jobs.known() == jobs.expected()


def share_a_number(jobs: Jobs) -> tuple[Plan, Plan]:
    """Start two jobs under one number, as earlier releases did."""
    one, other = jobs.new(), jobs.new()
    jobs.memory().record_start(one)
    jobs.memory().record_start(other)
    (note,) = Path(jobs.root).glob(f"remembered@*/*/*-{other.job_id}")
    note.rename(note.with_name(f"{1:08d}{note.name[8:]}"))
    return one, other


def test_jobs_that_share_a_number_are_merged_together_or_not_at_all(jobs: Jobs) -> None:
    one, other = share_a_number(jobs)
    jobs.numbers.update({one.job_id: 1, other.job_id: 1})
    for child in range(CHILDREN):
        jobs.commit(one, child, [f"/one-{child}.jpg"])
    complete_jobs(jobs, 5)
    for child in range(CHILDREN):
        jobs.commit(other, child, [f"/other-{child}.jpg"])
    assert jobs.known() == jobs.expected()
    complete_jobs(jobs, 5)
    assert len(jobs.names()) <= 3
    assert jobs.known() == jobs.expected()


def test_readers_agree_on_a_photo_of_two_jobs_that_share_a_number(jobs: Jobs) -> None:
    for plan in share_a_number(jobs):
        for child in range(CHILDREN):
            jobs.commit(plan, child, ["/same.jpg"])
    known = jobs.known()
    complete_jobs(jobs, 8)
    assert jobs.known()["/same.jpg"] == known["/same.jpg"]


def test_a_start_that_was_planned_before_a_merge_comes_after_it(jobs: Jobs) -> None:
    slow = jobs.memory()
    complete_jobs(jobs, 6)
    assert any(name.endswith("-merged") for name in jobs.names())
    plan = jobs.new()
    jobs.numbers[plan.job_id] = slow.record_start(plan)
    jobs.commit(plan, 0, ["/late.jpg"])
    assert "/late.jpg" in jobs.known()


def test_temporary_files_of_killed_processes_are_deleted_by_the_next_start(jobs: Jobs) -> None:
    complete_jobs(jobs, 1)
    (folder,) = Path(jobs.root).glob("remembered@*/*/")
    left = [folder / ".facerec-a", folder.parent / ".facerec-b"]
    for path in left:
        path.write_bytes(b"/photo.jpg")
    complete_jobs(jobs, 1)
    assert not any(path.exists() for path in left)


def test_a_line_with_a_damaged_number_of_faces_is_not_remembered(jobs: Jobs) -> None:
    complete_jobs(jobs, 1)
    (plan,) = jobs.plans.values()
    uri = remembered_uri(plan.job_folder, 0)
    lines = jobs.objects.read(uri).decode().splitlines()
    damaged = lines[0].rpartition("\t")[0] + "\tmany"
    jobs.objects.write(uri, "".join(f"{line}\n" for line in [damaged, *lines[1:]]).encode())
    assert lines[0].split("\t")[0] not in jobs.known()
    assert len(jobs.known()) == len(jobs.expected()) - 1
