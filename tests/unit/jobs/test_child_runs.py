"""What each child of a run on AWS notes, and the summary of the run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from facerec.jobs.ledger.child_runs import (
    RunNote,
    add_run_note,
    hand_over_restoration,
    read_run_summary,
    write_run_summary,
)
from facerec.jobs.ledger.layout import started_uri
from facerec.jobs.run_summary import RunSummary
from facerec.jobs.start_order import RunStart, write_start
from tests.support.memory_objects import MemoryObjects

FOLDER = "s3://work/jobs/staff-1/"


def summary(objects: MemoryObjects, *rows: int) -> RunSummary | None:
    write_run_summary(objects, FOLDER, rows)
    return read_run_summary(objects, FOLDER)


def started(number: int) -> MemoryObjects:
    objects = MemoryObjects()
    write_start(objects, FOLDER, RunStart(number, 0.0))
    return objects


def test_rows_that_were_there_before_a_run_are_not_new() -> None:
    objects = started(1)
    add_run_note(objects, FOLDER, RunNote(0, rows_before=4))
    # The second child was complete before.
    assert summary(objects, 10, 7) == RunSummary(6)


def test_a_killed_attempt_is_added_to_the_next_one() -> None:
    objects = started(1)
    add_run_note(objects, FOLDER, RunNote(0, rows_before=4, restored=2, deleted=1))
    add_run_note(objects, FOLDER, RunNote(0, rows_before=8, restored=1, deleted=1))
    add_run_note(objects, FOLDER, RunNote(0, rows_before=9))
    assert summary(objects, 10) == RunSummary(6, faces_restored=3, faces_deleted=1)


def test_each_run_has_its_own_notes() -> None:
    objects = started(1)
    add_run_note(objects, FOLDER, RunNote(0, removed=2))
    write_start(objects, FOLDER, RunStart(2, 0.0))
    add_run_note(objects, FOLDER, replace(RunNote(None), restored=5, returned=1))
    assert summary(objects, 10) == RunSummary(
        0, faces_restored=5, faces_returned=1, collection_restored=True
    )


@pytest.mark.parametrize("planned_again", [FOLDER, "s3://work/jobs/staff-2/"])
def test_a_restoration_counts_in_the_job_that_is_planned_after_it(planned_again: str) -> None:
    objects = started(1)
    add_run_note(objects, FOLDER, replace(RunNote(None), restored=5))
    write_start(objects, planned_again, RunStart(2, 0.0))
    hand_over_restoration(objects, FOLDER, planned_again)
    write_run_summary(objects, planned_again, [0])
    assert read_run_summary(objects, planned_again) == RunSummary(
        0, faces_restored=5, collection_restored=True
    )


def test_a_job_of_an_earlier_release_has_no_summary() -> None:
    assert read_run_summary(MemoryObjects(), FOLDER) is None
    assert summary(MemoryObjects(), 3) == RunSummary(0)


def test_a_damaged_record_of_the_start_does_not_stop_a_run() -> None:
    objects = started(3)
    objects.write(started_uri(FOLDER), b"{damaged")
    add_run_note(objects, FOLDER, RunNote(0, rows_before=4))
    assert summary(objects, 10) == RunSummary(6)
    write_start(objects, FOLDER, RunStart(4, 0.0))
    assert summary(objects, 10) == RunSummary(0)
