"""Returns the stored answer to a request that is repeated with the same idempotency token."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any

from facerec.core.records import AnsweredRequest
from facerec.errors import FacerecError, RequestMismatchError

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore

_LOCKS = tuple(Lock() for _ in range(64))
"""Locks chosen by token, so that a process answers requests with the same token one at a time."""

LIFETIME = 8 * 3600.0
"""Seconds for which an answer is kept."""


def answer_by_token(
    token: str,
    request: dict[str, Any],
    answer: Callable[[], dict[str, Any]],
    *,
    records: RecordStore,
    clock: Callable[[], float],
) -> dict[str, Any]:
    """Answer a request, or return the stored answer to its token.

    Only successful answers are kept, for ``LIFETIME`` seconds: after an error the same token can be
    used again. A request that arrives in the same process while the first one is being answered
    waits for its answer.

    Args:
        token: Idempotency token.
        request: JSON values that identify the request, including its operation.
        answer: Performs the request and returns its answer as JSON values.
        records: Store of answered requests.
        clock: Returns the time in seconds since 1970.

    Raises:
        RequestMismatchError: The token was used with another request before.
    """
    digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
    with _LOCKS[hash(token) % len(_LOCKS)]:
        known = records.get_request(token, clock())
        if known is None:
            try:
                answered = answer()
            except FacerecError:
                # Another process may have answered the same request in the meantime.
                known = records.get_request(token, clock())
                if known is None:
                    raise
            else:
                now = clock()
                kept = AnsweredRequest(digest, json.dumps(answered), now + LIFETIME)
                records.keep_request(token, kept, now)
                return answered
    if known.digest != digest:
        raise RequestMismatchError
    result: dict[str, Any] = json.loads(known.answer)
    return result
