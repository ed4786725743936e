"""Children that did not finish are started again by the workflow itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from batch_job import task
from facerec.config import Settings
from facerec.core.protocols.engine import FaceEngine
from facerec.errors import StoreThrottledError, StoreUnavailableError
from facerec.factory import open_child_dependencies
from facerec.jobs.aws import submissions
from facerec.jobs.child.attempt import ChildDependencies
from tests.support.workflow.stack import Stack

Deploy = Callable[..., Stack]


@pytest.fixture
def stack(deploy: Deploy) -> Stack:
    return deploy(RESUBMISSIONS="3")


def plain_and_arrays(stack: Stack) -> list[int | None]:
    return [submitted["array_properties"].get("size") for submitted in stack.machines.submissions]


def break_child(stack: Stack, child: int, times: int) -> Counter[int]:
    """Let the first attempts at a child fail with an unexpected error; count all attempts."""
    attempts: Counter[int] = Counter()

    def before(number: int, attempt: int) -> None:
        attempts[number] += 1
        stack.accidents.broken = {(child, attempt)} if attempts[child] <= times else set()

    stack.accidents.before = before
    return attempts


def test_only_the_children_that_did_not_finish_are_started_again(
    stack: Stack, waits: list[float]
) -> None:
    attempts = break_child(stack, 2, times=1)

    ended = stack.index(stack.put_manifest(50), images_per_child=10)

    assert ended.status == "SUCCEEDED", ended.cause
    assert plain_and_arrays(stack) == [5, None]
    assert attempts == {0: 1, 1: 1, 2: 2, 3: 1, 4: 1}
    assert waits == [60]
    assert sorted(row["external_image_id"] for row in stack.ledger()) == sorted(
        f"line:{line}" for line in range(50)
    )


def test_submissions_are_used_up_with_pauses_that_grow_and_the_children_named(
    stack: Stack, waits: list[float]
) -> None:
    break_child(stack, 3, times=99)

    ended = stack.index(stack.put_manifest(50), images_per_child=10)

    assert (ended.status, ended.error) == ("FAILED", "JobIncomplete")
    assert "1 of 5 children" in ended.cause
    assert "(3)" in ended.cause
    assert waits == [60, 300, 1500]


def test_one_child_of_many_runs_alone_first(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions, "MIN_CHILDREN_FOR_CANARY", 5)

    ended = stack.index(stack.put_manifest(50), images_per_child=10)

    assert ended.status == "SUCCEEDED", ended.cause
    assert plain_and_arrays(stack) == [None, 5]
    assert len(stack.ledger()) == 50


def test_what_ends_the_first_child_ends_no_others(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    monkeypatch.setattr(submissions, "MIN_CHILDREN_FOR_CANARY", 5)
    attempts = break_child(stack, 0, times=2)

    ended = stack.index(stack.put_manifest(50), images_per_child=10)

    assert ended.status == "SUCCEEDED", ended.cause
    # Two submissions end with the first child; in the third it and then all others run.
    assert plain_and_arrays(stack) == [None, None, None, 5]
    assert [attempts[child] for child in range(1, 5)] == [1, 1, 1, 1]
    assert waits == [60, 300]


@pytest.mark.long
def test_while_a_store_is_down_each_submission_costs_one_child(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    attempts: Counter[int] = Counter()
    (queue,) = boto3.client("batch").describe_job_queues()["jobQueues"]
    monkeypatch.setenv("JOB_QUEUE_ARN", queue["jobQueueArn"])

    def open_dependencies(
        settings: Settings, engine: FaceEngine, *, stores_faces: bool
    ) -> ChildDependencies:
        attempts[len(waits)] += 1
        if len(waits) < 5:
            raise StoreUnavailableError("the store is down")
        return open_child_dependencies(settings, engine, stores_faces=stores_faces)

    monkeypatch.setattr(task, "open_child_dependencies", open_dependencies)

    ended = stack.index(stack.put_manifest(60), images_per_child=10)

    assert ended.status == "SUCCEEDED", ended.cause
    assert len(stack.ledger()) == 60
    assert waits == [60, 300, 1500, 3600, 3600]
    # Two children use their attempts up; the third one stops all others.
    assert attempts == {0: 8 + 8 + 1, 1: 1, 2: 1, 3: 1, 4: 1, 5: 7}
    assert plain_and_arrays(stack) == [6, None, None, None, None, None, 6]


@pytest.mark.parametrize("children", [1, pytest.param(2, marks=pytest.mark.long)])
def test_a_small_job_waits_for_a_store_as_long_as_a_large_one(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, waits: list[float], children: int
) -> None:
    (queue,) = boto3.client("batch").describe_job_queues()["jobQueues"]
    monkeypatch.setenv("JOB_QUEUE_ARN", queue["jobQueueArn"])

    def open_dependencies(
        settings: Settings, engine: FaceEngine, *, stores_faces: bool
    ) -> ChildDependencies:
        if len(waits) < 7:
            raise StoreUnavailableError("the store is down")
        return open_child_dependencies(settings, engine, stores_faces=stores_faces)

    monkeypatch.setattr(task, "open_child_dependencies", open_dependencies)

    ended = stack.index(stack.put_manifest(10 * children), images_per_child=10)

    assert ended.status == "SUCCEEDED", ended.cause
    assert waits == [60, 300, 1500, 3600, 3600, 3600, 3600]


@pytest.mark.parametrize("service", ["S3", pytest.param("vectors", marks=pytest.mark.long)])
def test_a_service_that_throttles_stops_no_other_child(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, waits: list[float], service: str
) -> None:
    attempts: Counter[int] = Counter()
    busy = False

    def before(number: int, _attempt: int) -> None:
        nonlocal busy
        attempts[number] += 1
        busy = attempts[number] <= 3

    def open_dependencies(
        settings: Settings, engine: FaceEngine, *, stores_faces: bool
    ) -> ChildDependencies:
        if busy and service == "vectors":
            raise StoreThrottledError("the store returned 429")
        return open_child_dependencies(settings, engine, stores_faces=stores_faces)

    def call(client: BaseClient, operation: str, given: dict[str, str]) -> object:
        if busy and (service, operation) == ("S3", "GetObject") and "photo" in given["Key"]:
            error: Any = {
                "Error": {"Code": "SlowDown"},
                "ResponseMetadata": {"HTTPStatusCode": 503},
            }
            raise ClientError(error, operation)
        return asked(client, operation, given)

    asked = BaseClient._make_api_call  # type: ignore[attr-defined]
    stack.accidents.before = before
    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    monkeypatch.setattr(task, "open_child_dependencies", open_dependencies)

    ended = stack.index(stack.put_manifest(60), images_per_child=10)

    assert ended.status == "SUCCEEDED", ended.cause
    assert len(stack.ledger()) == 60
    # Each child was tried again by AWS Batch, and the workflow had nothing to repeat.
    assert attempts == dict.fromkeys(range(6), 4)
    assert (plain_and_arrays(stack), waits) == ([6], [])


@pytest.mark.long
def test_the_state_of_an_execution_stays_small(stack: Stack) -> None:
    break_child(stack, 1, times=2)

    ended = stack.index(stack.put_manifest(50), images_per_child=1)

    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.largest < 32 * 1024
