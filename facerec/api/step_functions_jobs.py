"""Jobs as executions of the state machine on AWS."""

from __future__ import annotations

import json
import re
import uuid
from contextlib import AbstractContextManager
from typing import Any

from facerec.api.jobs import JobState
from facerec.core.aws_errors import aws_errors
from facerec.errors import (
    ConfigurationError,
    FacerecError,
    InvalidInputError,
    JobNotFoundError,
)
from facerec.jobs.request import read_execution_input
from facerec.storage.objects.protocol import ObjectStore

_STATUSES = {"RUNNING": "RUNNING", "PENDING_REDRIVE": "RUNNING", "SUCCEEDED": "SUCCEEDED"}
"""What Step Functions says of an execution that has not failed, in the words of jobs."""

_NAME_LENGTH = 40


def open_step_functions_jobs(
    state_machine: str, objects: ObjectStore, region: str | None = None
) -> StepFunctionsJobs:
    """Return the jobs of a state machine, with the environment's credentials."""
    import boto3

    return StepFunctionsJobs(
        boto3.client("stepfunctions", region_name=region), state_machine, objects
    )


class StepFunctionsJobs:
    """A ``JobStarter``; a job's id is the name of its execution."""

    def __init__(self, client: Any, state_machine: str, objects: ObjectStore) -> None:  # noqa: ANN401
        """Take the parts.

        Args:
            client: boto3's client of Step Functions.
            state_machine: its ARN.
            objects: where reports are read.
        """
        self._client, self._state_machine, self._objects = client, state_machine, objects

    def start(self, document: dict[str, Any]) -> JobState:
        """See ``JobStarter``. Each start is an execution; what is indexed already stays so."""
        job = read_execution_input(document)
        readable = re.sub(r"[^A-Za-z0-9_-]", "-", job.collection_id)[:_NAME_LENGTH]
        name = f"{readable}-{uuid.uuid4().hex}"
        with self._errors(name):
            answer = self._client.start_execution(
                stateMachineArn=self._state_machine, name=name, input=json.dumps(document)
            )
        return JobState(name, job.collection_id, "RUNNING", answer["startDate"].timestamp())

    def state(self, job_id: str) -> JobState:
        """See ``JobStarter``."""
        arn = self._state_machine.replace(":stateMachine:", ":execution:")
        with self._errors(job_id):
            found = self._client.describe_execution(executionArn=f"{arn}:{job_id}")
        given = json.loads(found.get("input", "{}"))
        output = json.loads(found.get("output") or "{}")
        cause = found.get("cause")
        return JobState(
            job_id,
            given.get("collection_id"),
            _STATUSES.get(found["status"], "FAILED"),
            found["startDate"].timestamp(),
            images=output.get("images"),
            report=self._report(output.get("report")),
            error=cause or found.get("error"),
        )

    def states(self, limit: int) -> list[JobState]:
        """See ``JobStarter``; the list says nothing of collections and reports."""
        with self._errors(""):
            found = self._client.list_executions(
                stateMachineArn=self._state_machine, maxResults=limit
            )
        return [
            JobState(
                one["name"],
                None,
                _STATUSES.get(one["status"], "FAILED"),
                one["startDate"].timestamp(),
            )
            for one in found["executions"]
        ]

    def close(self) -> None:
        """See ``JobStarter``: executions go on without anybody."""

    def _report(self, uri: str | None) -> dict[str, Any] | None:
        if uri is None:
            return None
        try:
            report: dict[str, Any] = json.loads(self._objects.read(uri))
        except FacerecError:
            # the job's folder may have been deleted since
            return None
        return report

    @staticmethod
    def _errors(job_id: str) -> AbstractContextManager[None]:
        return aws_errors(
            "Step Functions",
            "the state machine that runs jobs",
            missing=JobNotFoundError(job_id),
            codes={
                "StateMachineDoesNotExist": ConfigurationError(
                    "the state machine that runs jobs does not exist"
                ),
                "InvalidExecutionInput": InvalidInputError("Step Functions refuses the input"),
            },
        )
