"""Retries requests to remote vector stores, with pauses that all requests of a store share.

The clients of the services retry a request a few times, quickly. That is not enough for a job whose
containers share the rate limit of a store, so a request is retried for up to ``patience`` seconds.
Pauses are random up to a bound that doubles ("full jitter",
https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), so that containers
spread out. A pause delays every request of the store, so that a container backs off as a whole.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from facerec.errors import StoreThrottledError, StoreUnavailableError

Answer = TypeVar("Answer")

PATIENCE = 60.0
"""Default time in seconds for which a request is retried."""

THROTTLED_PATIENCE = 900.0
"""Time in seconds for which a child of a job retries a throttled request. A store that throttles is
not down: the children together send more than it accepts, and slow down to its rate by waiting.
"""

FIRST_PAUSE = 0.5
"""Maximum of the random part of the pause after the first failed request, in seconds; it doubles
with each further failure."""

MAX_PAUSE = 20.0
"""Maximum of each part of a pause, in seconds: the part that the service requests, and the random
part."""


class SharedPause:
    """A pause of all requests of a store. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._resume = 0.0
        self._paused = 0.0
        self._refusals = 0

    def wait(self) -> float:
        """Wait for the end of the pause, and return the time then (``time.monotonic``)."""
        while (left := self._resume - time.monotonic()) > 0:
            time.sleep(left)
        return time.monotonic()

    def extend(self, started: float, asked: float) -> float:
        """Pause, or extend the pause, after a failed request; return its end (``time.monotonic``).

        Args:
            started: Time at which the failed request was sent (``time.monotonic``). Requests that
                were in flight when the pause began count as one failure.
            asked: Pause in seconds that the service requested.
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
        """Make the next pause as short as the first, after a successful request."""
        self._refusals = 0


class Retries:
    """Retries the requests of one store.

    Args:
        patience: Seconds for which a request is retried while the store is unavailable.
        throttled: Seconds for which a request is retried while the store throttles; None for
            ``patience``.
    """

    def __init__(self, patience: float, throttled: float | None = None) -> None:
        self._patience = patience
        self._throttled = patience if throttled is None else throttled
        self._pause = SharedPause()

    def send(self, request: Callable[[], Answer]) -> Answer:
        """Send a request and return the response.

        The request is retried while the store is unavailable or throttles.

        Raises:
            StoreUnavailableError: The next attempt would begin more than ``patience`` seconds after
                the first, or more than ``throttled`` seconds if the store throttles.
        """
        first = time.monotonic()
        while True:
            started = self._pause.wait()
            try:
                answer = request()
            except StoreUnavailableError as error:
                throttled = isinstance(error, StoreThrottledError)
                deadline = first + (self._throttled if throttled else self._patience)
                asked = getattr(error.__cause__, "retry_after", None) or 0.0
                if self._pause.extend(started, asked) > deadline:
                    raise
            else:
                self._pause.end()
                return answer
