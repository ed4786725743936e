"""Limits the number of concurrent requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync
from starlette.requests import Request

from facerec.api.limits import MAX_CONCURRENT_OTHERS, MAX_QUEUE
from facerec.errors import BusyError

Result = TypeVar("Result")

CLIENT_GONE = 499
"""nginx's status for "client closed request"; nobody receives it."""


class ClientGoneError(Exception):
    """The client left before its request was started."""


class Capacity:
    """Runs requests in threads, and limits how many run concurrently.

    Requests that occupy a processor, such as those with photos, have a limit of their own; the
    number of others is limited by ``MAX_CONCURRENT_OTHERS``. A waiting request whose client leaves
    is dropped without being started.
    """

    def __init__(self, photos_at_once: int) -> None:
        """Create a limiter that admits this many concurrent requests that occupy a processor."""
        self._photos = anyio.CapacityLimiter(photos_at_once)
        self._others = anyio.CapacityLimiter(MAX_CONCURRENT_OTHERS)

    async def run(self, request: Request, work: Callable[[], Result], *, cpu_bound: bool) -> Result:
        """Run a request in a thread and return its result.

        Args:
            request: The request; its client may leave while it waits.
            work: What to run; its errors are raised.
            cpu_bound: Whether the work occupies a processor, as finding faces in photos does.

        Raises:
            BusyError: Too many requests are queued.
            ClientGoneError: The client left while the request waited.
        """
        limiter = self._photos if cpu_bound else self._others
        if limiter.statistics().tasks_waiting >= MAX_QUEUE:
            raise BusyError
        async with limiter:
            if await request.is_disconnected():
                raise ClientGoneError
            # ``limiter`` has admitted this request. A new limiter keeps ``run_sync`` from waiting
            # for the one that anyio shares between all threads.
            return await run_sync(work, limiter=anyio.CapacityLimiter(1))
