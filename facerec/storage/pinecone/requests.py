"""Sending requests: a few at a time, with pauses that all of them share.

The client retries a request three times by itself, fast. That is too impatient for a job of
which a thousand containers share a namespace's rate, so a refused request is sent again until
patience ends. Pauses are drawn from 0 to a bound that doubles ("full jitter",
https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), so that containers
spread out; and they hold up every request of the store, so that a container backs off as one.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from facerec.storage.pinecone.errors import is_passing, store_error
from facerec.storage.pinecone.limits import FIRST_PAUSE, LONGEST_PAUSE, REQUESTS_IN_FLIGHT

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class SharedPause:
    """When requests may go on; any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._resume = 0.0
        self._paused = 0.0
        self._refusals = 0

    def wait(self) -> float:
        """Wait until requests may go on; return the time then."""
        while (left := self._resume - time.monotonic()) > 0:
            time.sleep(left)
        return time.monotonic()

    def extend(self, started: float, asked: float) -> float:
        """Pause after a refusal; return until when.

        Args:
            started: when the refused request was sent. Requests that were under way when the
                pause began count as one refusal.
            asked: seconds that the service asks for.
        """
        with self._lock:
            if started >= self._paused:
                self._refusals += 1
                self._paused = time.monotonic()
                bound = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (self._refusals - 1))
                pause = random.uniform(0, bound)  # noqa: S311 - no secret
                self._resume = self._paused + min(asked, LONGEST_PAUSE) + pause
            return self._resume

    def end(self) -> None:
        """Note that a request went through."""
        self._refusals = 0


class Requests:
    """Sends requests for one store."""

    def __init__(self, patience: float) -> None:
        """Take the seconds after which a refused request is given up."""
        self._patience = patience
        self._pause = SharedPause()
        self._threads = ThreadPoolExecutor(REQUESTS_IN_FLIGHT, "pinecone")
        # Callers' own threads send too. Were they left to queue for the client's connections, the
        # time in the queue would count as the request's own and end in a timeout.
        self._in_flight = threading.BoundedSemaphore(REQUESTS_IN_FLIGHT)

    def send(self, request: Callable[[], Answer]) -> Answer:
        """Send a request, again and again while it is refused; return its answer.

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
                if not is_passing(error):
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
        """Send a request for each item, several at a time; yield the answers in order.

        Requests that have not begun when one fails are left out.
        """
        waiting = list(items)
        if len(waiting) == 1:
            yield self.send(lambda: request(waiting[0]))
            return
        yield from self._threads.map(lambda item: self.send(lambda: request(item)), waiting)

    def close(self) -> None:
        """End the threads; requests under way are finished."""
        self._threads.shutdown(cancel_futures=True)
