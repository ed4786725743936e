"""Delivers the events of the outbox, again and again until they are accepted."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from facerec.core.events import CLAIM_SECONDS
from facerec.errors import FacerecError

if TYPE_CHECKING:
    from facerec.core.events import MatchEvent
    from facerec.core.protocols.registrations import RegistrationStore

POLL_SECONDS = 2.0
"""Seconds between two looks for new events."""

FIRST_PAUSE = 2.0
"""Seconds after the first attempt that failed; each further one doubles them."""

MAX_PAUSE = 3600.0
"""Maximum seconds between two attempts to deliver an event."""

MAX_WAIT = 60.0
"""Maximum seconds without an attempt: events that are never accepted must not delay others."""

_LOG = logging.getLogger("facerec.events")


class EventDelivery:
    """Delivers events, in a thread of its own if used as a context manager.

    Those that are due for longest are first.

    Each event is delivered at least once: a process that is killed after the receiver has answered
    and before this is noted delivers it again. Any number of processes may do this.
    """

    def __init__(
        self,
        store: RegistrationStore,
        send: Callable[[MatchEvent], None],
        *,
        clock: Callable[[], float] = time.time,
        poll: float = POLL_SECONDS,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        """Create a delivery.

        Args:
            store: The outbox.
            send: Sends an event; raises a ``FacerecError`` if it was not accepted.
            clock: Returns the time in seconds since 1970.
            poll: Seconds between two looks for new events.
            first_pause: Seconds after the first attempt that failed.
        """
        self._store, self._send, self._clock = store, send, clock
        self._poll, self._first_pause = poll, first_pause
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def deliver(self, seconds: float = math.inf) -> bool:
        """Deliver all events that are due; return False once one was not accepted.

        Args:
            seconds: After which no further event is sent; then the result is True too.
        """
        until = time.monotonic() + seconds
        while not self._stopped.is_set() and time.monotonic() < until:
            kept = self._store.claim_event(self._clock(), self._clock() + CLAIM_SECONDS)
            if kept is None:
                return True
            try:
                self._send(kept.event)
            except Exception as error:  # the other events must be delivered
                due_at = self._clock() + self._pause(kept.attempts)
                self._store.note_undelivered(kept.event, _problem(error), due_at)
                return False
            self._store.note_delivered(kept.event, self._clock())
        return True

    def _run(self) -> None:
        failures = 0
        while not self._stopped.wait(
            min(self._pause(failures), MAX_WAIT) if failures else self._poll
        ):
            try:
                failures = 0 if self.deliver() else failures + 1
            except Exception as error:  # the thread must not end
                _problem(error)
                failures += 1

    def _pause(self, failures: int) -> float:
        """Return the seconds to wait after a number of attempts that failed."""
        return float(min(self._first_pause * 2 ** min(failures - 1, 32), MAX_PAUSE))


def _problem(error: Exception) -> str:
    """Return why an event was not delivered; log an error that is not an expected one."""
    if isinstance(error, FacerecError):
        return error.message
    name = type(error).__name__
    # its message may contain the event
    _LOG.error("an event was not delivered: unexpected %s", name)
    return f"unexpected {name}"
