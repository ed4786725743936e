"""Services between whose calls something happens: another process works, or this one is killed."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from facerec.errors import StoreUnavailableError


class KilledError(BaseException):
    """The process was killed; no code of it runs any more."""


class Interposed:
    """Counts the calls of the services of a process, and lets something happen at one of them.

    Attributes:
        calls: The number of calls so far.
        happened: Whether it has happened.
    """

    def __init__(
        self, at: int = -1, happens: Callable[[], object] | None = None, *, killed: str = ""
    ) -> None:
        """Create it.

        Args:
            at: Number of the call before which something happens, from 0.
            happens: What happens.
            killed: ``before`` or ``after`` that call to kill the process then, ``unanswered`` if
                the call is made but seems to fail; else empty.
        """
        self._at, self._happens, self._killed = at, happens, killed
        self._dead = False
        self.calls, self.happened = 0, False

    def wrap(self, service: Any) -> Any:  # noqa: ANN401 - any service
        """Return a service whose calls are counted."""
        return _Wrapped(service, self)

    def call(self, function: Callable[[], Any]) -> Any:  # noqa: ANN401 - any result
        """Perform a call."""
        number, self.calls = self.calls, self.calls + 1
        if self._dead:
            raise KilledError
        if number != self._at:
            return function()
        self.happened = True
        if self._killed == "before":
            self._dead = True
            raise KilledError
        if self._happens is not None:
            self._happens()
        result = function()
        if self._killed == "after":
            self._dead = True
            raise KilledError
        if self._killed == "unanswered":
            raise StoreUnavailableError("the answer was lost")
        return result


class _Caller(Protocol):
    def call(self, function: Callable[[], Any]) -> Any:  # noqa: ANN401 - any result
        """Perform a call."""
        ...


class _Wrapped:
    def __init__(self, service: Any, interposed: _Caller) -> None:  # noqa: ANN401
        self._service, self._interposed = service, interposed

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute
        found = getattr(self._service, name)
        if not callable(found) or name in ("get_paginator", "close"):
            return found
        return lambda *given, **named: self._interposed.call(lambda: found(*given, **named))


class Turns:
    """Several processes, one call of which happens at a time, in an order that a seed decides.

    A process is a thread, which continues after its call until it waits for the next one.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._changed = threading.Condition()
        self._waiting: set[int] = set()
        self._dead: set[int] = set()
        self._live = 0
        self._turn: int | None = None

    def run(self, works: Sequence[Callable[[Callable[[Any], Any]], object]], kills: float) -> None:
        """Run processes to their ends.

        Args:
            works: The work of each process; takes a function that wraps its services.
            kills: The probability that a call is the last one of the first process.
        """
        self._live = len(works)
        errors: list[BaseException] = []

        def run(process: int) -> None:
            def wrap(service: Any) -> Any:  # noqa: ANN401 - any service
                return _Wrapped(service, _Process(self, process, kills if process == 0 else 0.0))

            try:
                with suppress(KilledError):
                    works[process](wrap)
            except BaseException as error:
                errors.append(error)
            with self._changed:
                self._live -= 1
                self._choose()

        threads = [threading.Thread(target=run, args=(each,)) for each in range(len(works))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def call(self, process: int, kills: float, function: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Perform a call of a process when it is its turn."""
        with self._changed:
            if process in self._dead:
                raise KilledError
            self._waiting.add(process)
            self._choose()
            self._changed.wait_for(lambda: self._turn == process)
            self._turn = None
            self._waiting.remove(process)
            if self._random.random() < kills:
                self._dead.add(process)
                raise KilledError
            return function()

    def _choose(self) -> None:
        if self._turn is None and self._waiting and len(self._waiting) == self._live:
            self._turn = self._random.choice(sorted(self._waiting))
            self._changed.notify_all()


class _Process:
    def __init__(self, turns: Turns, number: int, kills: float) -> None:
        self._turns, self._number, self._kills = turns, number, kills

    def call(self, function: Callable[[], Any]) -> Any:  # noqa: ANN401 - any result
        """Perform a call."""
        return self._turns.call(self._number, self._kills, function)
