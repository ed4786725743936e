"""A stack matches new photos against registered people, and sends each match to an event bus."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from facerec.config import read_settings
from facerec.core.erasures import SubjectKind
from facerec.core.events import CLAIM_SECONDS
from facerec.core.schemas import violation
from facerec.errors import InvalidInputError
from facerec.factory import open_deployed_checked_stores, open_records
from facerec.gallery.gallery import Gallery
from facerec.jobs.child import segment_writer
from facerec.jobs.erasure_check.check import find_remainders
from facerec.jobs.erasure_check.traces import collect_traces
from facerec.testing.engine import fake_face, fake_photo
from lambdas.erasure import handler as erasing
from lambdas.events import handler as sending
from tests.support.command_line import ROOT
from tests.support.event_bus import RecordedBus, record_events
from tests.support.permissions import Permissions, acting_as
from tests.support.s3vectors_server import S3VectorsServer
from tests.support.workflow.machines import Killed
from tests.support.workflow.stack import BUCKET, Stack
from tests.support.workflow.stores import TABLE, VECTORS, deploy_with_stores, open_api_gallery

PUT_RULE = re.compile(r"aws events put-rule [^']*--event-pattern '([^']*)'")


@pytest.fixture
def bus(aws: None, monkeypatch: pytest.MonkeyPatch) -> RecordedBus:
    del aws
    return record_events(monkeypatch)


@pytest.fixture
def stack(
    deploy: Callable[..., Stack],
    bus: RecordedBus,
    vectors: S3VectorsServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stack]:
    """A stack with an event bus, whose collection has one photo of Ann, who is registered."""
    stack = deploy_with_stores(deploy, monkeypatch, EVENT_BUS=bus.arn)
    conditions = stack.permissions.conditions | {"Matching"}
    stack.permissions.conditions = conditions
    sending._opened.cache_clear()
    put_photo(stack, "ann", "ann")
    index(stack)
    gallery = Api(open_api_gallery(EVENT_BUS=bus.arn), stack.permissions)
    (face,) = gallery.list_faces("staff").faces
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", [face.record.face_id])
    gallery.register_user("staff", "ann", consent="2020-01-01", expires="2099-01-01")
    yield stack
    sending._opened.cache_clear()
    erasing._gallery.cache_clear()


class Api:
    """The gallery of the API; its calls are made with its permissions."""

    def __init__(self, gallery: Gallery, permissions: Permissions) -> None:
        self._gallery, self._permissions = gallery, permissions

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: object, **options: object) -> object:
            with acting_as("ApiFunction", self._permissions):
                return getattr(self._gallery, name)(*arguments, **options)

        return call


@pytest.fixture
def gallery(stack: Stack, bus: RecordedBus) -> Api:
    return Api(open_api_gallery(EVENT_BUS=bus.arn), stack.permissions)


def put_photo(stack: Stack, name: str, person: str, shot: int = 0) -> None:
    stack.put(f"photos/{name}.jpg", fake_photo(fake_face(person, away=0.1 * shot, shot=shot)))


def index(stack: Stack) -> None:
    ended = stack.index(f"s3://{BUCKET}/photos/")
    assert stack.permissions.denied == []
    assert (ended.status, ended.cause) == ("SUCCEEDED", "")


def send(stack: Stack) -> bool:
    """Invoke the function that sends events, as its schedule does; return whether it succeeded."""
    with acting_as("EventsFunction", None):
        answer = boto3.client("lambda").invoke(FunctionName="EventsFunction", Payload=b"{}")
    assert stack.permissions.denied == []
    return "errorType" not in json.loads(answer["Payload"].read())


def undelivered(gallery: Api) -> list[str]:
    page = gallery.list_events("staff", undelivered=True)
    return [kept.event.event_id for kept in page.events]


def test_a_new_photo_of_somebody_registered_is_an_event_on_the_bus_once(
    stack: Stack, gallery: Api, bus: RecordedBus
) -> None:
    for name, person in (("new", "ann"), ("other", "zoe")):
        put_photo(stack, name, person, shot=1)
    index(stack)
    assert len(undelivered(gallery)) == 1
    assert send(stack)
    (detail,) = bus.details
    assert violation("match-event", detail) is None
    assert (detail["collection_id"], detail["user_id"]) == ("staff", "ann")
    assert detail["photo"] == f"s3://{BUCKET}/photos/new.jpg"
    index(stack)
    assert send(stack)
    assert len(bus.details) == 1
    (kept,) = gallery.list_events("staff").events
    assert kept.delivered_at is not None


def test_a_photo_that_a_request_indexes_is_matched_too(
    stack: Stack, gallery: Api, bus: RecordedBus
) -> None:
    gallery.index("staff", fake_photo(fake_face("ann", away=0.1, shot=2)))
    assert send(stack)
    assert [detail["user_id"] for detail in bus.details] == ["ann"]


def test_events_that_the_bus_refuses_are_sent_again_and_the_others_not(
    stack: Stack, gallery: Api, bus: RecordedBus
) -> None:
    for shot in (1, 2, 3):
        put_photo(stack, f"new {shot}", "ann", shot)
    index(stack)
    refused = undelivered(gallery)[0]
    bus.refused = {refused: "ThrottlingException"}
    assert not send(stack)
    assert len(bus.details) == 2
    (kept,) = gallery.list_events("staff", undelivered=True).events
    assert kept.event.event_id == refused
    assert kept.problem == "Amazon EventBridge returned ThrottlingException"
    bus.refused = {}
    assert gallery.retry_events("staff") == 1
    assert send(stack)
    assert [detail["event_id"] for detail in bus.details].count(refused) == 1
    assert len(bus.details) == 3


@pytest.mark.parametrize("moment", ["before the faces", "before the segment"])
def test_no_event_is_lost_when_a_child_is_killed(
    stack: Stack,
    gallery: Api,
    bus: RecordedBus,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    """A child is killed after the event is kept, or after the faces are stored too."""
    name = {"before the faces": "replace_faces", "before the segment": "write_segment"}[moment]
    work, killed = getattr(segment_writer, name), []

    def die_once(*arguments: object, **options: object) -> object:
        if not killed:
            killed.append(moment)
            if moment == "before the faces":
                # nothing is sent while there is no face
                assert send(stack)
                assert bus.details == []
            raise Killed
        return work(*arguments, **options)

    monkeypatch.setattr(segment_writer, name, die_once)
    put_photo(stack, "new", "ann", shot=1)
    index(stack)
    assert killed == [moment]
    gallery.retry_events("staff")
    assert send(stack)
    assert [detail["photo"] for detail in bus.details] == [f"s3://{BUCKET}/photos/new.jpg"]
    assert len(gallery.list_events("staff").events) == 1


@pytest.mark.parametrize(
    "what",
    [
        pytest.param("unregistered", marks=pytest.mark.long),
        "erased",
        "face deleted",
        pytest.param("corrected", marks=pytest.mark.long),
        pytest.param("gone", marks=pytest.mark.long),
    ],
)
def test_what_is_withdrawn_before_it_is_sent_is_not_sent(
    stack: Stack, gallery: Api, bus: RecordedBus, what: str
) -> None:
    put_photo(stack, "new", "ann", shot=1)
    index(stack)
    (kept,) = gallery.list_events("staff").events
    match what:
        case "unregistered":
            gallery.unregister_user("staff", "ann")
        case "erased":
            gallery.erase("staff", SubjectKind.USER, "ann")
        case "face deleted":
            gallery.delete_faces("staff", [kept.event.face_id])
        case "corrected":
            gallery.not_same("staff", kept.event.face_id, "ann")
        case _:
            gallery.delete_collection("staff")
    assert send(stack)
    assert bus.details == []
    items = boto3.client("dynamodb").scan(TableName=TABLE)["Items"]
    assert not [item for item in items if item["pk"]["S"].startswith(("events#", "outbox"))]


def test_a_queue_receives_the_events_that_the_rule_of_the_docs_selects(
    stack: Stack, bus: RecordedBus
) -> None:
    (rule,) = PUT_RULE.findall((ROOT / "docs" / "people.md").read_text("utf-8"))
    queue = follow(bus, "matches", rule)
    others = follow(bus, "others", '{"source": ["facerec"], "detail-type": ["Something else"]}')
    for name, person in (("new", "ann"), ("other", "zoe")):
        put_photo(stack, name, person, shot=1)
    index(stack)
    assert received(queue) == []  # the function, which runs each minute, sends them
    assert send(stack)
    (event,) = received(queue)
    assert (event["source"], event["detail-type"]) == ("facerec", "Match of a registered person")
    assert event["detail"] == bus.details[0]
    assert violation("match-event", event["detail"]) is None
    assert event["detail"]["user_id"] == "ann"
    assert event["detail"]["photo"] == f"s3://{BUCKET}/photos/new.jpg"
    assert event["time"][:4] >= "2026"
    assert send(stack)
    assert received(queue) == received(others) == []


def follow(bus: RecordedBus, name: str, pattern: str) -> str:
    """Return the address of a new queue that is the target of a new rule of the bus."""
    queues = boto3.client("sqs", region_name="us-east-1")
    events = boto3.client("events", region_name="us-east-1")
    address: str = queues.create_queue(QueueName=name)["QueueUrl"]
    wanted = queues.get_queue_attributes(QueueUrl=address, AttributeNames=["QueueArn"])
    target = {"Id": "queue", "Arn": wanted["Attributes"]["QueueArn"]}
    events.put_rule(Name=name, EventBusName=bus.arn.rpartition("/")[2], EventPattern=pattern)
    events.put_targets(Rule=name, EventBusName=bus.arn.rpartition("/")[2], Targets=[target])
    return address


def received(queue: str) -> list[dict[str, Any]]:
    queues = boto3.client("sqs", region_name="us-east-1")
    messages = queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(each["Body"]) for each in messages]


@pytest.mark.long
def test_the_check_of_an_erasure_in_the_stack_finds_events(
    stack: Stack, gallery: Api, bus: RecordedBus
) -> None:
    put_photo(stack, "new", "ann", shot=1)
    index(stack)
    assert send(stack)
    environment = {"AWS_S3_BUCKET": BUCKET, "FACEREC_TABLE": TABLE, "VECTOR_BUCKET": VECTORS}
    settings = read_settings({**environment, "AWS_REGION": "us-east-1"})
    stores = open_deployed_checked_stores(settings)
    exported = gallery.export("staff", SubjectKind.USER, "ann", thumbnails=False).to_json()
    assert [each["event"] for each in exported["events"]] == bus.details
    with acting_as("ErasureFunction", stack.permissions):
        traces = collect_traces("staff", gallery.select("staff", SubjectKind.USER, "ann"), stores)
        before = find_remainders("staff", traces, stores)
        assert "the events of registered people" in {each.place for each in before}
    gallery.erase("staff", SubjectKind.USER, "ann")
    with acting_as("ErasureFunction", stack.permissions):
        after = find_remainders("staff", traces, stores)
        assert "the events of registered people" not in {each.place for each in after}


def test_a_bus_that_is_gone_loses_no_event(stack: Stack, gallery: Api, bus: RecordedBus) -> None:
    put_photo(stack, "new", "ann", shot=1)
    index(stack)
    events = boto3.client("events", region_name="us-east-1")
    events.delete_event_bus(Name="matches")
    assert not send(stack)
    assert len(undelivered(gallery)) == 1
    events.create_event_bus(Name="matches")
    assert send(stack)
    assert len(bus.details) == 1


@pytest.mark.long
def test_an_event_whose_sender_was_killed_is_sent_again(
    stack: Stack, gallery: Api, bus: RecordedBus
) -> None:
    put_photo(stack, "new", "ann", shot=1)
    index(stack)
    settings = replace(read_settings({}), table=TABLE, region="us-east-1")
    now = time.time() - CLAIM_SECONDS
    (kept,) = gallery.list_events("staff").events
    claimed = open_records(settings).claim_event(kept.event.matched_at, now + CLAIM_SECONDS)
    assert claimed is not None
    assert send(stack)
    assert [detail["event_id"] for detail in bus.details] == [kept.event.event_id]


def test_without_an_event_bus_nobody_is_registered_or_matched(
    stack: Stack, bus: RecordedBus
) -> None:
    gallery = Api(open_api_gallery(), stack.permissions)
    with pytest.raises(InvalidInputError, match="does not match") as refusal:
        gallery.register_user("staff", "ann", consent="2020-01-01", expires="2099-01-01")
    assert "EventBusArn" in refusal.value.hint
    gallery.index("staff", fake_photo(fake_face("ann", away=0.1, shot=2)))
    assert gallery.list_events("staff").events == ()
    assert gallery.unregister_user("staff", "ann").registration is None
    assert bus.details == []
