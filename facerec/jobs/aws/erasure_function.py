"""The function of the stack that erases from job folders and rebuilds collections."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode, b64encode
from typing import Any, Never

from facerec.core.aws_errors import aws_errors
from facerec.errors import (
    FacerecError,
    InvalidInputError,
    NotFoundError,
    error_from_json,
    is_error,
)
from facerec.jobs.aws.log import logger

TIMEOUT = 900.0
"""Maximum duration of a function in seconds:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html."""


def pack(document: object, max_bytes: int, *, hint: str) -> str:
    """Return JSON values as a compressed text.

    Args:
        document: The values.
        max_bytes: Maximum length of the text.
        hint: What to do if it is longer.

    Raises:
        InvalidInputError: The text has more than ``max_bytes``.
    """
    packed = b64encode(gzip.compress(json.dumps(document).encode(), mtime=0)).decode()
    if len(packed) > max_bytes:
        raise InvalidInputError("the result is too large for one response of the function", hint)
    return packed


def open_erasure_function(name: str, region: str | None = None) -> ErasureFunction:
    """Return the function of this name or ARN, using the credentials of the environment.

    Raises:
        ConfigurationError: No region is set.
    """
    import boto3
    from botocore.config import Config

    from facerec.core.aws_region import aws_region

    # A slow request must not be sent a second time.
    config = Config(read_timeout=TIMEOUT, retries={"total_max_attempts": 1})
    with aws_errors("Lambda"):
        client = boto3.client("lambda", region_name=aws_region(region), config=config)
    return ErasureFunction(name, client)


class _Answer(dict[str, Any]):
    """A JSON object that the function returned; a field that another release lacks is an error."""

    def __missing__(self, field: str) -> Never:
        raise NotFoundError(
            f"the stack is of another release than this command: it does not return {field!r}",
            "update the stack to this release",
        )


class ErasureFunction:
    """The function that erases data; ``lambdas.erasure.handler`` describes all its events."""

    def __init__(self, name: str, client: Any) -> None:  # noqa: ANN401 - boto3 has no types
        self._name, self._client = name, client

    def start(self, erasure_id: str) -> None:
        """Start completing a recorded erasure, and return without waiting for it.

        Lambda retries a failed invocation twice. After that, or if the function cannot be
        invoked now, its schedule completes the erasure.
        """
        try:
            self._invoke("Event", {"erasure_id": erasure_id})
        except FacerecError as error:
            logger().warning("an erasure was left to the schedule", cause=error.message)

    def call(self, event: dict[str, Any]) -> dict[str, Any]:
        """Invoke the function for an event, and return its JSON answer.

        Reading a field that the answer of another release does not have raises a ``NotFoundError``.

        Raises:
            NotFoundError: The function's release does not have the operation.
            FacerecError: The function cannot be invoked, refused the request, or failed.
        """
        answer = self._invoke("RequestResponse", {**event, "returns_refusals": True})
        document: dict[str, Any] = json.loads(answer["Payload"].read(), object_hook=_Answer)
        if "FunctionError" in answer:
            if _lacks_operation(document, event):
                raise _does_not_know(self._name)
            kind, message = document.get("errorType"), document.get("errorMessage")
            # The message of an error of facerec, such as a store's, already states what failed.
            if kind is not None and is_error(kind):
                hint = f"the function {self._name} of the stack reports this; try again"
                raise error_from_json({"kind": kind, "message": message, "hint": hint})
            # A function that was ended has no type of error
            reasons = filter(None, (kind, message))
            raise FacerecError(
                ": ".join((f"the function {self._name} failed", *reasons)), "try again"
            )
        if "refused" in document:
            raise error_from_json(document["refused"])
        return document

    def call_for_packed(self, event: dict[str, Any]) -> dict[str, Any]:
        """Invoke the function, and return the JSON values that it has packed (``pack``).

        Raises:
            NotFoundError: The function's release does not support the event.
            FacerecError: See ``call``.
        """
        packed = self.call(event).get("packed")
        if packed is None:
            raise _does_not_know(self._name)
        content = gzip.decompress(b64decode(packed))
        document: dict[str, Any] = json.loads(content, object_hook=_Answer)
        return document

    def _invoke(self, kind: str, event: dict[str, Any]) -> dict[str, Any]:
        with aws_errors("Lambda", f"the function {self._name}"):
            answer: dict[str, Any] = self._client.invoke(
                FunctionName=self._name, InvocationType=kind, Payload=json.dumps(event)
            )
        return answer


def _lacks_operation(failure: dict[str, Any], event: dict[str, Any]) -> bool:
    """Return whether a function failed because its release does not have the event's operation.

    Earlier releases look operations up without a check.
    """
    reported = (failure.get("errorType"), failure.get("errorMessage"))
    return "operation" in event and reported == ("KeyError", repr(event["operation"]))


def _does_not_know(name: str) -> NotFoundError:
    return NotFoundError(
        f"the function {name} does not know this request", "update the stack to this release"
    )
