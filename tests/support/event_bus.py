"""An event bus on moto that records what it receives, and refuses entries as EventBridge does.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend
from moto.events.responses import EventsHandler

MAX_REQUEST = 256 * 1024
"""Maximum bytes of the entries of a request."""


@dataclass
class RecordedBus:
    """An event bus.

    Attributes:
        arn: Its ARN.
        details: Details of the events that it has accepted.
        entries: The entries as they were sent.
        requests: Number of requests.
        refused: Ids of events that it refuses from now on, by the code of the error.
    """

    arn: str
    details: list[dict[str, Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0
    refused: dict[str, str] = field(default_factory=dict)

    def put(self, entries: list[dict[str, Any]], moto: EventsBackend) -> dict[str, Any]:
        """Accept entries one by one; a part of them may fail. Rules of the bus get the others."""
        self.requests += 1
        if not 1 <= len(entries) <= 10 or sum(map(size_of, entries)) > MAX_REQUEST:
            raise ValidationException("Total size of the entries in the request is over the limit.")
        answers = []
        for entry in entries:
            detail = json.loads(entry["Detail"])
            code = self.refused.get(detail["event_id"])
            if code is not None:
                answers.append({"ErrorCode": code, "ErrorMessage": "try again"})
                continue
            assert entry["EventBusName"] == self.arn
            self.entries.append(entry)
            self.details.append(detail)
            moto.put_events([entry])
            answers.append({"EventId": f"{len(self.details)}"})
        failed = sum("ErrorCode" in each for each in answers)
        return {"FailedEntryCount": failed, "Entries": answers}


def size_of(entry: dict[str, Any]) -> int:
    """Return the bytes of an entry as EventBridge counts them."""
    return 14 + sum(len(entry[name].encode()) for name in ("Source", "DetailType", "Detail"))


def record_events(monkeypatch: pytest.MonkeyPatch, name: str = "matches") -> RecordedBus:
    """Create an event bus that records what it receives; moto is active."""
    client = boto3.client("events", region_name="us-east-1")
    bus = RecordedBus(client.create_event_bus(Name=name)["EventBusArn"])
    monkeypatch.setattr(
        EventsHandler,
        "put_events",
        lambda handler: json.dumps(bus.put(handler._get_param("Entries"), handler.events_backend)),
    )
    return bus
