"""The function's report of a whole array's children."""

from __future__ import annotations

import pytest

from benchmarks.report import FAILING, PHOTOS, job_of
from facerec.jobs.ledger.layout import summary_uri
from lambdas.report.handler import summarise_execution
from tests.support.memory_objects import MemoryObjects


@pytest.mark.long
def test_ten_thousand_children_are_added_up_reading_each_once() -> None:
    objects = MemoryObjects()
    folder = job_of(10_000, objects)
    objects.reads = 0

    answer = summarise_execution(objects, folder, 5, written=False)

    assert not answer["failed"]
    assert answer["photos"] == 10_000 * PHOTOS
    assert answer["failed_photos"] == 10_000 * FAILING
    plan_twice_removal_people_and_start = 5
    assert objects.reads <= 10_000 + plan_twice_removal_people_and_start


def test_a_thousand_lost_children_are_counted_and_the_first_named() -> None:
    objects = MemoryObjects()
    folder = job_of(1_100, objects)
    for child in range(100, 1_100):
        objects.delete(summary_uri(folder, child))

    answer = summarise_execution(objects, folder, 5, written=False)

    assert answer["failed"]
    assert answer["error"] == "JobIncomplete"
    assert "1000 of 1100 children are not complete (100, 101, " in answer["cause"]
    assert len(answer["cause"]) < 500
