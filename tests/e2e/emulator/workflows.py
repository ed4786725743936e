"""``batch:submitJob`` and ``batch:submitJob.sync`` in Step Functions, and errors by their names."""

# ruff: noqa: ANN401 - JSON
from __future__ import annotations

import json
import time
from typing import Any

import ministack.services.stepfunctions as ministack_workflows

from tests.e2e.emulator.batch import RefusedError, describe, submit
from tests.e2e.emulator.casing import camel_case, pascal_case
from tests.e2e.emulator.jobs import ENDED, Jobs

LOOK_EVERY = 0.2
"""Seconds between two looks at a job."""


def install(jobs: Jobs) -> None:
    """Add the integration."""

    def submit_job(resource: str, parameters: Any) -> Any:
        try:
            job = submit(jobs, camel_case(parameters))
        except RefusedError as refusal:
            raise _failure("Batch.ClientException", str(refusal)) from refusal
        if resource.endswith(".sync"):
            while job.status not in ENDED:
                time.sleep(LOOK_EVERY)
        described = pascal_case(describe(job))
        if job.status == "FAILED" and resource.endswith(".sync"):
            raise _failure("States.TaskFailed", json.dumps(described))
        return described

    ministack_workflows._SERVICE_DISPATCH["arn:aws:states:::batch:submitJob"] = submit_job


def _failure(error: str, cause: str) -> Exception:
    failure: Exception = ministack_workflows._ExecutionError(error, cause)
    return failure
