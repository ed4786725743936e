"""Faults of stores, objects, clocks and processes, at chosen calls."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from facerec.errors import StoreUnavailableError


class Fault(StrEnum):
    """What happens to a call."""

    FAIL = "fail"
    """It fails, and nothing is done."""
    LOSE_ANSWER = "lose-answer"
    """It is done, and fails nevertheless."""
    DELAY = "delay"
    """It takes a while."""
    FULL = "full"
    """The disk is full: half a temporary file is left, and the call fails."""
    KILL_BEFORE = "kill-before"
    """The process is killed before it."""
    KILL_AFTER = "kill-after"
    """The process is killed after it."""


KILLS = (Fault.KILL_BEFORE, Fault.KILL_AFTER)
DELAY_SECONDS = 0.02


class Schedule(Protocol):
    """Decides which calls are disturbed."""

    def fault(self, call: int) -> Fault | None:
        """Return what happens to a call, by its number from 0."""
        ...


class Once:
    """Disturbs one call."""

    def __init__(self, call: int, fault: Fault) -> None:
        self._call = call
        self._fault = fault

    def fault(self, call: int) -> Fault | None:
        """See ``Schedule``."""
        return self._fault if call == self._call else None


class AtRandom:
    """Disturbs calls at a rate, the same ones for the same seed."""

    def __init__(self, seed: str, rate: float) -> None:
        self._random = random.Random(seed)
        self._rate = rate

    def fault(self, call: int) -> Fault | None:
        """See ``Schedule``."""
        del call
        if self._random.random() >= self._rate:
            return None
        return self._random.choice(list(Fault))


class Disturbance:
    """Counts the calls of a process, and disturbs those that a schedule names.

    Each fault is noted in a file before it happens, since a killed process cannot report it.
    """

    def __init__(self, schedule: Schedule, notes: Path) -> None:
        self._schedule = schedule
        self._notes = notes
        self._lock = threading.Lock()
        self.calls = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def wrap(self, service: Any) -> Any:  # noqa: ANN401 - any service
        """Return a service whose calls are disturbed."""
        return _Disturbed(service, self)

    def call(self, name: str, do: Callable[[], Any], arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401
        """Make a call, disturbed or not."""
        with self._lock:
            number, self.calls = self.calls, self.calls + 1
            fault = self._schedule.fault(number)
        if fault is None:
            return do()
        with self._notes.open("a") as notes:
            notes.write(f"{fault.value} {number} {name}\n")
        if fault is Fault.KILL_BEFORE:
            os.kill(os.getpid(), signal.SIGKILL)
        if fault is Fault.FAIL:
            raise StoreUnavailableError(f"{name} fails")
        if fault is Fault.FULL:
            _leave_half_a_file(arguments)
            raise StoreUnavailableError(f"no space is left for {name}")
        if fault is Fault.DELAY:
            time.sleep(DELAY_SECONDS)
        result = do()
        if fault is Fault.KILL_AFTER:
            os.kill(os.getpid(), signal.SIGKILL)
        if fault is Fault.LOSE_ANSWER:
            raise StoreUnavailableError(f"the answer of {name} is lost")
        return result


class _Disturbed:
    """Passes calls of methods on by way of a ``Disturbance``; all else is the service's own."""

    def __init__(self, service: Any, disturbance: Disturbance) -> None:  # noqa: ANN401
        self._service = service
        self._disturbance = disturbance

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        value = getattr(self._service, name)
        if not callable(value):
            return value

        def method(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
            return self._disturbance.call(name, lambda: value(*arguments, **named), arguments)

        return method


def _leave_half_a_file(arguments: tuple[Any, ...]) -> None:
    """Leave what a write to a full disk leaves, as ``LocalObjects`` names its temporary files."""
    if arguments and isinstance(arguments[0], str) and arguments[0].startswith("/"):
        folder = Path(arguments[0]).parent
        if folder.is_dir():
            (folder / f".facerec-{os.getpid()}").write_bytes(b"half a file")


def skew_clock(seconds: float) -> None:
    """Set the clock of this process forward or back."""
    real = time.time
    time.time = lambda: real() + seconds
