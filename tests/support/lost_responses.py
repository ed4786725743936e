"""Responses of AWS that are lost, so that botocore repeats their requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSResponse

CONFLICT = b"<Error><Code>ConditionalRequestConflict</Code></Error>"
"""The body of S3's response to a conditional request while another one is in progress."""


def lose_responses(client: Any, operation: str) -> None:  # noqa: ANN401 - boto3 has no types
    """Lose the next response to an operation, such as ``s3.PutObject``, after it was performed."""
    events, name = client.meta.events, f"needs-retry.{operation}"

    def repeat(attempts: int, **_event: object) -> float | None:
        events.unregister(name, repeat)
        return 0.0 if attempts == 1 else None

    events.register_first(name, repeat)


def refuse_repetitions(client: Any, operation: str) -> None:  # noqa: ANN401 - boto3 has no types
    """Lose the next response to an operation, whose repetition finds it still in progress.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    events, name = client.meta.events, f"before-send.{operation}"
    sent = 0

    def refuse(**_event: object) -> AWSResponse | None:
        nonlocal sent
        sent += 1
        if sent < 2:
            return None
        events.unregister(name, refuse)
        return AWSResponse("", 409, {}, _Raw())

    lose_responses(client, operation)
    events.register_first(name, refuse)


class _Raw:
    def stream(self, **_size: object) -> Iterator[bytes]:
        yield CONFLICT
