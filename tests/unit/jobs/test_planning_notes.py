"""How many objects were listed is shown while a job is planned."""

from __future__ import annotations

from pathlib import Path

import pytest

from facerec.jobs.aws.planning_notes import INTERVAL, listing_notes, read_listed
from facerec.jobs.planning import source
from facerec.jobs.planning.planner import plan_job
from facerec.storage.objects.local import LocalObjects
from facerec.storage.sqlite import SqliteStore
from tests.support.jobs import job_input, write_photos
from tests.support.memory_objects import MemoryObjects

ROOT = "s3://work/jobs/"


def test_a_note_is_written_now_and_then() -> None:
    objects, times = MemoryObjects(), iter([0.0, 1.0, INTERVAL, INTERVAL, INTERVAL + 1])
    note = listing_notes(objects, ROOT, "run-1", lambda: next(times))
    assert read_listed(objects, ROOT, "run-1") is None
    note(1000)
    assert read_listed(objects, ROOT, "run-1") is None
    note(2000)
    assert read_listed(objects, ROOT, "run-1") == 2000
    note(3000)
    assert read_listed(objects, ROOT, "run-1") == 2000


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"listed": "1"}'])
def test_a_damaged_note_says_nothing(content: bytes) -> None:
    objects = MemoryObjects()
    objects.write(f"{ROOT}planning/run-1.json", content)
    assert read_listed(objects, ROOT, "run-1") is None


def test_planning_a_folder_counts_what_it_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "COUNTED_AT_ONCE", 10)
    write_photos(tmp_path / "photos", 25)
    counted: list[int] = []
    with SqliteStore(tmp_path / "store.sqlite") as records:
        plan_job(
            job_input(tmp_path / "photos"),
            LocalObjects(),
            records,
            jobs_root=f"{tmp_path}/jobs/",
            model_version="fake-1",
            on_listed=counted.append,
        )
    assert counted == [10, 20]
