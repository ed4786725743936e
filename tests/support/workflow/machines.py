"""AWS Batch for tests: the container's entry function runs in this process, by Batch's own rules.

The rules are those that moto does not keep: arrays of 2 to 10,000 jobs, an index for each child, a
parent that fails with one child, and attempts by ``evaluateOnExit`` of the job definition, which
is read from the template.
"""

# ruff: noqa: ANN401 - moto has no static types
from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from moto.batch.exceptions import ClientException
from moto.batch.models import Job
from moto.batch_simple.models import BatchSimpleBackend
from moto.core.exceptions import AWSError

from tests.support.batch_rules import EXITED, RECLAIMED, is_tried_again
from tests.support.stack_template import properties

__all__ = ["EXITED", "RECLAIMED", "Attempt", "Killed", "Machines", "action"]

Container = Callable[[Sequence[str], Mapping[str, str]], int]


class Killed(BaseException):
    """The machine is gone, in mid-work."""


class ServerException(AWSError):  # noqa: N818 - its name on AWS
    """AWS Batch does not answer properly."""

    TYPE = "ServerException"
    STATUS = 500


@dataclass
class Attempt:
    """One attempt at a job, as AWS Batch would describe it."""

    child: int
    number: int
    exit_code: int | None
    status_reason: str


@dataclass
class Machines:
    """Runs the jobs of one test.

    Attributes:
        container: Entry point that maps arguments and environment to an exit code.
        environment: Variables of all containers.
        commands: The command of a job definition by its name; none by default.
        attempts: The attempts in order.
        faults: Number of next submissions that fail with an error of AWS Batch.
    """

    container: Container
    environment: Mapping[str, str]
    commands: Mapping[str, list[str]] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    submissions: list[dict[str, Any]] = field(default_factory=list)
    faults: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Replace moto's handling of submitted jobs."""
        machines = self
        submit, describe = BatchSimpleBackend.submit_job, Job.describe

        def submit_job(backend: Any, *arguments: Any, **named: Any) -> Any:
            machines._admit(named)
            return submit(backend, *arguments, **named)

        def finish(backend: Any, include_start_attempt: bool, job: Job) -> None:
            backend.backend._jobs[job.job_id] = job
            job.job_started_at = datetime.now()
            job._start_attempt()
            job._mark_stopped(success=machines._succeeds(backend.backend, job))

        def describe_job(job: Job) -> dict[str, Any]:
            # moto omits the exit code from the full description.
            described = describe(job)
            if job.exit_code is not None:
                described["container"]["exitCode"] = job.exit_code
            return described

        monkeypatch.setattr(BatchSimpleBackend, "submit_job", submit_job)
        monkeypatch.setattr(Job, "describe", describe_job)
        monkeypatch.setattr(BatchSimpleBackend, "_mark_job_as_finished", finish)

    def _admit(self, request: dict[str, Any]) -> None:
        with self._lock:
            self.faults -= 1
            if self.faults >= 0:
                raise ServerException("try again")
            self.submissions.append(request)
        size = request["array_properties"].get("size")
        if size is not None and not 2 <= size <= 10_000:
            raise ClientException(f"Array size {size} is not from 2 to 10000")

    def _succeeds(self, backend: Any, job: Job) -> bool:
        size = job.array_properties.get("size")
        if size is None:
            return self._run(job)
        children = [backend._jobs[f"{job.job_id}:{index}"] for index in range(size)]
        return all(child.status == "SUCCEEDED" for child in children)

    def _run(self, job: Job) -> bool:
        overrides = job.container_overrides
        named = {entry["name"]: entry["value"] for entry in overrides.get("environment", [])}
        environment = {**self.environment, **named, "AWS_BATCH_JOB_ID": job.job_id}
        if "index" in job.array_properties:
            environment["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.array_properties["index"])
        command = overrides.get("command") or self.commands.get(job.job_definition.name, [])
        child = int(environment.get("FACEREC_CHILD_OFFSET", 0)) + job.array_properties.get(
            "index", 0
        )
        strategy = properties("JobDefinition")["RetryStrategy"]
        for number in range(1, strategy["Attempts"] + 1):
            environment["AWS_BATCH_JOB_ATTEMPT"] = str(number)
            attempt = self._attempt(child, number, command, environment)
            job.exit_code = attempt.exit_code
            with self._lock:
                self.attempts.append(attempt)
            if attempt.exit_code == 0:
                return True
            if action(strategy["EvaluateOnExit"], attempt) == "EXIT":
                return False
        return False

    def _attempt(
        self, child: int, number: int, command: list[str], environment: dict[str, str]
    ) -> Attempt:
        try:
            return Attempt(child, number, self.container(command, environment), EXITED)
        except Killed:
            return Attempt(child, number, None, RECLAIMED)


def action(rules: list[dict[str, str]], attempt: Attempt) -> str:
    """Return what AWS Batch does after an attempt that failed: RETRY or EXIT."""
    retried = is_tried_again(
        [
            {f"{name[:1].lower()}{name[1:]}": value for name, value in rule.items()}
            for rule in rules
        ],
        exit_code=attempt.exit_code,
        status_reason=attempt.status_reason,
    )
    return "RETRY" if retried else "EXIT"
