"""Faults of stores, objects, clocks and processes, at chosen calls."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
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


@dataclass(frozen=True, slots=True)
class Seeded:
    """Schedules of processes by their number: faults at random, which become rarer.

    A process of its own can be given one.
    """

    seed: str
    rate: float

    def __call__(self, number: int) -> Schedule:
        """Return the schedule of a process, by its number from 0."""
        return AtRandom(f"{self.seed}/{number}", self.rate / (1 + number / 20))


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """Schedules of processes that are not disturbed."""

    def __call__(self, number: int) -> Schedule | None:
        """Return the schedule of a process, by its number from 0."""
        del number
        return None


@dataclass(frozen=True, slots=True)
class InFirst:
    """Schedules of processes of which only the first is disturbed, at one call."""

    at: int
    fault: Fault

    def __call__(self, number: int) -> Schedule | None:
        """Return the schedule of a process, by its number from 0."""
        return Once(self.at, self.fault) if number == 0 else None


Schedules = Callable[[int], Schedule | None]
"""Schedules of processes by their number from 0; None for no faults."""


def kill_process() -> None:
    """Kill this process, as the kernel or a user would."""
    os.kill(os.getpid(), signal.SIGKILL)


class Disturbance:
    """Counts the calls of a process, and disturbs those that a schedule names.

    Each fault is noted in a file before it happens, since a killed process cannot report it.
    """

    def __init__(
        self, schedule: Schedule | None, notes: Path, kill: Callable[[], None] = kill_process
    ) -> None:
        """Disturb by a schedule, or only count.

        Args:
            schedule: Decides which calls are disturbed; None for none.
            notes: The file of the faults.
            kill: Ends the process.
        """
        self._schedule, self._notes, self._kill = schedule, notes, kill
        self._lock = threading.Lock()
        self._killed = False
        self.calls = 0

    def moment(self, name: str) -> None:
        """Count a moment at which the process can be killed, but nothing can fail."""
        if (fault := self._next(KILLS)) is not None:
            self._note(fault, name)
            self._end()

    def wrap(self, service: Any) -> Any:  # noqa: ANN401 - any service
        """Return a service whose calls are disturbed."""
        return _Disturbed(service, self)

    def call(self, name: str, do: Callable[[], Any], arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401
        """Make a call, disturbed or not."""
        fault = self._next(tuple(Fault))
        if fault is None:
            return do()
        self._note(fault, name)
        if fault is Fault.KILL_BEFORE:
            self._end()
        if fault is Fault.FAIL:
            raise StoreUnavailableError(f"{name} fails")
        if fault is Fault.FULL:
            _leave_half_a_file(arguments)
            raise StoreUnavailableError(f"no space is left for {name}")
        if fault is Fault.DELAY:
            time.sleep(DELAY_SECONDS)
        result = do()
        if fault is Fault.KILL_AFTER:
            self._end()
        if fault is Fault.LOSE_ANSWER:
            raise StoreUnavailableError(f"the answer of {name} is lost")
        return result

    def _end(self) -> None:
        self._killed = True
        self._kill()

    def _next(self, possible: tuple[Fault, ...]) -> Fault | None:
        if self._killed:
            # A thread of a process that is only said to be killed.
            self._kill()
        with self._lock:
            number, self.calls = self.calls, self.calls + 1
            fault = None if self._schedule is None else self._schedule.fault(number)
        return fault if fault in possible else None

    def _note(self, fault: Fault, name: str) -> None:
        with self._notes.open("a") as notes:
            notes.write(f"{fault.value} {name}\n")


class _Disturbed:
    """Passes calls of methods on by way of a ``Disturbance``; all else is the service's own."""

    def __init__(self, service: Any, disturbance: Disturbance) -> None:  # noqa: ANN401
        self._service = service
        self._disturbance = disturbance

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._service.close()

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
