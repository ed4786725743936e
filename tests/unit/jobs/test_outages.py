"""When children do not start because a store is down."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from facerec.jobs.child import outages
from facerec.jobs.child.outages import WINDOW, forget_outages, is_store_down, note_outage
from tests.support.memory_objects import MemoryObjects

FOLDER = "s3://work/jobs/1/"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=1_800_000_000.0)
    monkeypatch.setattr(outages, "time", SimpleNamespace(time=lambda: clock.now))
    return clock


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects()


def test_a_child_that_fails_again_and_again_stops_no_other(objects: MemoryObjects) -> None:
    for _ in range(8):
        note_outage(objects, FOLDER, 0, child=7)
    assert not is_store_down(objects, FOLDER, 0)


def test_three_children_that_find_a_store_down_stop_the_others(objects: MemoryObjects) -> None:
    for child in range(3):
        assert not is_store_down(objects, FOLDER, 0)
        note_outage(objects, FOLDER, 0, child)
    assert is_store_down(objects, FOLDER, 0)


def test_a_submission_asks_the_store_again(objects: MemoryObjects) -> None:
    for child in range(3):
        note_outage(objects, FOLDER, 1, child)
    assert not is_store_down(objects, FOLDER, 10)


def test_a_job_that_is_started_again_asks_the_store_at_once(objects: MemoryObjects) -> None:
    for child in range(3):
        note_outage(objects, FOLDER, 0, child)
        note_outage(objects, FOLDER, 1, child)
    forget_outages(objects, FOLDER)
    assert not is_store_down(objects, FOLDER, 0)
    assert not is_store_down(objects, FOLDER, 1)


def test_old_notes_do_not_count(objects: MemoryObjects, clock: SimpleNamespace) -> None:
    note_outage(objects, FOLDER, 0, 0)
    clock.now += WINDOW - 1
    for child in (1, 2):
        note_outage(objects, FOLDER, 0, child)
    assert is_store_down(objects, FOLDER, 0)
    clock.now += 2
    assert not is_store_down(objects, FOLDER, 0)
