"""Sends events to an event bus of Amazon EventBridge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from facerec.core.aws_errors import aws_errors
from facerec.core.aws_region import aws_region
from facerec.errors import ConfigurationError, StoreUnavailableError

if TYPE_CHECKING:
    from facerec.core.events import MatchEvent

SOURCE = "facerec"
"""Source of the events, which rules can match."""

DETAIL_TYPE = "Match of a registered person"
"""Detail type of the events, which rules can match."""

MAX_ENTRIES = 10
"""Maximum number of events in a request. Each is at most a few kilobytes, so that ten are far below
the maximum size: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html."""


def open_event_bus(arn: str) -> EventBus:
    """Return the event bus of an ARN, with the credentials of the environment.

    Raises:
        ConfigurationError: The text is not the ARN of an event bus.
    """
    import boto3
    from botocore.config import Config

    parts = arn.split(":")
    if len(parts) != 6 or parts[2] != "events" or not parts[5].startswith("event-bus/"):
        raise ConfigurationError(
            f"EVENT_BUS is not the ARN of an event bus: {arn!r:.80}",
            "write it as arn:aws:events:REGION:ACCOUNT:event-bus/NAME",
        )
    # An event that is not accepted in time stays in the outbox and is sent again. An erasure waits
    # for an attempt.
    config = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 1})
    client = boto3.client("events", region_name=aws_region(parts[3]), config=config)
    return EventBus(client, arn)


class EventBus:
    """An event bus. The detail of each event has the form of ``schemas/match-event.json``."""

    def __init__(self, client: Any, arn: str) -> None:  # noqa: ANN401 - boto3 has no types
        self._client, self._arn = client, arn

    def require_exists(self) -> None:
        """Check that the bus exists.

        EventBridge accepts events for a bus that does not exist, and drops them:
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html

        Raises:
            FacerecError: The bus does not exist, or cannot be described.
        """
        with self._errors():
            self._client.describe_event_bus(Name=self._arn)

    def send(self, events: Sequence[MatchEvent]) -> list[str | None]:
        """Send at most ``MAX_ENTRIES`` events.

        Returns:
            For each event, the reason why it was not accepted; None if it was accepted.

        Raises:
            FacerecError: The request failed. If only the answer was lost, some events may have been
                accepted.
        """
        with self._errors():
            answer = self._client.put_events(Entries=[self._entry(event) for event in events])
        # The results are in the order of the entries.
        return [
            f"Amazon EventBridge returned {each['ErrorCode']}" if "ErrorCode" in each else None
            for each in answer["Entries"]
        ]

    def _errors(self) -> AbstractContextManager[None]:
        bus = f"the event bus {self._arn}"
        missing = StoreUnavailableError(
            f"{bus} does not exist",
            "create it, or deploy the stack with another one as EventBusArn",
        )
        return aws_errors("Amazon EventBridge", bus, missing=missing)

    def _entry(self, event: MatchEvent) -> dict[str, Any]:
        return {
            "EventBusName": self._arn,
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "Time": datetime.fromtimestamp(event.matched_at, UTC),
            "Detail": json.dumps(event.to_json(), ensure_ascii=False, sort_keys=True),
        }
