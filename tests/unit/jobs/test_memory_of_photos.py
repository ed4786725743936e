"""The memory of a collection knows all photos of its jobs, whichever process merges them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from facerec.jobs.plan import Plan
from facerec.jobs.planned_collection import collection_of
from facerec.jobs.remembered import runs
from facerec.jobs.remembered.photos import RememberedPhoto
from facerec.jobs.remembered.runs import Memory, write_photos
from facerec.jobs.run_lock import run_lock
from facerec.jobs.start_order import RunStart, read_start, write_start
from facerec.storage.objects.local import LocalObjects
from tests.support.jobs import LocalJob, write_manifest
from tests.support.jobs import write_photos as photos_in

CHILDREN = 2


class Jobs:
    """Jobs of one collection, and what should be known of their photos."""

    def __init__(self, folder: Path) -> None:
        manifest = write_manifest(folder / "any.jsonl", photos_in(folder / "photos", 1))
        job = LocalJob(folder, manifest)
        self.first, self.root, self.objects = job.plan, f"{folder}/jobs/", LocalObjects()
        self.objects.delete_folder(self.root)
        self.plans: dict[str, Plan] = {}
        self.numbers: dict[str, int] = {}
        self.lines: dict[str, dict[str, str]] = {}

    def memory(self) -> Memory:
        return Memory(self.objects, self.root, collection_of(self.first))

    def new(self) -> Plan:
        name = f"job-{len(self.plans)}"
        folder = f"{self.root}{name}/"
        plan = replace(self.first, job_id=name, job_folder=folder, children=CHILDREN, stripes=1)
        self.objects.write(f"{folder}plan.json", json.dumps(plan.to_json()).encode())
        self.plans[name], self.lines[name] = plan, {}
        return plan

    def start(self, plan: Plan, memory: Memory) -> int:
        number = memory.note(plan)
        self.numbers[plan.job_id] = number
        return number

    def commit(self, plan: Plan, child: int, photos: list[str]) -> None:
        lines = {
            uri: RememberedPhoto(uri, "", plan.job_id, "s", "INDEXED", "k", 1).to_line()
            for uri in photos
        }
        write_photos(self.objects, plan.job_folder, child, lines.values())
        self.lines[plan.job_id].update(lines)

    def kill(self, plan: Plan) -> None:
        """Let the last start of a job be long ago."""
        number = read_start(self.objects, plan).number
        write_start(self.objects, plan.job_folder, RunStart(number, 0.0))

    def expected(self) -> dict[str, str]:
        known: dict[str, str] = {}
        for job_id in sorted(self.numbers, key=self.numbers.__getitem__):
            known.update(self.lines[job_id])
        return known

    def known(self) -> dict[str, str]:
        return {uri: line for uri, _, _, line in self.memory().newest()}

    def names(self) -> list[str]:
        return [Path(run.note).name for run in self.memory().runs]


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    monkeypatch.setattr(runs, "MERGED_FROM", 3)
    return Jobs(tmp_path)


def complete_jobs(jobs: Jobs, count: int) -> None:
    for _ in range(count):
        plan, memory = jobs.new(), jobs.memory()
        number = jobs.start(plan, memory)
        for child in range(CHILDREN):
            jobs.commit(plan, child, [f"/{plan.job_id}-{child}.jpg"])
        memory.merge_runs(before=number)


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


def test_jobs_that_share_a_number_are_merged_together_or_not_at_all(jobs: Jobs) -> None:
    first, second = jobs.memory(), jobs.memory()
    one, other = jobs.new(), jobs.new()
    assert first.note(one) == second.note(other)
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
    memories = jobs.memory(), jobs.memory()
    for memory in memories:
        plan = jobs.new()
        memory.note(plan)
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
    jobs.numbers[plan.job_id] = slow.note(plan)
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
