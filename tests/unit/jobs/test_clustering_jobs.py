"""Clusterings are jobs of AWS Batch, of which one at a time runs for a collection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from facerec.core.records import Collection
from facerec.core.schemas import violation
from facerec.errors import ConflictError, FacerecError
from facerec.jobs.aws import clustering_jobs
from facerec.jobs.aws.clustering_jobs import ClusteringJobs, ClusteringStatus
from facerec.storage.dynamodb.clustering_claims import ClusteringClaims
from facerec.storage.dynamodb.store import DynamoDBStore
from tests.support.stack_template import create_table


class Batch:
    """AWS Batch with its jobs in memory; a page of a list has one job.

    ``unlisted`` jobs were submitted a moment ago, and are not listed yet.
    """

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []
        self.unlisted = 0

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
        for job in self.jobs[: len(self.jobs) - self.unlisted]:
            own = job["jobQueue"] == jobQueue and job["jobName"] == name
            yield {"jobSummaryList": [job] if own else []}


@pytest.fixture
def batch() -> Batch:
    return Batch()


@pytest.fixture
def claims(monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusteringClaims]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        create_table(client, "facerec")
        records = DynamoDBStore(client, "facerec")
        for name in ("Our_staff.1", "staff", "guests"):
            records.create_collection(Collection(name, "fake-1", 1.0))
        yield records.open_clustering_claims()


@pytest.fixture
def jobs(batch: Batch, claims: ClusteringClaims) -> ClusteringJobs:
    return ClusteringJobs("queue", "definition", batch, claims)


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


@pytest.mark.parametrize(("first", "second"), [(0.9, 0.95), (0.9, None), (None, 0.9)])
def test_a_start_with_another_threshold_than_the_running_job_says_so(
    jobs: ClusteringJobs, batch: Batch, first: float | None, second: float | None
) -> None:
    assert jobs.start("staff", first).notice is None
    assert jobs.start("staff", first).notice is None
    other = jobs.start("staff", second)
    assert violation("clustering-job", other.to_json()) is None
    assert other.job_id == "job-0"
    assert other.notice is not None
    assert "another pair threshold" in other.notice
    batch.jobs[0]["status"] = "SUCCEEDED"
    assert jobs.start("staff", second).notice is None


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


def test_a_job_that_is_not_listed_yet_is_the_one_that_runs(
    jobs: ClusteringJobs, batch: Batch
) -> None:
    batch.unlisted = 1
    assert jobs.start("staff").job_id == "job-0"
    for job in (jobs.start("staff"), jobs.newest("staff")):
        assert (job.job_id, job.status) == ("job-0", ClusteringStatus.RUNNING)
    assert len(batch.jobs) == 1


def test_of_two_callers_at_once_one_starts_a_job(
    jobs: ClusteringJobs, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = batch.submit_job

    def submit_slowly(**request: Any) -> dict[str, str]:  # noqa: ANN401
        monkeypatch.setattr(batch, "submit_job", submit)
        with pytest.raises(ConflictError, match="being started"):
            jobs.start("staff")
        return submit(**request)

    monkeypatch.setattr(clustering_jobs, "CLAIM_PAUSE", 0.0)
    monkeypatch.setattr(batch, "submit_job", submit_slowly)
    assert jobs.start("staff").job_id == "job-0"
    assert jobs.start("staff").job_id == "job-0"
    assert len(batch.jobs) == 1


def test_a_job_that_cannot_be_submitted_prevents_no_later_one(
    jobs: ClusteringJobs, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = batch.submit_job

    def refuse(**_: object) -> dict[str, str]:
        raise FacerecError("AWS Batch cannot be reached", "try again")

    monkeypatch.setattr(batch, "submit_job", refuse)
    with pytest.raises(FacerecError, match="cannot be reached"):
        jobs.start("staff")
    monkeypatch.setattr(batch, "submit_job", submit)
    assert jobs.start("staff").job_id == "job-0"


def test_a_job_that_ended_by_its_memory_says_so(jobs: ClusteringJobs, batch: Batch) -> None:
    jobs.start("staff")
    batch.jobs[0] |= {
        "status": "FAILED",
        "statusReason": "Essential container in task exited",
        "container": {"exitCode": 137, "reason": "OutOfMemoryError: killed by its memory"},
    }
    reason = jobs.newest("staff").reason
    assert reason is not None
    assert reason.startswith("OutOfMemoryError")
