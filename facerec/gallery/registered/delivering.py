"""Delivers the events of the outbox, and retries each until it is accepted or deleted."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from facerec.core.events import CLAIM_SECONDS, SEND_SECONDS
from facerec.errors import FacerecError

if TYPE_CHECKING:
    from facerec.core.events import KeptEvent, MatchEvent
    from facerec.core.protocols.registrations import RegistrationStore

POLL_SECONDS = 2.0
"""Seconds between two checks for new events."""

FIRST_PAUSE = 2.0
"""Seconds to wait after the first failed attempt; each further failure doubles the wait."""

MAX_PAUSE = 3600.0
"""Maximum seconds between two attempts to deliver an event."""

MAX_WAIT = 60.0
"""Maximum seconds to wait before the next check if an event was not accepted. It is less than
``MAX_PAUSE``, so that an event that is never accepted does not delay others."""

MAX_STORING_SECONDS = 2 * 86400.0
"""Seconds after which no process is still storing the face of an event: an attempt at a child of a
job takes a day at most."""

GATHERING_SECONDS = 2.0
"""Seconds for which events to send together are collected, from the first one."""

LATEST_START = SEND_SECONDS / 2
"""Maximum seconds from the claim of an event to the start of its delivery; later, it must be
claimed again. An erasure waits for an attempt for at most ``SEND_SECONDS`` from the claim."""

_LOG = logging.getLogger("facerec.events")


def one_by_one(
    send: Callable[[MatchEvent], None],
) -> Callable[[Sequence[MatchEvent]], Sequence[str | None]]:
    """Return a ``send`` function for ``EventDelivery`` that calls ``send`` for each event.

    Use it with ``at_once=1``: an error of one call counts for all events.
    """

    def send_each(events: Sequence[MatchEvent]) -> list[str | None]:
        for event in events:
            send(event)
        return [None] * len(events)

    return send_each


class EventDelivery:
    """Delivers events; as a context manager, it does so in a background thread.

    The events that have been due for the longest time are delivered first.

    Each event is delivered at least once, unless it is deleted first. If a process is killed after
    the receiver has answered and before this is noted, the event is delivered again. Any number of
    processes may deliver events.
    """

    def __init__(
        self,
        store: RegistrationStore,
        send: Callable[[Sequence[MatchEvent]], Sequence[str | None]],
        *,
        at_once: int = 1,
        is_stored: Callable[[MatchEvent], bool] = lambda event: True,
        clock: Callable[[], float] = time.time,
        poll: float = POLL_SECONDS,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        """Create a delivery.

        Args:
            store: The outbox.
            send: Sends events and returns, for each event, why it was not accepted, or None if it
                was. Raises an error if no event was accepted.
            at_once: Maximum number of events to send together.
            is_stored: Returns whether the face of an event is stored. Stores that share no
                transaction keep an event before its face.
            clock: Returns the time in seconds since 1970.
            poll: Seconds between two checks for new events.
            first_pause: Seconds to wait after the first failed attempt; each further failure
                doubles the wait, up to ``MAX_PAUSE``.
        """
        self._store, self._send, self._clock = store, send, clock
        self._at_once, self._is_stored = at_once, is_stored
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
            seconds: Time limit, after which no further event is sent. Reaching it does not count as
                a failure.
        """
        until = time.monotonic() + seconds
        while not self._stopped.is_set() and time.monotonic() < until:
            claimed, is_ok = self._claim(until)
            if is_ok and not claimed:
                return True
            if not (self._deliver(claimed) and is_ok):
                return False
        return True

    def _claim(self, until: float) -> tuple[list[KeptEvent], bool]:
        """Claim events that are due, to be sent together.

        Args:
            until: Time at which to stop, by ``time.monotonic``.

        Returns:
            The events; empty if none is due, or the time is over. Also False if ``is_stored``
            raised an error for a further event, which ends the batch; otherwise True.
        """
        claimed: list[KeptEvent] = []
        started = self._clock()
        while len(claimed) < self._at_once and time.monotonic() < until:
            now = self._clock()
            if claimed and now > started + GATHERING_SECONDS:
                break
            kept = self._store.claim_event(now, now + CLAIM_SECONDS)
            if kept is None:
                break
            try:
                is_stored = self._is_stored(kept.event)
            except Exception as error:  # the other events must be delivered
                self._note_undelivered(kept, _problem(error))
                return claimed, False
            if not is_stored:
                self._wait_for_face(kept)
                continue
            if not claimed:
                started = now
            claimed.append(kept)
        return claimed, True

    def _wait_for_face(self, kept: KeptEvent) -> None:
        event = kept.event
        if self._clock() > event.matched_at + MAX_STORING_SECONDS:
            # Its process was killed, or the face was deleted while it was stored.
            self._store.delete_events(event.collection_id, [event.face_id])
            return
        self._note_undelivered(kept, "its face is not stored yet")

    def _deliver(self, claimed: Sequence[KeptEvent]) -> bool:
        """Send events together; return whether all were accepted."""
        latest = self._clock() + CLAIM_SECONDS - LATEST_START
        claimed = [kept for kept in claimed if kept.due_at >= latest]
        if not claimed:
            return True
        try:
            problems = self._send([kept.event for kept in claimed])
        except Exception as error:  # the other events must be delivered
            problems = [_problem(error)] * len(claimed)
        for kept, problem in zip(claimed, problems, strict=True):
            if problem is None:
                self._store.note_delivered(kept.event, self._clock())
            else:
                self._note_undelivered(kept, problem)
        return not any(problems)

    def _note_undelivered(self, kept: KeptEvent, problem: str) -> None:
        due_at = self._clock() + self._pause(kept.attempts)
        self._store.note_undelivered(kept.event, problem, due_at)

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
    """Return why an event was not delivered; log the error if it is unexpected."""
    if isinstance(error, FacerecError):
        return error.message
    name = type(error).__name__
    # its message may contain the event
    _LOG.error("an event was not delivered: unexpected %s", name)
    return f"unexpected {name}"
