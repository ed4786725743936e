"""The queue of AWS Batch: the states of a job's children."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from facerec.core.aws_errors import aws_errors
from facerec.core.aws_region import aws_region
from facerec.core.batches import batches

MAX_DESCRIBED_PER_CALL = 100
"""https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html"""

MAX_CHILDREN_DESCRIBED = 500
"""Maximum number of children of a job to describe one by one, to count interruptions."""

MAX_REASON = 250
"""Maximum number of characters of the reason for ending a job."""

NOT_STARTED = "NotStarted"
"""Prefix of the reason of a job that was ended because no child started."""

_ENDED = ("SUCCEEDED", "FAILED")

RECLAIMED = "Host EC2"
"""Prefix of the status reason of an attempt whose machine was reclaimed
(https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html)."""


@dataclass(frozen=True, slots=True)
class ChildStates:
    """The states of a job's children.

    Attributes:
        states: Number of children that are SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING,
            SUCCEEDED or FAILED.
        interruptions: Number of attempts whose machine was reclaimed; None if there are too
            many children to describe each.
    """

    states: Counter[str]
    interruptions: int | None


@dataclass(frozen=True, slots=True)
class OpenJob:
    """A job of AWS Batch, plain or an array, that has not ended.

    Attributes:
        id: Id of the job in AWS Batch.
        created_at: Seconds since 1970.
        running: Number of children that are starting or running.
        size: Number of its children if it is an array, otherwise 0.
        reason: Reason from AWS Batch why it does not start; empty if unknown.
    """

    id: str
    created_at: float
    running: int
    size: int
    reason: str


class BatchQueue:
    """A queue of AWS Batch. Its methods raise the errors of ``aws_errors``."""

    def __init__(self, queue: str, client: Any = None) -> None:  # noqa: ANN401
        """Create a client of the queue with an ARN.

        ``client`` is boto3's client to use; None creates one.
        """
        if client is None:
            import boto3

            with aws_errors("AWS Batch"):
                client = boto3.client("batch", region_name=aws_region())
        self._queue, self._client = queue, client

    def children(self, job_name: str, since: float) -> ChildStates:
        """Return the states of a job's children; AWS Batch keeps them for seven days.

        Args:
            job_name: Prefix of the names of its jobs in AWS Batch.
            since: Start of the run, in seconds since 1970; jobs submitted earlier are ignored.
        """
        with aws_errors("AWS Batch"):
            newest = self._newest(job_name, since)
            described = list(self._described(newest))
            states: Counter[str] = Counter()
            for job in described:
                summary = job.get("arrayProperties", {}).get("statusSummary")
                states.update(summary if summary else [job["status"]])
            return ChildStates(+states, self._interruptions(described))

    def open_jobs(self, job_name: str) -> list[OpenJob]:
        """Return the jobs of a run that have not ended.

        Args:
            job_name: Prefix of the names of the jobs in AWS Batch.
        """
        with aws_errors("AWS Batch"):
            described = self._described(self._newest(job_name, 0))
            return [self._open_job(job) for job in described if job["status"] not in _ENDED]

    def last_active(self, job: OpenJob) -> float:
        """Return when an attempt of any child of a job last ended, in seconds since 1970.

        If no attempt has ended, this is when the job was submitted. All children are described, 100
        per request.
        """
        ids = [f"{job.id}:{index}" for index in range(job.size)] or [job.id]
        ended = [1000 * job.created_at]
        with aws_errors("AWS Batch", job.id):
            for child in self._described(ids):
                attempts = child.get("attempts", ())
                ended += [each.get("stoppedAt") or 0 for each in (child, *attempts)]
        return max(ended) / 1000

    def end(self, job_id: str, reason: str) -> None:
        """End a job and its children without a retry.

        Args:
            job_id: Id of the job in AWS Batch.
            reason: Status reason of the job, cut off after ``MAX_REASON`` characters.
        """
        with aws_errors("AWS Batch", job_id):
            self._client.terminate_job(jobId=job_id, reason=reason[:MAX_REASON])

    def failures(self, job_name: str) -> Counter[str]:
        """Return the reasons why children failed, with their counts, most frequent first.

        At most 100 children of each array are examined. If a job was ended because no child
        started, only that reason is returned, counted once for each of its children.

        Args:
            job_name: Prefix of the names of the jobs in AWS Batch.
        """
        with aws_errors("AWS Batch"):
            failed: list[str] = []
            for job in self._described(self._newest(job_name, 0)):
                if job["status"] != "FAILED":
                    continue
                if not job.get("arrayProperties", {}).get("size"):
                    failed.append(job["jobId"])
                    continue
                if (reason := str(job.get("statusReason", ""))).startswith(NOT_STARTED):
                    return Counter({reason: job["arrayProperties"]["size"]})
                children = self._client.list_jobs(
                    arrayJobId=job["jobId"],
                    jobStatus="FAILED",
                    maxResults=MAX_DESCRIBED_PER_CALL,
                )
                failed += [child["jobId"] for child in children["jobSummaryList"]]
            counts = Counter(_reason_of(job) for job in self._described(failed))
        return Counter(dict(counts.most_common()))

    def _open_job(self, job: Mapping[str, Any]) -> OpenJob:
        array = job.get("arrayProperties", {})
        states = Counter(array.get("statusSummary") or {job["status"]: 1})
        first = job
        if array.get("size"):
            first = next(self._described([f"{job['jobId']}:0"]), job)
            first = job if first["status"] in _ENDED else first
        return OpenJob(
            id=job["jobId"],
            created_at=job["createdAt"] / 1000,
            running=states["STARTING"] + states["RUNNING"],
            size=array.get("size") or 0,
            reason=str(first.get("statusReason") or job.get("statusReason") or ""),
        )

    def _newest(self, job_name: str, since: float) -> list[str]:
        """Return the ids of jobs; for jobs with the same name (redrives), only the newest id."""
        pages = self._client.get_paginator("list_jobs").paginate(
            jobQueue=self._queue, filters=[{"name": "JOB_NAME", "values": [f"{job_name}-*"]}]
        )
        newest: dict[str, dict[str, Any]] = {}
        for page in pages:
            for job in page["jobSummaryList"]:
                # Not children: the job that writes a large report, and the members of arrays, which
                # are counted by their array.
                other = job["jobName"].endswith("-report") or ":" in job["jobId"]
                if other or job["createdAt"] < since * 1000:
                    continue
                known = newest.setdefault(job["jobName"], job)
                if job["createdAt"] > known["createdAt"]:
                    newest[job["jobName"]] = job
        return [job["jobId"] for job in newest.values()]

    def _described(self, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
        for some in batches(ids, MAX_DESCRIBED_PER_CALL):
            yield from self._client.describe_jobs(jobs=some)["jobs"]

    def _interruptions(self, jobs: list[dict[str, Any]]) -> int | None:
        ids = []
        for job in jobs:
            size = job.get("arrayProperties", {}).get("size")
            ids += [f"{job['jobId']}:{index}" for index in range(size)] if size else [job["jobId"]]
            if len(ids) > MAX_CHILDREN_DESCRIBED:
                return None
        return sum(
            str(attempt.get("statusReason", "")).startswith(RECLAIMED)
            for child in self._described(ids)
            for attempt in child.get("attempts", ())
        )


def _reason_of(job: Mapping[str, Any]) -> str:
    container = job.get("container", {})
    reason = str(container.get("reason") or "")
    code = container.get("exitCode")
    if not reason and code is not None:
        return f"exit code {code}"
    return reason or str(job.get("statusReason") or "unknown")
