"""Clusterings are jobs of AWS Batch, of which one at a time runs for a collection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from facerec.core.schemas import violation
from facerec.jobs.aws.clustering_jobs import ClusteringJobs, ClusteringStatus


class Batch:
    """AWS Batch with its jobs in memory; a page of a list has one job."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []

    def submit_job(self, **request: Any) -> dict[str, str]:  # noqa: ANN401
        number = len(self.jobs)
        job = {"jobId": f"job-{number}", "createdAt": number, "status": "SUBMITTED"}
        self.jobs.append({**request, **job})
        return {"jobId": job["jobId"]}

    def get_paginator(self, operation: str) -> Batch:
        assert operation == "list_jobs"
        return self

    def paginate(self, *, jobQueue: str, filters: list[Any]) -> Iterator[dict[str, Any]]:  # noqa: N803
        ((name,),) = [each["values"] for each in filters]
        for job in self.jobs:
            own = job["jobQueue"] == jobQueue and job["jobName"] == name
            yield {"jobSummaryList": [job] if own else []}


@pytest.fixture
def batch() -> Batch:
    return Batch()


@pytest.fixture
def jobs(batch: Batch) -> ClusteringJobs:
    return ClusteringJobs("queue", "definition", batch)


def test_a_job_is_started_with_the_collection_and_the_threshold(
    jobs: ClusteringJobs, batch: Batch
) -> None:
    job = jobs.start("Our_staff.1", 0.97)
    assert violation("clustering-job", job.to_json()) is None
    assert (job.status, job.job_id) == (ClusteringStatus.RUNNING, "job-0")
    (submitted,) = batch.jobs
    assert submitted["jobDefinition"] == "definition"
    assert submitted["containerOverrides"]["environment"] == [
        {"name": "FACEREC_COLLECTION", "value": "Our_staff.1"},
        {"name": "FACEREC_PAIR_THRESHOLD", "value": "0.97"},
    ]
    assert "staff" not in submitted["jobName"]


@pytest.mark.parametrize("status", ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"])
def test_a_start_during_a_clustering_returns_the_job_that_runs(
    jobs: ClusteringJobs, batch: Batch, status: str
) -> None:
    jobs.start("staff")
    batch.jobs[0]["status"] = status
    assert jobs.start("staff").job_id == "job-0"
    assert jobs.start("guests").job_id == "job-1"
    assert len(batch.jobs) == 2


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_the_newest_job_is_described_and_another_can_follow_it(
    jobs: ClusteringJobs, batch: Batch, status: str
) -> None:
    assert jobs.newest("staff").status is ClusteringStatus.NONE
    jobs.start("staff")
    batch.jobs[0] |= {"status": status, "statusReason": "Host EC2 terminated"}
    job = jobs.newest("staff")
    assert (job.status, job.reason) == (status, "Host EC2 terminated")
    assert violation("clustering-job", job.to_json()) is None
    assert jobs.start("staff").job_id == "job-1"
