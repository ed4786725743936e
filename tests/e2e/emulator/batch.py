"""AWS Batch over HTTP: jobs that run, instead of ministack's, which only succeed."""

from __future__ import annotations

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import ministack.services.batch as ministack_batch

from tests.e2e.emulator.jobs import Document, Job, Jobs

Answer = tuple[int, dict[str, str], bytes]

ARRAY_SIZES = range(2, 10_001)
"""https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html"""


class RefusedError(Exception):
    """A request that AWS Batch refuses with a ClientException."""


def install(jobs: Jobs) -> None:
    """Replace ministack's operations on jobs, and complete those on job definitions."""
    operations: dict[str, Callable[[Document], Any]] = {
        "/v1/submitjob": lambda request: _name(submit(jobs, request)),
        "/v1/describejobs": lambda request: {"jobs": _described(jobs, request)},
        "/v1/listjobs": lambda request: {"jobSummaryList": _listed(jobs, request)},
        "/v1/terminatejob": lambda request: _terminate(jobs, request),
        "/v1/updatejobqueue": _update_queue,
        "/v1/canceljob": lambda request: _terminate(jobs, request),
    }
    for path, operation in operations.items():
        ministack_batch._DISPATCH[path] = _answering(operation)
    ministack_batch._DISPATCH["/v1/registerjobdefinition"] = register
    ministack_batch._DISPATCH["/v1/describejobdefinitions"] = _answering(_definitions)
    ministack_batch._DISPATCH["/v1/deregisterjobdefinition"] = _answering(_deregister)


def submit(jobs: Jobs, request: Document) -> Job:
    """Submit a job.

    Raises:
        RefusedError: AWS Batch would refuse it.
    """
    queue = ministack_batch._job_queues.get(request["jobQueue"].rpartition("/")[2])
    if queue is not None and queue["state"] == "DISABLED":
        raise RefusedError(f"JobQueue {request['jobQueue']} is disabled")
    size = (request.get("arrayProperties") or {}).get("size")
    if size is not None and size not in ARRAY_SIZES:
        raise RefusedError(f"Array size {size} is not between 2 and 10000")
    name, _, revision = request["jobDefinition"].rpartition("job-definition/")[2].partition(":")
    revisions = ministack_batch._job_definitions.get(name) or []
    if not revisions:
        raise RefusedError(f"JobDefinition {request['jobDefinition']} not found")
    definition = revisions[int(revision) - 1 if revision else -1]
    return jobs.submit(request, definition, ministack_batch._job_arn(""))


def describe(job: Job) -> dict[str, Any]:
    """Describe a job."""
    container = job.definition["containerProperties"]
    last = job.attempts[-1]["container"] if job.attempts else {}
    described = {
        **_name(job),
        "jobQueue": job.request["jobQueue"],
        "jobDefinition": job.definition["jobDefinitionArn"],
        "status": job.status,
        "statusReason": job.status_reason,
        "createdAt": job.created,
        "startedAt": job.started,
        "stoppedAt": job.stopped,
        "attempts": job.attempts,
        "container": {**container, **last},
        "retryStrategy": job.definition.get("retryStrategy"),
        "timeout": job.definition.get("timeout"),
    }
    if job.children:
        described["arrayProperties"] = {
            "size": len(job.children),
            "statusSummary": job.summary(),
        }
    elif job.index is not None:
        described["arrayProperties"] = {"index": job.index}
    return {name: value for name, value in described.items() if value is not None}


def register(request: Document) -> Answer:
    """Register a job definition, with the fields that ministack lacks."""
    answer: Answer = ministack_batch._register_job_definition(request)
    kept = ministack_batch._job_definitions[request["jobDefinitionName"]][-1]
    for name in ("retryStrategy", "timeout", "parameters", "platformCapabilities"):
        if name in request:
            kept[name] = request[name]
    return answer


def _definitions(request: Document) -> dict[str, Any]:
    name, status = request.get("jobDefinitionName"), request.get("status")
    found = [
        revision
        for each, revisions in ministack_batch._job_definitions.items()
        if name is None or each == name
        for revision in revisions
        if status is None or revision["status"] == status
    ]
    return {"jobDefinitions": found}


def _deregister(request: Document) -> dict[str, Any]:
    name, _, revision = request["jobDefinition"].rpartition("job-definition/")[2].partition(":")
    ministack_batch._job_definitions[name][int(revision) - 1]["status"] = "INACTIVE"
    return {}


def _update_queue(request: Document) -> dict[str, Any]:
    queue = ministack_batch._job_queues.get(request["jobQueue"].rpartition("/")[2])
    if queue is None:
        raise RefusedError(f"JobQueue {request['jobQueue']} does not exist")
    queue["state"] = request["state"]
    return {name: queue[name] for name in ("jobQueueName", "jobQueueArn")}


def _described(jobs: Jobs, request: Document) -> list[dict[str, Any]]:
    ids = [job_id.rpartition("job/")[2] for job_id in request["jobs"]]
    return [describe(jobs.by_id[job_id]) for job_id in ids if job_id in jobs.by_id]


def _listed(jobs: Jobs, request: Document) -> list[dict[str, Any]]:
    if "arrayJobId" in request:
        found = jobs.by_id[request["arrayJobId"]].children
    else:
        found = [
            job
            for job in jobs.by_id.values()
            if job.index is None and job.request["jobQueue"] == request["jobQueue"]
        ]
    filters = request.get("filters") or []
    if filters:
        (name,) = (each["values"][0] for each in filters if each["name"] == "JOB_NAME")
        found = [job for job in found if fnmatchcase(job.request["jobName"], name)]
    else:
        # As AWS Batch does where neither a state nor a filter is given.
        wanted = request.get("jobStatus", "RUNNING")
        found = [job for job in found if job.status == wanted]
    shown = ("jobId", "jobArn", "jobName", "status", "statusReason", "createdAt", "startedAt")
    shown += ("stoppedAt", "arrayProperties")
    newest = sorted(found, key=lambda job: job.created, reverse=True)
    return [
        {name: value for name, value in describe(job).items() if name in shown} for job in newest
    ]


def _terminate(jobs: Jobs, request: Document) -> dict[str, Any]:
    jobs.terminate(jobs.by_id[request["jobId"]], request["reason"])
    return {}


def _name(job: Job) -> dict[str, Any]:
    return {"jobId": job.job_id, "jobArn": job.arn, "jobName": job.request["jobName"]}


def _answering(operation: Callable[[Document], Any]) -> Callable[[Document], Answer]:
    def answer(request: Document) -> Answer:
        status, headers = 200, {"Content-Type": "application/json"}
        try:
            body = operation(request)
        except RefusedError as refusal:
            status, body = 400, {"message": str(refusal)}
            headers["x-amzn-ErrorType"] = "ClientException"
        return status, headers, json.dumps(body).encode()

    return answer
