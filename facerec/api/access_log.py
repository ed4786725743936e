"""The access log: sender, operation, collection, status and duration of each request.

An entry contains no photo, vector, face id or request path: the operation is the template of the
route, or the name of Rekognition's operation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import Message, Send


@dataclass(slots=True)
class Access:
    """The entry of one request in the access log.

    Attributes:
        principal: The sender, even if refused; empty if the sender was not authenticated.
        operation: Operation such as ``POST /api/v1/face-recognition/match`` or
            ``rekognition:SearchFacesByImage``; empty if there is none.
        collection_id: The collection that the request names, or None. If the request is refused or
            invalid, only a collection in its path is known.
        status: Status of the response; 500 if there was none.
        seconds: Time from the end of the request's head to the end of the response.
    """

    principal: str = ""
    operation: str = ""
    collection_id: str | None = None
    status: int = 500
    seconds: float = 0.0

    def watch(self, send: Send) -> Send:
        """Return a ``send`` that records the status of the response."""

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            await send(message)

        return watched


_CURRENT: ContextVar[Access | None] = ContextVar("access", default=None)


@contextmanager
def record_access(write: Callable[[Access], None]) -> Iterator[Access]:
    """Record the request that the block answers, and log it when the block ends."""
    access = Access()
    token = _CURRENT.set(access)
    started = time.monotonic()
    try:
        yield access
    finally:
        _CURRENT.reset(token)
        access.seconds = time.monotonic() - started
        write(access)


def note_principal(name: str) -> None:
    """Record who sent the request."""
    access = _CURRENT.get()
    if access is not None:
        access.principal = name


def note_access(operation: str, collection_id: str | None) -> None:
    """Record which operation and collection the request names."""
    access = _CURRENT.get()
    if access is not None:
        access.operation, access.collection_id = operation, collection_id
