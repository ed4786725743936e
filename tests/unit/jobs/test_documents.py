"""Small records of job folders are damaged if their values have other types."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from facerec.errors import JobFolderError
from facerec.jobs.difference import Removal
from facerec.jobs.ledger.child_runs import RunNote, add_run_note, read_run_summary
from facerec.jobs.ledger.enrolment_record import Enrolled, read_enrolled
from facerec.jobs.ledger.first_failures import FirstFailures, read_first_failures
from facerec.jobs.ledger.import_record import Imported, read_imported
from facerec.jobs.ledger.layout import (
    enrolled_uri,
    first_failures_uri,
    imported_uri,
    removal_uri,
    run_note_uri,
    run_summary_uri,
    started_uri,
)
from facerec.jobs.ledger.removal_record import read_removal
from facerec.jobs.local.run_record import RunRecord, read_record, write_record
from facerec.jobs.outcomes import Outcome
from facerec.jobs.run_summary import RunSummary
from facerec.jobs.start_order import RunStart, read_start
from facerec.storage.objects.protocol import ObjectStore
from tests.support.memory_objects import MemoryObjects
from tests.support.remembered_jobs import Jobs

FOLDER = "s3://bucket/jobs/staff-1/"

RECORDS: dict[str, tuple[Any, Callable[[MemoryObjects], object]]] = {
    removal_uri(FOLDER): (Removal(1), lambda objects: read_removal(objects, FOLDER)),
    enrolled_uri(FOLDER): (
        Enrolled(*[1] * 9),
        lambda objects: read_enrolled(objects, FOLDER),
    ),
    imported_uri(FOLDER): (Imported(1, 1, 1), lambda objects: read_imported(objects, FOLDER)),
    first_failures_uri(FOLDER): (
        FirstFailures(Outcome.NOT_FOUND, 3, 3),
        lambda objects: read_first_failures(objects, FOLDER),
    ),
    run_summary_uri(FOLDER): (RunSummary(3), lambda objects: read_run_summary(objects, FOLDER)),
    run_note_uri(FOLDER, 0, 0): (
        RunNote(0, rows_before=3),
        lambda objects: add_run_note(objects, FOLDER, RunNote(0, restored=1)),
    ),
}
"""Records by address, with what reads them."""


@pytest.mark.parametrize("uri", list(RECORDS))
def test_a_record_with_values_of_other_types_is_damaged(uri: str) -> None:
    record, read = RECORDS[uri]
    refuses_other_types(MemoryObjects(), uri, record, read)


def test_a_record_of_a_start_with_values_of_other_types_is_damaged(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, MemoryObjects(), FOLDER)
    plan = jobs.new()
    uri = started_uri(plan.job_folder)
    refuses_other_types(
        jobs.objects, uri, RunStart(3, 5.0), lambda objects: read_start(objects, plan)
    )
    jobs.objects.delete(uri)
    assert read_start(jobs.objects, plan).number == 0


def refuses_other_types(
    objects: ObjectStore,
    uri: str,
    record: Any,  # noqa: ANN401 - a dataclass
    read: Callable[[Any], object],
) -> None:
    sound = json.loads(json.dumps(asdict(record)))
    objects.write(uri, json.dumps(sound).encode())
    read(objects)
    for name in sound:
        # The id of a job is any text.
        for odd in ("seven", [7], {"a": 7})[name == "followed_by" :]:
            objects.write(uri, json.dumps({**sound, name: odd}).encode())
            with pytest.raises(JobFolderError, match="damaged"):
                read(objects)
    objects.write(uri, b'[{"number": 7}]')
    with pytest.raises(JobFolderError, match="damaged"):
        read(objects)


def test_a_record_of_a_run_with_values_of_other_types_is_none(tmp_path: Path) -> None:
    record = RunRecord(1.0, 5, started_at=2.0, run={"new_photos": 3})
    write_record(str(tmp_path), record)
    assert read_record(str(tmp_path)) == record
    for odd in ({"started_at": "today"}, {"submitted_at": None}, {"run": 3}, {"odd": 3}):
        (tmp_path / "run.json").write_text(json.dumps({**asdict(record), **odd}))
        assert read_record(str(tmp_path)) is None
    (tmp_path / "run.json").write_text("[]")
    assert read_record(str(tmp_path)) is None
