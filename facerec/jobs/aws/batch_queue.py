"""The queue of AWS Batch: how the children of a job stand there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from facerec.core.aws_errors import aws_errors

DESCRIBED_AT_ONCE = 100
"""https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html"""

MOST_DESCRIBED = 500
"""Children up to which each is looked at for interruptions."""

RECLAIMED = "Host EC2"
"""What the status reason of an attempt begins with whose machine was taken away
(https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html)."""

_ACTIVE = {"SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"}


@dataclass(frozen=True, slots=True)
class ChildStates:
    """How the children of a job stand.

    Attributes:
        states: how many are SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING, SUCCEEDED, FAILED.
        reasons: why jobs stand as they do, as far as AWS Batch says.
        interruptions: attempts whose machine was reclaimed; None where there are too many
            children to look at.
    """

    states: Counter[str]
    reasons: tuple[str, ...]
    interruptions: int | None

    @property
    def active(self) -> bool:
        """Whether some may still do something."""
        return any(self.states[state] for state in _ACTIVE)


class BatchQueue:
    """One queue."""

    def __init__(self, queue: str, client: Any = None) -> None:  # noqa: ANN401
        """Take the ARN of the queue, and boto3's client of AWS Batch if there is one."""
        if client is None:
            import boto3

            with aws_errors("AWS Batch"):
                client = boto3.client("batch")
        self._queue, self._client = queue, client

    def children(self, job_name: str, since: float) -> ChildStates:
        """Return how the children of a job stand; AWS Batch remembers them for seven days.

        Args:
            job_name: what the names of its jobs in AWS Batch begin with.
            since: leave out what was submitted before, seconds since 1970: an earlier start.
        """
        with aws_errors("AWS Batch"):
            newest = self._newest(job_name, since)
            described = list(self._described(newest))
            states: Counter[str] = Counter()
            for job in described:
                summary = job.get("arrayProperties", {}).get("statusSummary")
                states.update(summary if summary else [job["status"]])
            reasons = {job["statusReason"] for job in described if job.get("statusReason")}
            return ChildStates(+states, tuple(sorted(reasons)), self._interruptions(described))

    def _newest(self, job_name: str, since: float) -> list[str]:
        """Return the ids of jobs, of several with the same name the last one's: a redrive's."""
        pages = self._client.get_paginator("list_jobs").paginate(
            jobQueue=self._queue, filters=[{"name": "JOB_NAME", "values": [f"{job_name}-*"]}]
        )
        newest: dict[str, dict[str, Any]] = {}
        for page in pages:
            for job in page["jobSummaryList"]:
                # The report of very many children is a job, too; children count with their array.
                other = job["jobName"].endswith("-report") or ":" in job["jobId"]
                if other or job["createdAt"] < since * 1000:
                    continue
                known = newest.setdefault(job["jobName"], job)
                if job["createdAt"] > known["createdAt"]:
                    newest[job["jobName"]] = job
        return [job["jobId"] for job in newest.values()]

    def _described(self, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
        remaining = iter(ids)
        while some := list(islice(remaining, DESCRIBED_AT_ONCE)):
            yield from self._client.describe_jobs(jobs=some)["jobs"]

    def _interruptions(self, jobs: list[dict[str, Any]]) -> int | None:
        ids = []
        for job in jobs:
            size = job.get("arrayProperties", {}).get("size")
            ids += [f"{job['jobId']}:{index}" for index in range(size)] if size else [job["jobId"]]
            if len(ids) > MOST_DESCRIBED:
                return None
        return sum(
            str(attempt.get("statusReason", "")).startswith(RECLAIMED)
            for child in self._described(ids)
            for attempt in child.get("attempts", ())
        )
