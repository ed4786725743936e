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
NOW = 1_700_000_000.0
FOLDER = WatchedFolder("s3://photos/incoming/", "staff", prune=True)


class FakeExecutions:
    """Executions that run until a test ends them."""

    def __init__(self) -> None:
        self.running: list[Execution] = []
        self.ended: list[Execution] = []
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
        return next(found for found in [*self.running, *self.ended] if found.name == name)

    def end(self, status: JobStatus, at: float) -> None:
        self.ended += [replace(found, status=status, ended=at) for found in self.running]
        self.running.clear()


@pytest.fixture
def executions() -> Any:  # noqa: ANN401 - a fake
    return FakeExecutions()


def test_without_a_change_nothing_starts(executions: Any) -> None:  # noqa: ANN401
    assert FolderChanges(MemoryObjects(), ROOT).start_job(FOLDER, executions, now=NOW) is None


def test_a_change_starts_one_job(executions: Any) -> None:  # noqa: ANN401
    changes = FolderChanges(MemoryObjects(), ROOT)
    changes.note()
    changes.note()
    assert changes.start_job(FOLDER, executions, now=NOW) == "run-1"
    executions.end(JobStatus.SUCCEEDED, NOW)
    assert changes.start_job(FOLDER, executions, now=NOW) is None


def test_a_change_during_a_job_is_indexed_by_the_next(executions: Any) -> None:  # noqa: ANN401
    changes = FolderChanges(MemoryObjects(), ROOT)
    changes.note()
    changes.start_job(FOLDER, executions, now=NOW)
    changes.note()
    assert changes.start_job(FOLDER, executions, now=NOW) is None
    executions.end(JobStatus.SUCCEEDED, NOW)
    assert changes.start_job(FOLDER, executions, now=NOW) == "run-2"


def test_jobs_of_other_folders_hold_up_nothing(executions: Any) -> None:  # noqa: ANN401
    executions.start({"collection_id": "staff", "manifest": "s3://photos/other/"})
    executions.start({"collection_id": "guests", "manifest": FOLDER.uri})
    changes = FolderChanges(MemoryObjects(), ROOT)
    changes.note()
    assert changes.start_job(FOLDER, executions, now=NOW) == "run-3"


def test_a_job_that_could_not_be_started_is_started_later(executions: Any) -> None:  # noqa: ANN401
    changes = FolderChanges(MemoryObjects(), ROOT)
    changes.note()
    executions.fails = True
    with pytest.raises(StoreUnavailableError):
        changes.start_job(FOLDER, executions, now=NOW)
    executions.fails = False
    assert changes.start_job(FOLDER, executions, now=NOW) == "run-1"


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.INCOMPLETE])
def test_a_job_that_did_not_succeed_is_started_again_after_longer_and_longer_pauses(
    executions: Any,  # noqa: ANN401
    status: JobStatus,
) -> None:
    changes = FolderChanges(MemoryObjects(), ROOT)
    changes.note()
    now, pauses = NOW, []
    for _ in range(14):
        while changes.start_job(FOLDER, executions, now=now) is None:
            now += 60
        pauses.append(now - (executions.ended[-1].ended if executions.ended else now))
        executions.end(status, now)
    assert pauses[:5] == [0, 0, 300, 600, 1200]
    assert pauses[-1] == 86_400
    changes.note()
    assert changes.start_job(FOLDER, executions, now=now) == "run-15"
    executions.end(JobStatus.SUCCEEDED, now)
    assert changes.start_job(FOLDER, executions, now=now + 10**6) is None


def test_the_input_of_the_job_is_valid() -> None:
    request = read_job_request(FOLDER.document())
    assert (request.manifest, request.prune) == (FOLDER.uri, True)


@pytest.mark.parametrize("name", ["newest.json", "started.json"])
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b'{"odd": 1}', b'{"change": 1}', b'{"change": "a", "failures": "b"}'],
)
def test_a_damaged_record_costs_one_job(
    executions: Any,  # noqa: ANN401
    name: str,
    content: bytes,
) -> None:
    objects = MemoryObjects()
    changes = FolderChanges(objects, ROOT)
    changes.note()
    changes.start_job(FOLDER, executions, now=NOW)
    executions.end(JobStatus.SUCCEEDED, NOW)
    objects.write(ROOT + name, content)
    assert changes.start_job(FOLDER, executions, now=NOW) == "run-2"
    executions.end(JobStatus.SUCCEEDED, NOW)
    assert changes.start_job(FOLDER, executions, now=NOW) is None
