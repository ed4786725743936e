"""Responses of AWS that are lost, so that botocore repeats their requests."""

from __future__ import annotations

from typing import Any


def lose_responses(client: Any, operation: str) -> None:  # noqa: ANN401 - boto3 has no types
    """Lose the next response to an operation, such as ``s3.PutObject``, after it was performed."""
    events, name = client.meta.events, f"needs-retry.{operation}"

    def repeat(attempts: int, **_event: object) -> float | None:
        events.unregister(name, repeat)
        return 0.0 if attempts == 1 else None

    events.register_first(name, repeat)
