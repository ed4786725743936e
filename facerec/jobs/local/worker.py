"""A worker process of the embedded runner: children one after another, told and asked by pipe."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TypeAlias

from facerec.errors import FacerecError
from facerec.jobs.child.attempt import ChildParts, Progress, run_child
from facerec.jobs.exit_codes import RETRY, exit_code_of
from facerec.jobs.plan import Plan

BuildParts: TypeAlias = Callable[[], ChildParts]
"""Builds a worker's own engine and stores; must be picklable: a function of a module, or a
``functools.partial`` of one."""


@dataclass(frozen=True, slots=True)
class ChildEnded:
    """A worker's word that it left a child."""

    child: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """A worker's word that it could not go on: an error as it travels between processes.

    Attributes:
        child: the child it was at, None while its parts were built.
        error: what went wrong.
        retry: whether another attempt may go through.
    """

    child: int | None
    error: FacerecError
    retry: bool

    @classmethod
    def of(cls, error: Exception, child: int | None) -> Fault:
        """Describe an error."""
        retry = exit_code_of(error) == RETRY
        if not isinstance(error, FacerecError):
            error = FacerecError(f"{type(error).__name__}: {error}")
        return cls(child, error, retry)


Told: TypeAlias = Progress | ChildEnded | Fault


def work(plan: Plan, build_parts: BuildParts, pipe: Connection) -> None:
    """Run the children whose numbers come through the pipe, until None comes or it is closed.

    Ctrl-C reaches all processes of a terminal: here it is ignored, since the runner says what to
    do about it.
    """
    stop = _StopRequest(pipe)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop.request())
    child = None
    try:
        parts = build_parts()
        while (child := stop.next_child()) is not None:
            summary = run_child(plan, child, parts, stop=stop, progress=pipe.send)
            pipe.send(ChildEnded(child, summary.complete))
    except ConnectionError:
        # The runner is gone; what is committed stays.
        return
    except Exception as error:
        pipe.send(Fault.of(error, child))


class _StopRequest:
    """Whether the runner, its end or a signal has asked the worker to stop."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._requested = False

    def request(self) -> None:
        self._requested = True

    def __call__(self) -> bool:
        # While a child is at work, the only word that can come is that it shall stop.
        if not self._requested and self._pipe.poll():
            self._requested = self._receive() is None
        return self._requested

    def next_child(self) -> int | None:
        return None if self._requested else self._receive()

    def _receive(self) -> int | None:
        try:
            child: int | None = self._pipe.recv()
        except (EOFError, OSError):
            return None
        return child
