"""Executions of the state machine, one for each run of a job: the only Step Functions client."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from facerec.core.aws_errors import aws_errors
from facerec.core.aws_region import aws_region
from facerec.errors import ConfigurationError, InvalidInputError, JobNotFoundError
from facerec.jobs.status import JobStatus

_FIRST_EVENTS = 100
"""Number of events to read from the start of an execution; they always include the end of its
planning, and of a second one after a restoration."""

STATUSES = {
    "RUNNING": JobStatus.RUNNING,
    "PENDING_REDRIVE": JobStatus.RUNNING,
    "SUCCEEDED": JobStatus.SUCCEEDED,
    "FAILED": JobStatus.FAILED,
    "ABORTED": JobStatus.CANCELLED,
    "TIMED_OUT": JobStatus.INCOMPLETE,
}
"""Status of a job by the status of its execution
(https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html)."""


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution of the state machine.

    Attributes:
        name: Name chosen when it was started.
        arn: ARN of the execution.
        status: The status of the job. In listings, a job that is INCOMPLETE is FAILED, since
            listings do not state the error of an execution.
        started: Seconds since 1970.
        ended: Seconds since 1970; None while it runs.
        document: Execution input; empty in listings.
        output: Output of a successful execution; empty for any other, and in listings.
        cause: Cause of a failure, in one line; None without one, and in listings.
    """

    name: str
    arn: str
    status: JobStatus
    started: float
    ended: float | None
    document: Mapping[str, Any]
    output: Mapping[str, Any]
    cause: str | None


@dataclass(frozen=True, slots=True)
class ExecutionPlan:
    """The output of the planning step of an execution.

    Attributes:
        job_id: Id of the plan; several executions may share it.
        job_folder: Uri of the folder, with the final ``/``.
        job_name: Prefix of the names of its jobs in AWS Batch.
        children: Number of children.
    """

    job_id: str
    job_folder: str
    job_name: str
    children: int


class Executions:
    """The executions of one state machine. Its methods also raise the errors of ``aws_errors``."""

    def __init__(self, state_machine: str, client: Any = None) -> None:  # noqa: ANN401
        """Create a client of the state machine with an ARN.

        ``client`` is boto3's client to use; None creates one.
        """
        if client is None:
            import boto3

            with aws_errors("Step Functions"):
                client = boto3.client("stepfunctions", region_name=aws_region())
        self._state_machine, self._client = state_machine, client

    def start(self, document: Mapping[str, Any]) -> Execution:
        """Start an execution, and return it; its name begins with the collection and the time.

        Args:
            document: The execution input (``schemas/execution-input.json``).

        Raises:
            InvalidInputError: Step Functions refused the input.
            ConfigurationError: The state machine does not exist.
        """
        readable = re.sub(r"[^A-Za-z0-9_-]", "-", document["collection_id"])[:40]
        now = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        name = f"{readable}-{now}-{secrets.token_hex(8)}"
        with _errors(name):
            response = self._client.start_execution(
                stateMachineArn=self._state_machine, name=name, input=json.dumps(document)
            )
        return Execution(
            name=name,
            arn=response["executionArn"],
            status=JobStatus.RUNNING,
            started=response["startDate"].timestamp(),
            ended=None,
            document=document,
            output={},
            cause=None,
        )

    def describe(self, name: str) -> Execution:
        """Return an execution by its name or ARN.

        Raises:
            JobNotFoundError: The execution does not exist.
        """
        with _errors(name):
            return _execution(self._client.describe_execution(executionArn=self._arn(name)))

    def list(self, limit: int, status: str | None = None) -> list[Execution]:
        """Return the newest executions, newest first, without inputs, outputs and causes.

        Args:
            limit: Maximum number of executions, 1 to 1000.
            status: Only executions with this status of Step Functions; None for all.

        Raises:
            ConfigurationError: The state machine does not exist.
        """
        request: dict[str, Any] = {"stateMachineArn": self._state_machine, "maxResults": limit}
        if status is not None:
            request["statusFilter"] = status
        with _errors(""):
            response = self._client.list_executions(**request)
        return [_execution(execution) for execution in response["executions"]]

    def plan(self, name: str) -> ExecutionPlan | None:
        """Return the plan of an execution; after a restoration, it may have planned twice.

        Returns None if the execution has no plan yet, migrates a collection, or its input was
        refused.

        Raises:
            JobNotFoundError: The execution does not exist.
        """
        with _errors(name):
            history = self._client.get_execution_history(
                executionArn=self._arn(name), maxResults=_FIRST_EVENTS, includeExecutionData=True
            )
        last = None
        for event in history["events"]:
            exited = event.get("stateExitedEventDetails", {})
            if exited.get("name") == "Plan":
                plan = json.loads(exited["output"])
                if plan["refused"] or plan.get("migrates"):
                    return None
                last = ExecutionPlan(*(plan[field] for field in ExecutionPlan.__slots__))
        return last

    def stop(self, name: str) -> None:
        """End an execution; Step Functions ends the jobs of AWS Batch that it waits for.

        Raises:
            JobNotFoundError: The execution does not exist.
        """
        with _errors(name):
            self._client.stop_execution(executionArn=self._arn(name), cause="the job was cancelled")

    def _arn(self, name: str) -> str:
        if name.startswith("arn:"):
            return name
        return f"{self._state_machine.replace(':stateMachine:', ':execution:')}:{name}"


def _errors(name: str) -> AbstractContextManager[None]:
    return aws_errors(
        "Step Functions",
        f"job {name!r}" if name else "the list of jobs",
        missing=JobNotFoundError(name),
        codes={
            "StateMachineDoesNotExist": ConfigurationError(
                "the state machine that runs jobs does not exist",
                "check the name of the stack, and deploy it again if it was deleted",
            ),
            "InvalidExecutionInput": InvalidInputError("Step Functions refused the input"),
        },
    )


def _execution(found: Mapping[str, Any]) -> Execution:
    ended = found.get("stopDate")
    status = STATUSES[found["status"]]
    if found.get("error") == "JobIncomplete":
        status = JobStatus.INCOMPLETE
    return Execution(
        name=found["name"],
        arn=found["executionArn"],
        status=status,
        started=found["startDate"].timestamp(),
        ended=None if ended is None else ended.timestamp(),
        document=json.loads(found.get("input") or "{}"),
        output=json.loads(found.get("output") or "{}"),
        cause=found.get("cause") or found.get("error"),
    )
