"""Makes calls of the file system that are abandoned if it does not answer.

A call can block forever: the server of a network file system is gone, a program that provides a
file system hangs, or a link leads to a file that the kernel fills. Neither a signal nor a limit of
the process ends such a call. So it runs in another thread. If it takes too long, the caller
continues without it, and the thread is free again when the call returns.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar, cast

from facerec.errors import ReadTimedOutError, StoreUnavailableError, WriteTimedOutError

MAX_SECONDS = 30
"""Maximum seconds without an answer: to a call, or to a piece of it (``Deadline.extend``)."""

MAX_WRITE_SECONDS = 120
"""Maximum seconds without an answer to a step of a write or a deletion: a network file system whose
server is replaced answers after a minute, and a busy disk takes seconds."""

SETTLING_SECONDS = 5
"""Seconds in which an interrupted write may end. Otherwise it could end beside what the caller does
after the interruption, such as deleting its folder."""

MAX_BLOCKED = 64
"""Maximum number of abandoned calls that have not returned. At this number, no further call is
made: the cause is then a file system of this machine, not a single file."""

Answer = TypeVar("Answer")


class GivenUpError(Exception):
    """A call ends before its next step, since nobody waits for it."""


class Deadline:
    """The time at which a call is abandoned: ``seconds`` after the last extension."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.given_up = False
        self.extend()

    def extend(self) -> None:
        """Grant the call the whole time again, since a piece of its work is complete."""
        self._end = time.monotonic() + self.seconds

    def step(self) -> None:
        """Give the call its whole time again, and end it if its caller no longer waits for it.

        Raises:
            GivenUpError: The caller has given the call up.
        """
        if self.given_up:
            raise GivenUpError
        self.extend()

    def left(self) -> float:
        """Return the remaining seconds, at least 0."""
        return max(0.0, self._end - time.monotonic())


class _Call:
    def __init__(self, work: Callable[[], object]) -> None:
        self.work = work
        self.answers: SimpleQueue[tuple[object, BaseException | None]] = SimpleQueue()
        self.given_up = False


class _Helpers:
    """Threads that make calls, one for each running call. They end with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[_Call]] = []
        self._blocked = 0

    def answer(
        self,
        work: Callable[[], Answer],
        deadline: Deadline,
        timed_out: StoreUnavailableError,
        settling_seconds: float,
    ) -> Answer:
        call = _Call(work)
        self._start(call)
        try:
            while left := deadline.left():
                try:
                    answer, error = call.answers.get(timeout=left)
                except Empty:
                    continue
                if error is not None:
                    raise error
                return cast("Answer", answer)
        except KeyboardInterrupt:
            deadline.given_up = True
            if settling_seconds:
                with suppress(Empty):
                    call.answers.get(timeout=settling_seconds)
                    raise
            self._give_up(call)
            raise
        deadline.given_up = True
        self._give_up(call)
        raise timed_out

    def _start(self, call: _Call) -> None:
        with self._lock:
            if self._blocked >= MAX_BLOCKED:
                raise StoreUnavailableError(
                    f"a file system of this machine does not answer: {self._blocked} calls wait",
                    "check its disks and network file systems",
                )
            calls = self._idle.pop() if self._idle else None
        if calls is None:
            calls = SimpleQueue()
            threading.Thread(target=self._work, args=(calls,), name="files", daemon=True).start()
        calls.put(call)

    def _give_up(self, call: _Call) -> None:
        with self._lock:
            if call.answers.empty():
                call.given_up = True
                self._blocked += 1

    def _work(self, calls: SimpleQueue[_Call]) -> None:
        while True:
            call = calls.get()
            answer: object = None
            error: BaseException | None = None
            try:
                answer = call.work()
            except BaseException as raised:
                error = raised
            with self._lock:
                self._idle.append(calls)
                self._blocked -= call.given_up
                call.answers.put((answer, error))
            # An idle thread keeps neither a photo nor a traceback.
            del call, answer, error


_HELPERS = _Helpers()


def _forget() -> None:
    """Drop the threads after a fork, since the new process does not have them."""
    global _HELPERS
    _HELPERS = _Helpers()


os.register_at_fork(after_in_child=_forget)


def answer_within(uri: str, work: Callable[[], Answer], deadline: Deadline) -> Answer:
    """Make a call of the file system with a deadline; return its answer, or raise its error.

    Args:
        uri: The file or folder, for the error.
        work: Makes the call, in another thread.
        deadline: Time at which the call is abandoned; ``work`` may extend it.

    Raises:
        ReadTimedOutError: There was no answer in time.
        StoreUnavailableError: Too many earlier calls have not returned.
    """
    return _HELPERS.answer(work, deadline, ReadTimedOutError(uri, deadline.seconds), 0)


def write_within(uri: str, work: Callable[[], Answer], deadline: Deadline) -> Answer:
    """Write or delete files with a deadline; return the answer of a call, or raise its error.

    An interruption waits ``SETTLING_SECONDS`` for the call.

    Args:
        uri: The file or folder, for the error.
        work: Makes the calls, in another thread, with ``deadline.step`` before each of them. So a
            call that is given up changes nothing more than the step that it hangs in.
        deadline: When the call is given up.

    Raises:
        WriteTimedOutError: There was no answer in time.
        StoreUnavailableError: Too many earlier calls have not returned.
    """
    error = WriteTimedOutError(uri, deadline.seconds)
    return _HELPERS.answer(work, deadline, error, SETTLING_SECONDS)
