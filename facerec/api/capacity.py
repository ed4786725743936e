"""How many requests are worked on at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync
from starlette.requests import Request

from facerec.errors import BusyError

Result = TypeVar("Result")

LONGEST_QUEUE = 64
"""Requests with photos that wait for their turn; more are told to come back later."""

OTHERS_AT_ONCE = 32
"""Requests without photos that are worked on at once: most of their time they wait for a store."""


CLIENT_GONE = 499
"""The status that nobody sees (as in nginx's logs)."""


class ClientGoneError(Exception):
    """The client has left before its request was begun."""


class Capacity:
    """Runs requests in threads: as many with photos as there are processors, others freely.

    A request that waits for its turn costs nothing if its client leaves meanwhile.
    """

    def __init__(self, processors: int) -> None:
        """Take the number of photos to work on at once."""
        self._photos = anyio.CapacityLimiter(processors)
        self._others = anyio.CapacityLimiter(OTHERS_AT_ONCE)

    async def run(self, request: Request, work: Callable[[], Result], *, looks: bool) -> Result:
        """Return what the work returns, which is done in a thread.

        Args:
            request: whose client may leave.
            work: what to do.
            looks: whether that looks at photos.

        Raises:
            BusyError: too many requests wait already.
            ClientGoneError: the client has left while the request waited.
        """
        limiter = self._photos if looks else self._others
        if limiter.statistics().tasks_waiting >= LONGEST_QUEUE:
            raise BusyError
        async with limiter:
            if await request.is_disconnected():
                raise ClientGoneError
            # the turn is taken here already, so the thread needs no limiter but one of its own
            return await run_sync(work, limiter=anyio.CapacityLimiter(1))
