"""Sends a few requests concurrently, with shared pauses (``facerec.storage.retrying``)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from facerec.storage.pinecone.errors import store_error
from facerec.storage.pinecone.limits import REQUESTS_IN_FLIGHT
from facerec.storage.retrying import Retries

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Requests:
    """Sends the requests of one store.

    Args:
        patience: Seconds for which a request is retried.
        throttled: Seconds for which a throttled request is retried; None for ``patience``.
    """

    def __init__(self, patience: float, throttled: float | None = None) -> None:
        self._retries = Retries(patience, throttled)
        self._threads = ThreadPoolExecutor(REQUESTS_IN_FLIGHT, "pinecone")
        # Threads of callers send requests too. If they queued for the client's connections, the
        # wait would count towards the timeout of the request.
        self._in_flight = threading.BoundedSemaphore(REQUESTS_IN_FLIGHT)

    def send(self, request: Callable[[], Answer]) -> Answer:
        """Send a request, retrying it with ``Retries``, and return the response.

        Raises:
            FacerecError: See ``facerec.storage.pinecone.errors``.
        """
        from pinecone.errors import PineconeError

        def send_once() -> Answer:
            try:
                with self._in_flight:
                    return request()
            except PineconeError as refusal:
                raise store_error(refusal) from refusal

        return self._retries.send(send_once)

    def send_each(
        self, request: Callable[[Item], Answer], items: Iterable[Item]
    ) -> Iterator[Answer]:
        """Send requests for items concurrently and yield the responses in order.

        If a request fails, requests that have not started are not sent.

        Raises:
            FacerecError: See ``facerec.storage.pinecone.errors``.
        """
        waiting = list(items)
        if len(waiting) == 1:
            yield self.send(lambda: request(waiting[0]))
            return
        yield from self._threads.map(lambda item: self.send(lambda: request(item)), waiting)

    def close(self) -> None:
        """Stop the threads after the requests in flight."""
        self._threads.shutdown(cancel_futures=True)
