"""Jobs of AWS Batch: arrays, attempts and their rules."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3

from tests.e2e.emulator.containers import Containers, Ended
from tests.e2e.emulator.settings import endpoint
from tests.support.batch_rules import is_tried_again

Document = Mapping[str, Any]

STATES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
ENDED = ("SUCCEEDED", "FAILED")


@dataclass
class Job:
    """A plain job, an array, or a child of one.

    Attributes:
        job_id: ``uuid``, or ``uuid:index`` for a child.
        request: The request that submitted it.
        definition: The job definition.
        arn: ARN of the job.
        created: Milliseconds since 1970.
        index: Index of a child.
        status: One of ``STATES``; an array has that of its children.
        status_reason: Reason of the status.
        attempts: Descriptions of attempts, as AWS Batch returns them.
        children: Children of an array.
        stop: Stops the job when set.
        started: Start of the last attempt, milliseconds since 1970.
        stopped: Milliseconds since 1970.
    """

    job_id: str
    request: Document
    definition: Document
    arn: str
    created: int
    index: int | None = None
    status: str = "SUBMITTED"
    status_reason: str = ""
    attempts: list[dict[str, Any]] = field(default_factory=list)
    children: list[Job] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    started: int | None = None
    stopped: int | None = None

    def summary(self) -> dict[str, int]:
        """Return how many children are in each state."""
        states = [child.status for child in self.children]
        return {state: states.count(state) for state in STATES}


class Jobs:
    """Runs jobs, as many at a time as there are vCPUs for."""

    def __init__(self, containers: Containers, vcpus: int) -> None:
        self.by_id: dict[str, Job] = {}
        self._containers = containers
        self._vcpus = threading.BoundedSemaphore(vcpus)

    def submit(self, request: Document, definition: Document, arn_prefix: str) -> Job:
        """Take a job and begin to work on it."""
        job_id = str(uuid.uuid4())

        def made(name: str, index: int | None) -> Job:
            job = Job(name, request, definition, f"{arn_prefix}{name}", _now(), index)
            self.by_id[name] = job
            return job

        job = made(job_id, None)
        size = (request.get("arrayProperties") or {}).get("size")
        if size:
            job.status = "PENDING"
            job.children = [made(f"{job_id}:{index}", index) for index in range(size)]
        for each in job.children or [job]:
            each.status = "RUNNABLE"
            threading.Thread(target=self._work, args=(each, job), daemon=True).start()
        return job

    def terminate(self, job: Job, reason: str) -> None:
        """End a job and its children."""
        for each in [job, *job.children]:
            each.status_reason = reason
            each.stop.set()

    def _work(self, job: Job, parent: Job) -> None:
        with self._vcpus:
            try:
                ended = self._attempts(job)
            except Exception as error:
                # Otherwise a caller who waits for the job would never return.
                ended = Ended(None, f"The emulator failed: {error!r}", final=True)
        job.status_reason = job.status_reason or ended.status_reason
        job.stopped = _now()
        job.status = "SUCCEEDED" if ended.exit_code == 0 else "FAILED"
        if job is not parent and all(child.status in ENDED for child in parent.children):
            failed = any(child.status == "FAILED" for child in parent.children)
            parent.status_reason = "Array Child Job failed" if failed else ""
            parent.stopped = _now()
            parent.status = "FAILED" if failed else "SUCCEEDED"

    def _attempts(self, job: Job) -> Ended:
        strategy = job.request.get("retryStrategy") or job.definition.get("retryStrategy") or {}
        ended = Ended(None, "Terminated on request", final=True)
        for number in range(1, int(strategy.get("attempts", 1)) + 1):
            if job.stop.is_set():
                break
            ended = self._attempt(job, number)
            if ended.exit_code == 0 or ended.final:
                break
            if not is_tried_again(
                strategy.get("evaluateOnExit") or [],
                exit_code=ended.exit_code,
                status_reason=ended.status_reason,
                reason=ended.reason,
            ):
                break
        return ended

    def _attempt(self, job: Job, number: int) -> Ended:
        container = job.definition["containerProperties"]
        overrides = job.request.get("containerOverrides") or {}
        timeout = (job.request.get("timeout") or job.definition.get("timeout") or {}).get(
            "attemptDurationSeconds"
        )
        job.status = "STARTING"
        job.started = _now()

        def started() -> None:
            job.status = "RUNNING"

        ended = self._containers.run(
            container["image"],
            overrides.get("command") or container.get("command") or [],
            _environment(job, number),
            timeout=None if timeout is None else float(timeout),
            stop=job.stop,
            started=started,
        )
        stream = _keep_log(job, number, ended.output)
        described: dict[str, Any] = {"logStreamName": stream}
        if ended.exit_code is not None:
            described["exitCode"] = ended.exit_code
        if ended.reason:
            described["reason"] = ended.reason
        job.attempts.append(
            {
                "container": described,
                "startedAt": job.started,
                "stoppedAt": _now(),
                "statusReason": ended.status_reason,
            }
        )
        if job.status == "RUNNING":
            job.status = "RUNNABLE"
        return ended


def _environment(job: Job, attempt: int) -> dict[str, str]:
    """Return what the job definition, the submission and AWS Batch set, secrets included."""
    container = job.definition["containerProperties"]
    overrides = job.request.get("containerOverrides") or {}
    environment = {
        entry["name"]: str(entry["value"])
        for entries in (container.get("environment"), overrides.get("environment"))
        for entry in entries or []
    }
    secrets = _client("secretsmanager")
    for secret in container.get("secrets") or []:
        value = secrets.get_secret_value(SecretId=secret["valueFrom"])["SecretString"]
        environment[secret["name"]] = value
    environment["AWS_BATCH_JOB_ID"] = job.job_id
    environment["AWS_BATCH_JOB_ATTEMPT"] = str(attempt)
    if job.index is not None:
        environment["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.index)
    return environment


def _keep_log(job: Job, attempt: int, lines: Sequence[str]) -> str:
    """Write what a container wrote to its log group; return the name of the stream."""
    configuration = job.definition["containerProperties"].get("logConfiguration") or {}
    options = configuration.get("options") or {}
    prefix = options.get("awslogs-stream-prefix", "default")
    stream = f"{prefix}/{job.job_id.replace(':', '/')}/{attempt}"
    logs, group = _client("logs"), options["awslogs-group"]
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": _now(), "message": line} for line in lines if line]
    if events:
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    return stream


def _client(service: str) -> Any:  # noqa: ANN401 - boto3 has no static types
    return boto3.client(
        service,
        endpoint_url=endpoint(os.environ),
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def _now() -> int:
    return int(time.time() * 1000)
