"""A worker process: runs children one at a time, on commands from a pipe."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from facerec.errors import FacerecError
from facerec.jobs.child.attempt import ChildDependencies
from facerec.jobs.child.runner import ChildRunner
from facerec.jobs.child.segment_writer import SegmentCommitted
from facerec.jobs.exit_codes import RETRY, exit_code_of

if TYPE_CHECKING:
    from facerec.jobs.plan import Plan

BuildDependencies: TypeAlias = Callable[[str], ChildDependencies]
"""Builds the engine of a model version and the stores of a worker in its process. Must be
picklable: a function of a module, or a ``functools.partial`` of one."""


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """Message: the worker has loaded its dependencies; from now on, only a photo can crash it."""


@dataclass(frozen=True, slots=True)
class ChildFinished:
    """Message: the worker finished a child, or was stopped before it was complete."""

    child: int
    complete: bool


@dataclass(frozen=True, slots=True)
class WorkerFailed:
    """Message: the worker failed.

    Attributes:
        child: The child it was running; None while its dependencies were built.
        error: The error to report.
        retry: Whether another attempt may succeed.
    """

    child: int | None
    error: FacerecError
    retry: bool

    @classmethod
    def of(cls, error: Exception, child: int | None) -> WorkerFailed:
        """Return the message for an error."""
        retry = exit_code_of(error) == RETRY
        if not isinstance(error, FacerecError):
            error = FacerecError(f"{type(error).__name__}: {error}")
        return cls(child, error, retry)


WorkerMessage: TypeAlias = WorkerReady | SegmentCommitted | ChildFinished | WorkerFailed


def work(
    plan: Plan,
    build_dependencies: BuildDependencies,
    tolerated_failure_percentage: float,
    pipe: Connection,
) -> None:
    """Run the children whose numbers arrive on the pipe, until None arrives or the pipe is closed.

    An error is sent on the pipe (``WorkerFailed``), and ends the function. Ignores Ctrl-C, which
    reaches all processes of a terminal: the supervisor handles it.
    """
    stop = _StopRequest(pipe)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop.request())
    _silence_native_libraries()
    child = None
    try:
        runner = ChildRunner(
            plan, build_dependencies(plan.model_version), tolerated_failure_percentage
        )
        pipe.send(WorkerReady())
        while (child := stop.next_child()) is not None:
            summary = runner.run(child, stop=stop, on_commit=pipe.send)
            pipe.send(ChildFinished(child, summary.complete))
    except ConnectionError:
        # The supervisor is gone; committed work remains.
        return
    except Exception as error:
        with suppress(ConnectionError):
            pipe.send(WorkerFailed.of(error, child))


def _silence_native_libraries() -> None:
    """Discard messages of native libraries, such as libtiff's; Python's own still appear."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    with Path(os.devnull).open("w") as devnull:
        os.dup2(devnull.fileno(), 2)


class _StopRequest:
    """Returns whether the worker must stop: on request, at a signal, or if the supervisor ended."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._requested = False

    def request(self) -> None:
        self._requested = True

    def __call__(self) -> bool:
        # While a child runs, the only message that can arrive is a stop request.
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
