"""Runs each clustering as a job of AWS Batch that is named after its collection."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from facerec.core.aws_errors import aws_errors
from facerec.core.aws_region import aws_region
from facerec.errors import ConflictError

if TYPE_CHECKING:
    from facerec.storage.dynamodb.clustering_claims import ClusteringClaims

CLAIM_TRIES = 25
CLAIM_PAUSE = 0.4
"""Seconds between checks for the job that another caller starts; all checks take 10 seconds."""

OTHER_THRESHOLD = (
    "a clustering with another pair threshold is running, and none was started with this one; "
    "repeat the request once it has ended"
)
"""The notice to callers whose threshold differs from that of the running clustering."""


class ClusteringStatus(StrEnum):
    """The status of the newest clustering of a collection; NONE if none is known."""

    NONE = "NONE"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class ClusteringJob:
    """The newest clustering of a collection.

    Attributes:
        collection_id: The collection.
        status: Status of the clustering. AWS Batch forgets a job seven days after its end; the
            status is then NONE.
        job_id: Id of the job in AWS Batch; None if there is none.
        reason: Why it failed, or why it waits; None if AWS Batch gives no reason.
        notice: A message to the caller about how the request was answered, or None.
    """

    collection_id: str
    status: ClusteringStatus
    job_id: str | None = None
    reason: str | None = None
    notice: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the job in the form of ``schemas/clustering-job.json``."""
        return asdict(self)


class ClusteringJobs:
    """Starts clusterings of a deployment, and reports on them.

    Its methods raise the errors of ``aws_errors``.
    """

    def __init__(
        self,
        queue: str,
        definition: str,
        client: Any,  # noqa: ANN401 - boto3 has no types
        claims: ClusteringClaims,
    ) -> None:
        """Create the service.

        Args:
            queue: ARN of the queue of AWS Batch.
            definition: ARN of the job definition.
            client: boto3's client of AWS Batch.
            claims: Decides which of several concurrent callers starts a job.
        """
        self._queue, self._definition, self._client = queue, definition, client
        self._claims = claims

    def start(self, collection_id: str, pair_threshold: float | None = None) -> ClusteringJob:
        """Start clustering the new faces of a collection, or return the clustering that is running.

        If the running clustering was started with another threshold, the job has a notice.

        Args:
            collection_id: The collection.
            pair_threshold: See ``Gallery.cluster_faces``.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            ConflictError: Another caller has been starting a clustering for some time.
        """
        for _ in range(CLAIM_TRIES):
            newest = self.newest(collection_id)
            if newest.status is ClusteringStatus.RUNNING:
                if self._claims.has_other_threshold(collection_id, pair_threshold):
                    return replace(newest, notice=OTHER_THRESHOLD)
                return newest
            if self._claims.claim(collection_id, newest.job_id, pair_threshold):
                break
            # Somebody else has claimed the start, and submits a job.
            time.sleep(CLAIM_PAUSE)
        else:
            raise ConflictError("a clustering of the collection is being started", "try again")
        job_id = None
        try:
            job_id = self._submit(collection_id, pair_threshold)
        finally:
            self._claims.note(collection_id, job_id, pair_threshold)
        return ClusteringJob(collection_id, ClusteringStatus.RUNNING, job_id)

    def _submit(self, collection_id: str, pair_threshold: float | None) -> str:
        variables = {"FACEREC_COLLECTION": collection_id}
        if pair_threshold is not None:
            variables["FACEREC_PAIR_THRESHOLD"] = repr(pair_threshold)
        with aws_errors("AWS Batch"):
            answer = self._client.submit_job(
                jobName=_job_name(collection_id),
                jobQueue=self._queue,
                jobDefinition=self._definition,
                containerOverrides={
                    "environment": [
                        {"name": name, "value": value} for name, value in variables.items()
                    ]
                },
            )
        return str(answer["jobId"])

    def newest(self, collection_id: str) -> ClusteringJob:
        """Return the clustering of a collection that was started last; its status may be NONE."""
        with aws_errors("AWS Batch"):
            pages = self._client.get_paginator("list_jobs").paginate(
                jobQueue=self._queue,
                filters=[{"name": "JOB_NAME", "values": [_job_name(collection_id)]}],
            )
            jobs = [job for page in pages for job in page["jobSummaryList"]]
        submitted = self._claims.job_of(collection_id)
        if submitted is not None and all(job["jobId"] != submitted for job in jobs):
            # AWS Batch does not list the new job yet.
            return ClusteringJob(collection_id, ClusteringStatus.RUNNING, submitted)
        if not jobs:
            return ClusteringJob(collection_id, ClusteringStatus.NONE)
        newest = max(jobs, key=lambda job: int(job["createdAt"]))
        # The container's reason is more specific, such as a lack of memory.
        reason = newest.get("container", {}).get("reason") or newest.get("statusReason")
        return ClusteringJob(collection_id, _status(newest), newest["jobId"], reason or None)


def open_clustering_jobs(
    queue: str, definition: str, region: str | None, claims: ClusteringClaims
) -> ClusteringJobs:
    """Return the clusterings of a deployment, with the credentials of the environment.

    Raises:
        ConfigurationError: No region is set.
    """
    import boto3

    with aws_errors("AWS Batch"):
        client = boto3.client("batch", region_name=aws_region(region))
    return ClusteringJobs(queue, definition, client, claims)


def _status(job: Mapping[str, Any]) -> ClusteringStatus:
    if job["status"] in ("SUCCEEDED", "FAILED"):
        return ClusteringStatus(job["status"])
    return ClusteringStatus.RUNNING


def _job_name(collection_id: str) -> str:
    """Return the name of a collection's jobs: its id may have characters that names cannot have."""
    return f"suggest-{hashlib.sha256(collection_id.encode()).hexdigest()[:32]}"
