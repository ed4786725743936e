"""Executions of the state machine: one for each time that a job is started."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from facerec.core.aws_errors import aws_errors

_FIRST_EVENTS = 30
"""Of an execution, among which the end of its planning is."""


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution.

    Attributes:
        name: chosen when it was started.
        arn: of the execution.
        status: RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED or PENDING_REDRIVE.
        started: seconds since 1970.
        ended: the like, None while it runs.
        document: its input; empty where it was not asked for.
        output: of a success.
        error: the name of a failure.
        cause: of a failure, one line.
    """

    name: str
    arn: str
    status: str
    started: float
    ended: float | None
    document: Mapping[str, Any]
    output: Mapping[str, Any]
    error: str | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """What an execution has planned.

    Attributes:
        job_id: of the job; several executions may have the same.
        job_folder: its uri with the final ``/``.
        job_name: what the names of its jobs in AWS Batch begin with.
        children: how many there are.
    """

    job_id: str
    job_folder: str
    job_name: str
    children: int


class Executions:
    """The executions of one state machine."""

    def __init__(self, state_machine: str, client: Any = None) -> None:  # noqa: ANN401
        """Take its ARN, and boto3's client of Step Functions if there is one."""
        if client is None:
            import boto3

            with aws_errors("Step Functions"):
                client = boto3.client("stepfunctions")
        self._state_machine, self._client = state_machine, client

    def start(self, document: Mapping[str, Any]) -> Execution:
        """Start an execution whose name begins with the collection and the time.

        Args:
            document: the input, see ``schemas/execution-input.json``.
        """
        readable = re.sub(r"[^A-Za-z0-9_-]", "-", document["collection_id"])[:40]
        moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        name = f"{readable}-{moment}-{secrets.token_hex(2)}"
        with aws_errors("Step Functions", "the state machine"):
            answer = self._client.start_execution(
                stateMachineArn=self._state_machine, name=name, input=json.dumps(document)
            )
        return self.describe(answer["executionArn"])

    def describe(self, name: str) -> Execution:
        """Describe an execution.

        Args:
            name: its name or ARN.

        Raises:
            NotFoundError: there is none.
        """
        arn = name if name.startswith("arn:") else self._arn(name)
        with aws_errors("Step Functions", f"the job {name!r}"):
            return _execution(self._client.describe_execution(executionArn=arn))

    def newest(self, limit: int, status: str | None = None) -> list[Execution]:
        """List executions, the newest first, without their inputs and outputs."""
        request: dict[str, Any] = {"stateMachineArn": self._state_machine, "maxResults": limit}
        if status is not None:
            request["statusFilter"] = status
        with aws_errors("Step Functions", "the list of jobs"):
            return [
                _execution(one) for one in self._client.list_executions(**request)["executions"]
            ]

    def planned(self, arn: str) -> PlannedJob | None:
        """Return what an execution has planned, None before that, or if its input was refused."""
        with aws_errors("Step Functions", "the history of the job"):
            history = self._client.get_execution_history(
                executionArn=arn, maxResults=_FIRST_EVENTS, includeExecutionData=True
            )
        for event in history["events"]:
            ended = event.get("stateExitedEventDetails", {})
            if ended.get("name") == "Plan":
                plan = json.loads(ended["output"])
                if plan["refused"]:
                    return None
                return PlannedJob(*(plan[name] for name in PlannedJob.__slots__))
        return None

    def stop(self, arn: str) -> None:
        """End an execution; Step Functions ends the jobs of AWS Batch that it waits for."""
        with aws_errors("Step Functions", "the job"):
            self._client.stop_execution(executionArn=arn, cause="cancelled by facerec jobs cancel")

    def _arn(self, name: str) -> str:
        return f"{self._state_machine.replace(':stateMachine:', ':execution:')}:{name}"


def _execution(found: Mapping[str, Any]) -> Execution:
    ended = found.get("stopDate")
    return Execution(
        name=found["name"],
        arn=found["executionArn"],
        status=found["status"],
        started=found["startDate"].timestamp(),
        ended=None if ended is None else ended.timestamp(),
        document=json.loads(found.get("input") or "{}"),
        output=json.loads(found.get("output") or "{}"),
        error=found.get("error"),
        cause=found.get("cause"),
    )
