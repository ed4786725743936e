"""The status of an execution is the same status of its job at every door.

Moto calls an execution that was stopped FAILED in some answers. So this Step Functions answers as
documented
(https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html):
``error`` and ``cause`` only in ``describe_execution``, ``stopDate`` only after the end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.cli import jobs_shown as commands
from facerec.cli.main import main
from facerec.cli.services import ShownJobs
from facerec.core.schemas import violation
from facerec.jobs.aws.executions import STATUSES, Executions
from facerec.jobs.aws.jobs import AwsJobs
from facerec.jobs.aws.planning_notes import listing_notes
from facerec.jobs.ledger.report import read_report, write_report
from facerec.jobs.plan import Plan
from tests.support.gallery import Collaborators
from tests.support.jobs import LocalJob, write_manifest
from tests.support.memory_objects import MemoryObjects

STATE_MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:facerec"
NAME = "staff-20261122-101500-3f2a9b1c0d4e5f60"
EXECUTION = f"{STATE_MACHINE.replace(':stateMachine:', ':execution:')}:{NAME}"


@dataclass
class StepFunctions:
    """A client of Step Functions with one execution.

    Attributes:
        status: Status of the execution.
        error: The error that it failed with, or None.
        plan: The plan of the job, or None before there is one.
        options: Further fields of its input.
    """

    status: str
    error: str | None = None
    plan: Plan | None = None
    options: Mapping[str, object] = field(default_factory=dict)

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        assert executionArn == EXECUTION
        given = {"collection_id": "staff", "manifest": "s3://bucket/photos.txt"}
        document = json.dumps({**given, **self.options})
        failed = {} if self.error is None else {"error": self.error, "cause": "one line"}
        return {**self._listed(), "input": document, **failed}

    def list_executions(self, **_request: object) -> dict[str, Any]:
        return {"executions": [self._listed()]}

    def get_execution_history(self, **_request: object) -> dict[str, Any]:
        if self.plan is None:
            return {"events": []}
        planned = {"job_name": "job", **{name: getattr(self.plan, name) for name in PLANNED}}
        output = json.dumps({"refused": False, **planned})
        return {"events": [{"stateExitedEventDetails": {"name": "Plan", "output": output}}]}

    def _listed(self) -> dict[str, Any]:
        listed = {
            "executionArn": EXECUTION,
            "stateMachineArn": STATE_MACHINE,
            "name": NAME,
            "status": self.status,
            "startDate": datetime(2026, 11, 22, 10, 15, tzinfo=UTC),
        }
        if self.status not in ("RUNNING", "PENDING_REDRIVE"):
            listed["stopDate"] = datetime(2026, 11, 22, 10, 20, tzinfo=UTC)
        return listed


PLANNED = ("job_id", "job_folder", "children")
"""What the output of planning has of a plan."""

CASES = [
    ("RUNNING", None, "RUNNING"),
    ("PENDING_REDRIVE", None, "RUNNING"),
    ("SUCCEEDED", None, "SUCCEEDED"),
    ("ABORTED", None, "CANCELLED"),
    ("TIMED_OUT", None, "INCOMPLETE"),
    ("TIMED_OUT", "States.Timeout", "INCOMPLETE"),
    ("FAILED", "JobIncomplete", "INCOMPLETE"),
    ("FAILED", "TooManyFailures", "FAILED"),
    ("FAILED", "FirstPhotosFailedError", "FAILED"),
    ("FAILED", "JobDeletedError", "FAILED"),
    ("FAILED", "CollectionNotFoundError", "FAILED"),
    ("FAILED", None, "FAILED"),
]


@pytest.mark.parametrize(("execution", "error", "expected"), CASES)
def test_an_execution_has_one_status_at_every_door(
    execution: str,
    error: str | None,
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = StepFunctions(execution, error)
    service = AwsJobs(Executions(STATE_MACHINE, client), MemoryObjects(), "s3://bucket/jobs/")
    monkeypatch.setattr(commands, "open_jobs", lambda _stack, _data: ShownJobs(service, 0.0))

    assert (
        shown_by_commands()
        == shown_by_rest(service, tmp_path)
        == {"status": expected, "list": expected}
    )


@pytest.mark.parametrize(("execution", "error", "expected"), CASES)
@pytest.mark.parametrize("reported", [False, True])
def test_the_report_of_an_execution_has_the_status_of_its_job(
    execution: str,
    error: str | None,
    expected: str,
    reported: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = LocalJob(tmp_path, write_manifest(tmp_path / "photos.jsonl", ["1.jpg", "2.jpg"]))
    if reported:
        write_report(job.plan, job.objects, tolerated_failure_percentage=5)
    client = StepFunctions(execution, error, job.plan)
    service = AwsJobs(Executions(STATE_MACHINE, client), job.objects, "s3://bucket/jobs/")
    monkeypatch.setattr(commands, "open_jobs", lambda _stack, _data: ShownJobs(service, 0.0))

    command = ["jobs", "report", NAME, "--stack", "facerec"]
    shown = CliRunner().invoke(main, command).output
    document = json.loads(CliRunner().invoke(main, [*command, "--json"]).stdout)

    assert f"Job {job.plan.job_id}: {expected.lower()}" in shown
    assert document["status"] == expected
    assert violation("report", document) is None
    answered = service.get(NAME).to_json()
    assert answered["status"] == expected
    assert answered["report"] is None or answered["report"]["status"] == expected


@pytest.mark.parametrize("status", ["RUNNING", "ABORTED", "TIMED_OUT"])
@pytest.mark.parametrize(
    ("options", "expected"), [({"tolerated_failure_percentage": 50}, 50), ({}, 5)]
)
def test_the_report_of_an_execution_has_the_tolerance_of_its_input(
    status: str,
    options: dict[str, object],
    expected: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = LocalJob(tmp_path, write_manifest(tmp_path / "photos.jsonl", ["1.jpg"]))
    client = StepFunctions(status, plan=job.plan, options=options)
    service = AwsJobs(Executions(STATE_MACHINE, client), job.objects, "s3://bucket/jobs/")
    monkeypatch.setattr(commands, "open_jobs", lambda _stack, _data: ShownJobs(service, 0.0))

    command = ["jobs", "report", NAME, "--stack", "facerec", "--json"]
    document = json.loads(CliRunner().invoke(main, command).stdout)

    assert document["tolerated_failure_percentage"] == expected
    stored = read_report(job.objects, job.plan.job_folder)
    assert stored.tolerated_failure_percentage == expected


def test_every_status_of_an_execution_is_a_case() -> None:
    assert {status for status, _, _ in CASES} == set(STATUSES)


def test_objects_listed_so_far_are_shown_while_a_job_is_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects, times = MemoryObjects(), iter([0.0, 11.0, 11.0])
    listing_notes(objects, "s3://bucket/jobs/", NAME, lambda: next(times))(3_000_000)
    client = StepFunctions("RUNNING")
    service = AwsJobs(Executions(STATE_MACHINE, client), objects, "s3://bucket/jobs/")
    monkeypatch.setattr(commands, "open_jobs", lambda _stack, _data: ShownJobs(service, 0.0))

    shown = CliRunner().invoke(main, ["jobs", "status", NAME, "--stack", "facerec"])
    assert "3,000,000 objects listed so far" in shown.output
    assert job_by_rest(service, tmp_path)["listed"] == 3_000_000
    client.status = "ABORTED"
    assert job_by_rest(service, tmp_path)["listed"] is None


def shown_by_commands() -> dict[str, str]:
    """Return the status that ``facerec jobs status`` and ``list`` show."""

    def run(*words: str) -> Any:  # noqa: ANN401 - JSON
        result = CliRunner().invoke(main, ["jobs", *words, "--stack", "facerec", "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    (listed,) = run("list")["jobs"]
    return {"status": run("status", NAME)["status"], "list": listed["status"]}


def shown_by_rest(service: AwsJobs, folder: Path) -> dict[str, str]:
    """Return the status that ``GET /api/v1/jobs`` and ``/api/v1/jobs/{id}`` answer."""
    (listed,) = rest_client(service, folder).get("/api/v1/jobs").json()["jobs"]
    return {"status": job_by_rest(service, folder)["status"], "list": listed["status"]}


def job_by_rest(service: AwsJobs, folder: Path) -> dict[str, Any]:
    """Return what ``GET /api/v1/jobs/{id}`` answers."""
    answer: dict[str, Any] = rest_client(service, folder).get(f"/api/v1/jobs/{NAME}").json()
    return answer


def rest_client(service: AwsJobs, folder: Path) -> TestClient:
    app = create_app(
        Collaborators.in_folder(folder).gallery(), AppSettings(OpenGuard(), jobs=service)
    )
    return TestClient(app, base_url="http://localhost")
