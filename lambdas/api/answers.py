"""Answers as Lambda can carry them."""

from __future__ import annotations

from typing import Any

from facerec.api.access_control import refusal
from facerec.api.auth.access import RefusedError


def checked_answer(event: dict[str, Any], answer: dict[str, Any], most: int) -> dict[str, Any]:
    """Return an answer, or the refusal of one that is too large.

    Args:
        event: the request.
        answer: what the application says.
        most: bytes of an answer's body.
    """
    if len(answer.get("body") or "") <= most:
        return answer
    error = RefusedError(
        "InvalidParameterException",
        f"The answer has more than {most} bytes. Ask for fewer faces or smaller pages.",
        422,
    )
    return _refused(event, error)


def unready_answer(event: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a request that comes when the application cannot be built."""
    message = "A store or a setting of the service is missing; its log says which."
    return _refused(event, RefusedError("InternalServerError", message, 503))


def _refused(event: dict[str, Any], error: RefusedError) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    status, names, body = refusal(error, rekognition="x-amz-target" in headers)
    return {
        "statusCode": status,
        "headers": names,
        "body": body.decode(),
        "isBase64Encoded": False,
    }
