"""Requests with an idempotency token: the same one again gets the same answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from facerec.core.records import AnsweredRequest
from facerec.errors import RequestMismatchError
from facerec.gallery.service.parts import Parts

REMEMBERED = 8 * 3600.0
"""Seconds for which an answer is kept."""


def answer_once(
    parts: Parts, token: str | None, request: dict[str, Any], answer: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Answer a request, unless its token was answered already.

    Only success is kept: after an error the same token may be tried again.

    Args:
        parts: the parts.
        token: the idempotency token, or None for a request without one.
        request: what the request says, its operation included; JSON values.
        answer: does what the request asks for and returns the answer as JSON values.

    Raises:
        RequestMismatchError: the token came with another request before.
    """
    if token is None:
        return answer()
    digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
    known = parts.records.find_request(token, parts.clock())
    if known is None:
        answered = answer()
        now = parts.clock()
        kept = AnsweredRequest(digest, json.dumps(answered), now + REMEMBERED)
        parts.records.keep_request(token, kept, now)
        return answered
    if known.digest != digest:
        raise RequestMismatchError
    result: dict[str, Any] = json.loads(known.answer)
    return result
