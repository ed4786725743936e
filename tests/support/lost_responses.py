"""Responses of AWS that are lost, so that botocore repeats their requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

CONFLICT = b"<Error><Code>ConditionalRequestConflict</Code></Error>"
"""The body of S3's response to a conditional request while another one is in progress."""

TRANSACTION_CONFLICT = (
    b'{"__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException"}'
)
"""The body of DynamoDB's response to a write of an item that a transaction is changing."""


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
        return AWSResponse("", 409, {}, _Raw(CONFLICT))

    lose_responses(client, operation)
    events.register_first(name, refuse)


def refuse_writes(client: Any, operation: str, number: int) -> None:  # noqa: ANN401 - as above
    """Let the next writes of DynamoDB meet a transaction, such as ``dynamodb.PutItem``.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
    """
    events, name = client.meta.events, f"before-send.{operation}"
    left = [None] * number

    def refuse(request: AWSPreparedRequest, **_event: object) -> AWSResponse:
        # moto answers too, and its answer is not used: it must not write.
        request.url = "https://example.com/"
        left.pop()
        if not left:
            events.unregister(name, refuse)
        return AWSResponse("", 400, {}, _Raw(TRANSACTION_CONFLICT))

    events.register_first(name, refuse)


class _Raw:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def stream(self, **_size: object) -> Iterator[bytes]:
        yield self.content
