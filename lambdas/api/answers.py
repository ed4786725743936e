"""Adapts the application's answers to the limits of Lambda and the paths of API Gateway."""

from __future__ import annotations

import json
from typing import Any

from facerec.api.access_control import refusal
from facerec.api.auth.access import RefusedError


def checked_answer(event: dict[str, Any], answer: dict[str, Any], max_bytes: int) -> dict[str, Any]:
    """Return an answer as the client must receive it, or a refusal if it is too large.

    Args:
        event: The request.
        answer: The answer of the application.
        max_bytes: Maximum size of an answer as JSON, in which the body is a text: a quote takes two
            bytes, and a character outside ASCII up to twelve.
    """
    if len(json.dumps(answer)) > max_bytes:
        error = RefusedError(
            "InvalidParameterException",
            f"The response has more than {max_bytes} bytes. Request fewer faces or smaller pages.",
            422,
        )
        return _refused(event, error)
    return _with_stage(event, answer)


def unready_answer(event: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a request while the application cannot be built."""
    message = (
        "A setting of the service is missing or wrong, or a store cannot be opened; see its log."
    )
    return _refused(event, RefusedError("InternalServerError", message, 503))


def _with_stage(event: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer whose Location begins with the stage, which paths from API Gateway lack."""
    stage = str((event.get("requestContext") or {}).get("path", "")).removesuffix(
        str(event.get("path", ""))
    )
    for headers in (answer.get("headers") or {}, answer.get("multiValueHeaders") or {}):
        for name, value in headers.items():
            if name.lower() == "location":
                paths = [value] if isinstance(value, str) else value
                staged = [f"{stage}{path}" if path.startswith("/") else path for path in paths]
                headers[name] = staged[0] if isinstance(value, str) else staged
    return answer


def _refused(event: dict[str, Any], error: RefusedError) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    status, names, body = refusal(error, rekognition="x-amz-target" in headers)
    return {
        "statusCode": status,
        "headers": names,
        "body": body.decode(),
        "isBase64Encoded": False,
    }
