"""Sends requests: a few concurrently, with shared pauses.

The client itself retries a request three times, quickly. That is not enough for a job whose
containers share the rate limit of a namespace, so a throttled request is retried until ``patience``
ends. Pauses are random up to a bound that doubles ("full jitter",
https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), so that containers
spread out. A pause delays every request of the store, so that a container backs off as a whole.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from facerec.storage.pinecone.errors import is_transient, store_error
from facerec.storage.pinecone.limits import FIRST_PAUSE, MAX_PAUSE, REQUESTS_IN_FLIGHT

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class SharedPause:
    """A pause of all requests of a store. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._resume = 0.0
        self._paused = 0.0
        self._refusals = 0

    def wait(self) -> float:
        """Wait for the end of the pause, and return the time then."""
        while (left := self._resume - time.monotonic()) > 0:
            time.sleep(left)
        return time.monotonic()

    def extend(self, started: float, asked: float) -> float:
        """Start or extend the pause after a rejection, and return its end.

        Args:
            started: time at which the rejected request was sent. Requests that were in flight when
                the pause began count as one rejection.
            asked: pause in seconds that the service requested.
        """
        with self._lock:
            if started >= self._paused:
                self._refusals += 1
                self._paused = time.monotonic()
                bound = min(MAX_PAUSE, FIRST_PAUSE * 2.0 ** (self._refusals - 1))
                pause = random.uniform(0, bound)  # noqa: S311 - no secret
                self._resume = self._paused + min(asked, MAX_PAUSE) + pause
            return self._resume

    def end(self) -> None:
        """End the pause after a successful request."""
        self._refusals = 0


class Requests:
    """Sends the requests of one store.

    Args:
        patience: seconds for which a throttled request is retried.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._pause = SharedPause()
        self._threads = ThreadPoolExecutor(REQUESTS_IN_FLIGHT, "pinecone")
        # Threads of callers send requests too. If they queued for the client's connections, the
        # wait would count towards the timeout of the request.
        self._in_flight = threading.BoundedSemaphore(REQUESTS_IN_FLIGHT)

    def send(self, request: Callable[[], Answer]) -> Answer:
        """Send a request, retry it while it is throttled, and return the response.

        Raises:
            FacerecError: see ``facerec.storage.pinecone.errors``.
        """
        from pinecone.errors import PineconeError

        deadline = time.monotonic() + self._patience
        while True:
            started = self._pause.wait()
            try:
                with self._in_flight:
                    answer = request()
            except PineconeError as refusal:
                error = store_error(refusal)
                if not is_transient(error):
                    raise error from refusal
                asked = getattr(refusal, "retry_after", None) or 0.0
                if self._pause.extend(started, asked) > deadline:
                    raise error from refusal
            else:
                self._pause.end()
                return answer

    def send_each(
        self, request: Callable[[Item], Answer], items: Iterable[Item]
    ) -> Iterator[Answer]:
        """Send requests for items concurrently and yield the responses in order.

        If a request fails, those that have not started are not sent.
        """
        waiting = list(items)
        if len(waiting) == 1:
            yield self.send(lambda: request(waiting[0]))
            return
        yield from self._threads.map(lambda item: self.send(lambda: request(item)), waiting)

    def close(self) -> None:
        """Stop the threads after the requests in flight."""
        self._threads.shutdown(cancel_futures=True)
