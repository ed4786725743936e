"""A folder that is watched is indexed when its objects change: events of S3 reach a job.

EventBridge, SQS and S3 are those of moto, with the rule of the template.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

import facerec.factory.engines
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from lambdas.erasure import handler as erasure
from lambdas.watch import handler
from tests.support.stack_template import properties
from tests.support.workflow.stack import BUCKET, Stack

FOLDER = "incoming/"


class Watched:
    """The parts of the stack between an object in S3 and a job."""

    def __init__(self, stack: Stack, *, deletions: bool) -> None:
        self.stack = stack
        self._queues = boto3.client("sqs")
        self._queue = self._queues.create_queue(QueueName="changes")["QueueUrl"]
        asked = self._queues.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        events = boto3.client("events")
        pattern = resolved(properties("ChangesRule")["EventPattern"], deletions)
        events.put_rule(Name="changes", EventPattern=json.dumps(pattern))
        (target,) = properties("ChangesRule")["Targets"]
        queue = {**target, "Arn": asked["Attributes"]["QueueArn"]}
        events.put_targets(Rule="changes", Targets=[queue])
        configuration = properties("Bucket")["NotificationConfiguration"]
        assert configuration["EventBridgeConfiguration"]["EventBridgeEnabled"] is True
        stack.s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )

    def put(self, name: str, *people: str) -> None:
        self.stack.put(f"{FOLDER}{name}", fake_photo(*(fake_face(each) for each in people)))

    def deliver(self) -> int:
        """Send the messages of the queue to the function in one batch, as Lambda does."""
        records: list[dict[str, Any]] = []
        while found := self._queues.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=10
        ).get("Messages"):
            records += [{"messageId": each["MessageId"], "body": each["Body"]} for each in found]
            for each in found:
                self._queues.delete_message(
                    QueueUrl=self._queue, ReceiptHandle=each["ReceiptHandle"]
                )
        if records:
            assert handler.handler({"Records": records}, None) == {"changes": len(records)}
        return len(records)

    def tick(self) -> str | None:
        """Run the function as its schedule does; return the job that it started."""
        started: str | None = handler.handler({}, None)["started"]
        return started

    def wait(self, job: str | None) -> dict[str, Any]:
        """Return the report of a job once it has ended."""
        assert job is not None
        ended = self.stack.wait_for(job)
        assert ended.status == "SUCCEEDED", ended.cause
        return self.stack.read_json(ended.output["report"])


def resolved(pattern: dict[str, Any], deletions: bool) -> dict[str, Any]:
    """Return the pattern of the rule with the parameters of the stack."""
    text = json.dumps(pattern)
    text = text.replace('{"Ref": "WatchedBucket"}', json.dumps(BUCKET))
    text = text.replace('{"Ref": "WatchedPrefix"}', json.dumps(FOLDER))
    document: dict[str, Any] = json.loads(text)
    created, deleted = document["detail-type"]
    chosen = deleted["Fn::If"][1]
    document["detail-type"] = [created, chosen] if deletions else [created]
    return document


@pytest.fixture
def watch(deploy: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Watched]:
    def start(*, deletions: bool = True) -> Watched:
        monkeypatch.setattr(facerec.factory.engines, "open_local_engine", lambda *_: FakeEngine())
        erasure._gallery.cache_clear()
        stack = deploy()
        (workflow,) = boto3.client("stepfunctions").list_state_machines()["stateMachines"]
        (queue,) = boto3.client("batch").describe_job_queues()["jobQueues"]
        for name, value in {
            "STATE_MACHINE_ARN": workflow["stateMachineArn"],
            "JOB_QUEUE_ARN": queue["jobQueueArn"],
            "WATCHED_FOLDER": f"s3://{BUCKET}/{FOLDER}",
            "WATCHED_COLLECTION": "staff",
            "WATCHED_DELETIONS": "yes" if deletions else "no",
        }.items():
            monkeypatch.setenv(name, value)
        return Watched(stack, deletions=deletions)

    return start


def test_new_objects_are_indexed_by_one_job(watch: Callable[..., Watched]) -> None:
    watched = watch()
    assert watched.tick() is None
    for number in range(12):
        watched.put(f"{number}.jpg", f"person {number}")
    watched.stack.put("elsewhere/1.jpg", fake_photo(fake_face("nobody")))

    assert watched.deliver() == 12
    report = watched.wait(watched.tick())

    assert report["photos"] == 12
    assert len(watched.stack.face_ids()) == 12
    # The files that the job wrote, and later ticks, start nothing.
    assert watched.deliver() == 0
    assert watched.tick() is None


def test_only_what_is_new_or_replaced_is_read(watch: Callable[..., Watched]) -> None:
    watched = watch()
    for number in range(4):
        watched.put(f"{number}.jpg", f"person {number}")
    watched.deliver()
    watched.wait(watched.tick())
    analysed = watched.stack.analysed

    watched.put("new.jpg", "somebody new")
    watched.put("0.jpg", "somebody else", "and a friend")
    watched.deliver()
    report = watched.wait(watched.tick())

    assert (report["difference"]["new"], report["difference"]["changed"]) == (1, 1)
    assert watched.stack.analysed == analysed + 2


def test_deleted_objects_lose_their_faces_if_asked_for(watch: Callable[..., Watched]) -> None:
    watched = watch()
    for number in range(4):
        watched.put(f"{number}.jpg", f"person {number}")
    watched.deliver()
    watched.wait(watched.tick())

    watched.stack.s3.delete_object(Bucket=BUCKET, Key=f"{FOLDER}2.jpg")
    assert watched.deliver() == 1
    report = watched.wait(watched.tick())

    assert report["removal"]["faces"] == 1
    assert len(watched.stack.face_ids()) == 3


@pytest.mark.long
def test_a_folder_whose_photos_are_mostly_deleted_still_indexes_new_ones(
    watch: Callable[..., Watched],
) -> None:
    watched = watch()
    watched.put("1.jpg", "ann")
    watched.deliver()
    watched.wait(watched.tick())
    watched.stack.s3.delete_object(Bucket=BUCKET, Key=f"{FOLDER}1.jpg")
    watched.deliver()
    assert watched.wait(watched.tick())["difference"]["not_pruned"] == 1

    watched.put("2.jpg", "bob")
    watched.deliver()
    report = watched.wait(watched.tick())

    assert (report["difference"]["new"], report["difference"]["not_pruned"]) == (1, 1)
    assert len(watched.stack.face_ids()) == 2


@pytest.mark.long
def test_a_higher_limit_removes_the_faces_of_all_deleted_objects(
    watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = watch()
    monkeypatch.setenv("WATCHED_PRUNE_LIMIT", "100")
    watched.put("1.jpg", "ann")
    watched.deliver()
    watched.wait(watched.tick())
    watched.stack.s3.delete_object(Bucket=BUCKET, Key=f"{FOLDER}1.jpg")
    watched.deliver()
    watched.wait(watched.tick())
    assert watched.stack.face_ids() == []


@pytest.mark.long
def test_a_job_that_failed_is_started_again(watch: Callable[..., Watched]) -> None:
    watched = watch()
    watched.stack.put(f"{FOLDER}1.jpg", b"no photo yet")
    watched.deliver()
    failed = watched.tick()
    assert failed is not None
    assert watched.stack.wait_for(failed).status == "FAILED"

    watched.put("1.jpg", "ann")
    # The event of the whole photo is not delivered.
    watched.wait(watched.tick())

    assert len(watched.stack.face_ids()) == 1
    assert watched.tick() is None


def test_deleted_objects_keep_their_faces_by_default(watch: Callable[..., Watched]) -> None:
    watched = watch(deletions=False)
    watched.put("1.jpg", "ann")
    watched.deliver()
    watched.wait(watched.tick())

    watched.stack.s3.delete_object(Bucket=BUCKET, Key=f"{FOLDER}1.jpg")

    assert watched.deliver() == 0
    assert watched.tick() is None
    assert len(watched.stack.face_ids()) == 1


def test_an_event_that_comes_twice_starts_one_listing_more(
    watch: Callable[..., Watched],
) -> None:
    watched = watch()
    watched.put("1.jpg", "ann")
    watched.deliver()
    watched.wait(watched.tick())
    analysed = watched.stack.analysed

    handler.handler({"Records": [{"messageId": "late", "body": "{}"}]}, None)
    watched.wait(watched.tick())

    assert watched.stack.analysed == analysed
    assert watched.tick() is None
