"""The states of a job's children in AWS Batch, told by its own answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from facerec.errors import AccessDeniedError, StoreUnavailableError
from facerec.jobs.aws.batch_queue import MAX_CHILDREN_DESCRIBED, BatchQueue

QUEUE = "arn:aws:batch:us-east-1:123456789012:job-queue/jobs"
JOB = "facerec-staff-0123456789ab"
STARTED = 1000.0


class Answers:
    """AWS Batch, answering what a test has told it to."""

    def __init__(self) -> None:
        client = boto3.client(
            "batch",
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        self.stub = Stubber(client)
        self.queue = BatchQueue(QUEUE, client)

    def lists(self, *jobs: tuple[str, str, float]) -> None:
        """Tell it which jobs there are: their ids, names and when they were submitted."""
        self.stub.add_response(
            "list_jobs",
            {
                "jobSummaryList": [
                    {"jobId": job_id, "jobName": name, "createdAt": int(created * 1000)}
                    for job_id, name, created in jobs
                ]
            },
            {"jobQueue": QUEUE, "filters": [{"name": "JOB_NAME", "values": [f"{JOB}-*"]}]},
        )

    def describes(self, *jobs: dict[str, Any]) -> None:
        """Tell it what it is asked to describe next."""
        given = [
            {
                "jobName": JOB,
                "jobQueue": QUEUE,
                "status": "RUNNING",
                "startedAt": 1,
                "jobDefinition": "child",
                **job,
            }
            for job in jobs
        ]
        ids = [job["jobId"] for job in jobs]
        self.stub.add_response("describe_jobs", {"jobs": given}, {"jobs": ids})


@pytest.fixture
def answers() -> Iterator[Answers]:
    told = Answers()
    with told.stub:
        yield told
    told.stub.assert_no_pending_responses()


def array(job_id: str, **states: int) -> dict[str, Any]:
    """Return an array whose children stand so."""
    return {
        "jobId": job_id,
        "status": "PENDING",
        "arrayProperties": {"size": sum(states.values()), "statusSummary": states},
    }


def child(job_id: str, *ends: str) -> dict[str, Any]:
    """Return a child whose attempts ended so."""
    return {"jobId": job_id, "attempts": [{"statusReason": reason} for reason in ends]}


def test_interruptions_are_attempts_whose_machine_was_reclaimed(answers: Answers) -> None:
    answers.lists(("a", f"{JOB}-0", 1001))
    answers.describes(array("a", SUCCEEDED=1, RUNNING=2))
    answers.describes(
        child("a:0", "Host EC2 (instance i-1) terminated.", "Essential container in task exited"),
        child("a:1", "Host EC2 (instance i-1) terminated.", "Host EC2 (instance i-2) terminated."),
        child("a:2", "Essential container in task exited"),
    )

    seen = answers.queue.children(JOB, STARTED)

    assert seen.states == {"SUCCEEDED": 1, "RUNNING": 2}
    assert seen.interruptions == 3


def test_several_arrays_add_up_without_reading_very_many_children(answers: Answers) -> None:
    many = MAX_CHILDREN_DESCRIBED + 1
    answers.lists(("a", f"{JOB}-0", 1001), ("b", f"{JOB}-501", 1002))
    answers.describes(array("a", SUCCEEDED=many), array("b", SUCCEEDED=2, FAILED=1))

    seen = answers.queue.children(JOB, STARTED)

    assert seen.states == {"SUCCEEDED": many + 2, "FAILED": 1}
    assert seen.interruptions is None


def test_earlier_starts_reports_and_replaced_jobs_do_not_count(answers: Answers) -> None:
    answers.lists(
        ("before", f"{JOB}-0", 999),
        ("first", f"{JOB}-0", 1001),
        ("again", f"{JOB}-0", 2001),
        ("report", f"{JOB}-report", 2002),
    )
    answers.describes({**child("again"), "status": "SUCCEEDED"})
    answers.describes(child("again"))

    assert answers.queue.children(JOB, STARTED).states == {"SUCCEEDED": 1}


def test_before_submission_there_are_no_children(answers: Answers) -> None:
    answers.lists()

    seen = answers.queue.children(JOB, STARTED)

    assert (seen.states.total(), seen.interruptions) == (0, 0)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("AccessDeniedException", AccessDeniedError),
        ("ServerException", StoreUnavailableError),
    ],
)
def test_a_refusal_of_aws_is_an_error_of_facerec(
    answers: Answers, code: str, error: type[Exception]
) -> None:
    answers.stub.add_client_error("list_jobs", code)

    with pytest.raises(error):
        answers.queue.children(JOB, STARTED)
