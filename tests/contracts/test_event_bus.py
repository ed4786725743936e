"""The events of matches on an event bus: as documented, on moto's emulation of EventBridge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest
from moto import mock_aws

from facerec.core.schemas import violation
from facerec.errors import ConfigurationError, FacerecError, StoreUnavailableError
from facerec.storage.event_bus import DETAIL_TYPE, MAX_ENTRIES, SOURCE, EventBus, open_event_bus
from facerec.testing.registrations import match_event
from tests.support.event_bus import MAX_REQUEST, RecordedBus, record_events, size_of


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedBus]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield record_events(monkeypatch)


@pytest.fixture
def bus(received: RecordedBus) -> EventBus:
    return open_event_bus(received.arn)


def test_an_event_has_the_same_document_as_a_webhook_gets(
    bus: EventBus, received: RecordedBus
) -> None:
    assert bus.send([match_event(1), match_event(2)]) == [None, None]
    assert received.details == [match_event(1).to_json(), match_event(2).to_json()]
    assert all(violation("match-event", detail) is None for detail in received.details)
    (first, _) = received.entries
    assert (first["Source"], first["DetailType"]) == (SOURCE, DETAIL_TYPE)
    assert first["EventBusName"] == received.arn


def test_each_entry_that_fails_is_named_and_the_others_are_sent(
    bus: EventBus, received: RecordedBus
) -> None:
    received.refused = {match_event(2).event_id: "InternalFailure"}
    problems = bus.send([match_event(number) for number in (1, 2, 3)])
    assert problems == [None, "Amazon EventBridge returned InternalFailure", None]
    assert received.details == [match_event(1).to_json(), match_event(3).to_json()]


def test_the_largest_events_fit_into_a_request_together(
    bus: EventBus, received: RecordedBus
) -> None:
    longest = replace(
        match_event(1),
        collection_id="c" * 255,
        user_id="u" * 128,
        external_image_id="\U0001f600" * 255,
        # an address in S3: a bucket, and a key of 1,024 bytes, all of them escaped in JSON
        photo="s3://" + "b" * 63 + "/" + "\x01" * 1024,
    )
    assert bus.send([longest] * MAX_ENTRIES) == [None] * MAX_ENTRIES
    assert sum(map(size_of, received.entries)) < MAX_REQUEST / 2


def test_a_bus_that_is_gone_is_noticed_before_events_are_sent(
    bus: EventBus, received: RecordedBus
) -> None:
    bus.require_exists()
    boto3.client("events", region_name="us-east-1").delete_event_bus(Name="matches")
    with pytest.raises(StoreUnavailableError, match="does not exist"):
        bus.require_exists()
    assert received.requests == 0


def test_a_request_that_is_refused_as_a_whole_is_an_error(
    bus: EventBus, received: RecordedBus
) -> None:
    with pytest.raises(FacerecError):
        bus.send([match_event(1)] * (MAX_ENTRIES + 1))
    assert json.dumps(received.details) == "[]"


@pytest.mark.parametrize(
    "arn", ["matches", "arn:aws:events:us-east-1:1:rule/x", "arn:aws:sns:us-east-1:1:event-bus/x"]
)
def test_only_the_arn_of_an_event_bus_is_accepted(arn: str) -> None:
    with pytest.raises(ConfigurationError, match="EVENT_BUS"):
        open_event_bus(arn)
