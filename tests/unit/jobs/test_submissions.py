"""Which children are submitted again, and how."""

# ruff: noqa: ANN401 - what boto3 has no types for
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from facerec.errors import InvalidInputError
from facerec.jobs.aws.batch_queue import NOT_STARTED, BatchQueue
from facerec.jobs.aws.submissions import (
    MAX_MEMORY,
    MAX_OUTAGES,
    Submission,
    first_submission,
    next_submission,
    submission_from_json,
)
from facerec.jobs.ledger.incomplete import incomplete_uri, read_numbers, write_numbers
from tests.support.memory_objects import MemoryObjects

FOLDER = "s3://work/jobs/1/"


def first(children: int = 5, memory: int = 1792) -> Submission:
    return first_submission(
        job_folder=FOLDER,
        job_name="facerec-1",
        children=children,
        large=False,
        tolerated_failure_percentage=1.0,
        memory=memory,
        max_array_size=10_000,
    )


def following(
    last: Submission, reasons: dict[str, int], incomplete: list[int]
) -> Submission | None:
    objects = MemoryObjects()
    write_numbers(objects, incomplete_uri(FOLDER, last.number), incomplete)
    return next_submission(last, reasons, objects, resubmissions=3, max_array_size=10_000)


def test_a_submission_survives_the_state_of_the_execution() -> None:
    assert submission_from_json({**first().to_json(), "children": 5}) == first()


def test_an_execution_that_started_before_an_upgrade_counts_no_outages() -> None:
    state = first().to_json()
    del state["outages"]
    assert submission_from_json(state) == first()


def test_after_an_outage_one_child_runs_alone_first() -> None:
    made = following(first(), {"exit code 69": 4, "exit code 75": 1}, [0, 1])
    assert made is not None
    assert (made.canary, made.outages, made.pause) == (True, 1, 60)
    alone = following(first(), {"exit code 69": 1}, [0])
    assert alone is not None
    assert not alone.canary


def test_outages_use_no_submissions_up_and_end_after_a_day() -> None:
    made, pauses = first(), []
    while (after := following(made, {"exit code 69": 1}, [0, 1])) is not None:
        made = after
        pauses.append(made.pause)
    assert made.outages == MAX_OUTAGES
    assert 20 * 3600 < sum(pauses) < 28 * 3600
    assert max(pauses) == 3600
    # The submissions that other failures are given are still there.
    last = replace(made, outages=made.number)
    assert following(last, {"exit code 75": 1}, [0, 1]) is not None


def test_the_next_submission_indexes_the_list_of_incomplete_children() -> None:
    made = following(first(), {}, [1, 4])
    assert made is not None
    assert made.arrays == [{"offset": 0, "size": 2}]
    assert made.numbers == incomplete_uri(FOLDER, 0)
    assert (made.number, made.pause, made.memory) == (1, 60, "1792")


@pytest.mark.parametrize(
    ("memory", "doubled"), [(1792, 3584), (20_000, MAX_MEMORY), (32_768, 32_768)]
)
def test_a_child_killed_for_its_memory_gets_more(memory: int, doubled: int) -> None:
    reasons = {"OutOfMemoryError: Container killed due to memory usage": 1, "exit code 75": 3}
    made = following(first(memory=memory), reasons, [1])
    assert made is not None
    assert made.memory == str(doubled)


def test_children_that_refuse_for_good_are_not_started_again() -> None:
    assert following(first(), {"exit code 78": 5}, [0, 1]) is None
    assert following(first(), {"exit code 78": 5, "exit code 75": 1}, [0, 1]) is not None


@pytest.mark.parametrize("error", ["CannotInspectContainerError", "DockerTimeoutError"])
def test_children_that_ended_without_an_exit_code_are_started_again(error: str) -> None:
    assert following(first(), {f"{error}: Could not inspect": 2}, [0, 1]) is not None


@pytest.mark.parametrize(
    "detail",
    [
        "Error response from daemon: manifest for 1.dkr.ecr.eu-west-1.amazonaws.com/f/batch:a"
        " not found: manifest unknown: Requested image not found",
        "pull image manifest has been retried 1 time(s): failed to resolve ref a:b: a:b: not found",
    ],
)
def test_children_whose_image_is_gone_are_not_started_again(detail: str) -> None:
    gone = f"CannotPullContainerError: {detail}"
    assert following(first(), {gone: 5}, [0, 1]) is None
    assert following(first(), {gone: 4, "exit code 75": 1}, [0, 1]) is not None


def test_children_whose_image_could_not_be_pulled_in_time_are_started_again() -> None:
    slow = "CannotPullContainerError: request canceled while waiting for connection"
    assert following(first(), {slow: 5}, [0, 1]) is not None


def test_children_that_are_larger_than_all_machines_are_not_started_again() -> None:
    cancelled = "Job cancelled: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
    assert following(first(), {cancelled: 5}, [0, 1]) is None
    assert following(first(), {cancelled: 4, "exit code 75": 1}, [0, 1]) is not None
    scarce = "Job cancelled: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"
    assert following(first(), {scarce: 5}, [0, 1]) is not None


def test_a_job_that_never_started_is_not_submitted_again() -> None:
    assert following(first(), {f"{NOT_STARTED}: the quota is 0": 5}, [0, 1]) is None


def test_a_list_of_numbers_is_checked() -> None:
    objects = MemoryObjects()
    objects.write("a", b'["1"]')
    with pytest.raises(InvalidInputError, match="child numbers"):
        read_numbers(objects, "a")


class FakeBatch:
    """Three jobs: an array with two failed children, a plain job that failed, and one that ran."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {
            "array": job("facerec-1-0-0", "FAILED", arrayProperties={"size": 3}),
            "plain": job("facerec-1-0-3", "FAILED", container={"exitCode": 78}),
            "well": job("facerec-1-0-4", "SUCCEEDED", container={"exitCode": 0}),
            "array:0": job(
                "a", "FAILED", container={"exitCode": 137, "reason": "OutOfMemoryError: x"}
            ),
            "array:2": job("a", "FAILED", container={}, statusReason="Host EC2 (x) terminated."),
        }

    def get_paginator(self, _name: str) -> FakeBatch:
        return self

    def paginate(self, **_request: Any) -> list[dict[str, Any]]:
        parents = [(name, found) for name, found in self.jobs.items() if ":" not in name]
        return [{"jobSummaryList": [{**found, "jobId": name} for name, found in parents]}]

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        return {"jobs": [{**self.jobs[name], "jobId": name} for name in jobs]}

    def list_jobs(self, **request: Any) -> dict[str, Any]:
        assert request["jobStatus"] == "FAILED"
        array = request["arrayJobId"]
        return {
            "jobSummaryList": [
                {"jobId": name} for name in self.jobs if name.startswith(f"{array}:")
            ]
        }


def job(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {"jobName": name, "status": status, "createdAt": 1, **more}


def test_the_queue_says_why_children_failed() -> None:
    assert BatchQueue("queue", FakeBatch()).failures("facerec-1-0") == {
        "OutOfMemoryError: x": 1,
        "Host EC2 (x) terminated.": 1,
        "exit code 78": 1,
    }
