"""Changes of a watched folder start one job at a time, and none is missed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from facerec.errors import StoreUnavailableError
from facerec.jobs.aws.executions import Execution
from facerec.jobs.aws.folder_changes import FolderChanges, WatchedFolder
from facerec.jobs.planning.request import read_job_request
from facerec.jobs.status import JobStatus
from tests.support.memory_objects import MemoryObjects

ROOT = "s3://work/changes/"
FOLDER = WatchedFolder("s3://photos/incoming/", "staff", prune=True)


class FakeExecutions:
    """Executions that run until a test ends them."""

    def __init__(self) -> None:
        self.running: list[Execution] = []
        self.started = 0
        self.fails = False

    def start(self, document: Mapping[str, Any]) -> Execution:
        if self.fails:
            raise StoreUnavailableError("Step Functions cannot be reached")
        self.started += 1
        name = f"run-{self.started}"
        found = Execution(name, name, JobStatus.RUNNING, 0.0, None, document, {}, None)
        self.running.append(found)
        return found

    def list(self, _limit: int, status: str | None = None) -> list[Execution]:
        assert status == "RUNNING"
        return [replace(found, document={}) for found in self.running]

    def describe(self, name: str) -> Execution:
        return next(found for found in self.running if found.name == name)


@pytest.fixture
def executions() -> Any:  # noqa: ANN401 - a fake
    return FakeExecutions()


def test_without_a_change_nothing_starts(executions: Any) -> None:  # noqa: ANN401
    assert FolderChanges(MemoryObjects(), ROOT).start_job(FOLDER, executions) is None


def test_a_change_starts_one_job(executions: Any) -> None:  # noqa: ANN401
    changes = FolderChanges(MemoryObjects(), ROOT)
    changes.note()
    changes.note()
    assert changes.start_job(FOLDER, executions) == "run-1"
    executions.running.clear()
    assert changes.start_job(FOLDER, executions) is None


def test_a_change_during_a_job_is_indexed_by_the_next(executions: Any) -> None:  # noqa: ANN401
    changes = FolderChanges(MemoryObjects(), ROOT)
    changes.note()
    changes.start_job(FOLDER, executions)
    changes.note()
    assert changes.start_job(FOLDER, executions) is None
    executions.running.clear()
    assert changes.start_job(FOLDER, executions) == "run-2"


def test_jobs_of_other_folders_hold_up_nothing(executions: Any) -> None:  # noqa: ANN401
    executions.start({"collection_id": "staff", "manifest": "s3://photos/other/"})
    executions.start({"collection_id": "guests", "manifest": FOLDER.uri})
    changes = FolderChanges(MemoryObjects(), ROOT)
    changes.note()
    assert changes.start_job(FOLDER, executions) == "run-3"


def test_a_job_that_could_not_be_started_is_started_later(executions: Any) -> None:  # noqa: ANN401
    changes = FolderChanges(MemoryObjects(), ROOT)
    changes.note()
    executions.fails = True
    with pytest.raises(StoreUnavailableError):
        changes.start_job(FOLDER, executions)
    executions.fails = False
    assert changes.start_job(FOLDER, executions) == "run-1"


def test_the_input_of_the_job_is_valid() -> None:
    request = read_job_request(FOLDER.document())
    assert (request.manifest, request.prune) == (FOLDER.uri, True)
