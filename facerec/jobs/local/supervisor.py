"""Runs the children of a job in worker processes of this machine."""

from __future__ import annotations

import logging
import signal
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context, process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from facerec.errors import MachineError, StoreUnavailableError
from facerec.jobs.child.crash_notes import CRASH_SIGNALS, note_crash, read_crashes
from facerec.jobs.child.segment_writer import SegmentCommitted
from facerec.jobs.erasing.leftovers import delete_job_leftovers
from facerec.jobs.ledger.reading import complete_children
from facerec.jobs.local.memory import count_memory_kills
from facerec.jobs.local.run import RunResult, Stop
from facerec.jobs.local.worker import (
    BuildDependencies,
    ChildFinished,
    WorkerFailed,
    WorkerMessage,
    WorkerReady,
    work,
)
from facerec.jobs.status import TOLERATED_FAILURE_PERCENTAGE

if TYPE_CHECKING:
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore

_LOG = logging.getLogger("facerec.jobs")

MAX_ATTEMPTS = 4
"""Number of attempts at a child without progress before it is given up."""

RETRY_DELAY = 2.0
"""Seconds before a child is retried after a store failed, times the number of the attempt."""

STOP_SECONDS = 60.0
"""Seconds that workers have to end after a stop request; then they are killed, even while they read
or decode a photo. Each loses at most one step."""

KILL_SECONDS = 5.0
"""Seconds to wait for the end of killed workers. The kernel does not end a process that waits for
the disk or the network."""

TICK = 0.2
"""Seconds between two checks for a stop request."""


def run_children(
    plan: Plan,
    build_dependencies: BuildDependencies,
    objects: ObjectStore,
    *,
    workers: int,
    tolerated_failure_percentage: float = TOLERATED_FAILURE_PERCENTAGE,
    stop: Callable[[], Stop] = lambda: Stop.NO,
) -> RunResult:
    """Run the incomplete children of a job, and return the result of the run.

    Args:
        plan: The job's plan.
        build_dependencies: Builds engine and stores of each worker in its own process.
        objects: Contains the job folder.
        workers: Number of processes.
        tolerated_failure_percentage: 0 to 100, the share of photos that may fail.
        stop: Called a few times per second; returns whether and how to stop.

    Raises:
        FirstPhotosFailedError: The first photos of the job nearly all failed alike.
        FacerecError: Another attempt would fail in the same way; finished work is kept.
        StoreUnavailableError: A store failed in several attempts.
        MachineError: The workers cannot start on this machine.
    """
    worker = partial(work, plan, build_dependencies, tolerated_failure_percentage)
    supervisor = _Supervisor(plan, worker, objects, workers)
    try:
        supervisor.run(stop)
    finally:
        supervisor.kill_workers()
    if supervisor.error is not None:
        raise supervisor.error
    return supervisor.result


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    child: int | None = None
    ready: bool = False
    stopping: bool = False
    memory_kills: int = field(default_factory=lambda: count_memory_kills())


@dataclass(slots=True)
class _Queue:
    """Children to run, and those to retry at a later time."""

    children: deque[int]
    later: dict[int, float] = field(default_factory=dict)

    def take(self) -> int | None:
        now = time.monotonic()
        for child, due in list(self.later.items()):
            if due <= now:
                del self.later[child]
                self.children.appendleft(child)
        return self.children.popleft() if self.children else None

    def clear(self) -> None:
        self.children.clear()
        self.later.clear()

    def __len__(self) -> int:
        return len(self.children) + len(self.later)


class _Supervisor:
    """The workers of a run, and the children that wait for one."""

    def __init__(
        self,
        plan: Plan,
        work: Callable[[Connection], None],
        objects: ObjectStore,
        max_workers: int,
    ) -> None:
        self._plan, self._work = plan, work
        self._objects, self._max_workers = objects, max_workers
        complete = complete_children(plan, objects)
        self._queue = _Queue(deque(child for child in range(plan.children) if not complete[child]))
        self._attempts: Counter[int] = Counter()
        self._failed_starts = 0
        self._end = float("inf")
        self._workers: list[_Worker] = []
        self.result = RunResult()
        self.error: Exception | None = None

    def run(self, stop: Callable[[], Stop]) -> None:
        if self._queue:
            delete_job_leftovers(self._objects, self._plan.job_folder, self._queue.children)
        while self._queue or self._workers:
            requested = stop()
            if requested:
                self.result.stopped = True
                self._stop_all()
                self._end = min(self._end, time.monotonic() + STOP_SECONDS)
            if requested is Stop.KILL or time.monotonic() > self._end:
                return
            self._assign()
            self._receive()

    def kill_workers(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        end = time.monotonic() + KILL_SECONDS
        for worker in self._workers:
            _join(worker, max(0.0, end - time.monotonic()))
        self._workers.clear()

    def _stop_all(self) -> None:
        """Ask all workers to commit their finished work and to end."""
        self._queue.clear()
        for worker in self._workers:
            if not worker.stopping:
                worker.stopping = True
                with suppress(OSError):
                    worker.pipe.send(None)

    def _assign(self) -> None:
        """Start workers while children are waiting, and assign a child to each idle worker."""
        active = [worker for worker in self._workers if not worker.stopping]
        busy = sum(worker.child is not None for worker in active)
        needed = min(self._max_workers, busy + len(self._queue))
        new = [self._start_worker() for _ in range(needed - len(active))]
        self._workers += new
        for worker in [*active, *new]:
            if worker.child is not None:
                continue
            worker.child = self._queue.take()
            if worker.child is None and self._queue:
                # A child is waiting for its retry, which will need the worker.
                continue
            # If no child is left, None ends the worker.
            worker.stopping = worker.child is None
            with suppress(OSError):
                worker.pipe.send(worker.child)

    def _start_worker(self) -> _Worker:
        # Forked processes would share locks held by threads and connections to stores.
        context = get_context("spawn")
        here, there = context.Pipe()
        worker = context.Process(target=self._work, args=(there,), daemon=True)
        # Starting the tracker, which the first process needs, would unblock the signal.
        resource_tracker.ensure_running()
        # Ctrl-C must not reach the process before it can ignore it.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            worker.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        there.close()
        return _Worker(worker, here)

    def _receive(self) -> None:
        ready = wait([worker.pipe for worker in self._workers], TICK)
        for worker in [worker for worker in self._workers if worker.pipe in ready]:
            try:
                message = worker.pipe.recv()
            except (EOFError, OSError):
                self._reap(worker)
            else:
                self._handle(worker, message)

    def _handle(self, worker: _Worker, message: WorkerMessage) -> None:
        if isinstance(message, WorkerReady):
            worker.ready, self._failed_starts = True, 0
        elif isinstance(message, SegmentCommitted):
            if not message.resumed:
                self.result.new_photos += message.photos
                del self._attempts[message.child]
        elif isinstance(message, ChildFinished):
            worker.child = None
        else:
            self._handle_failure(worker, message)

    def _handle_failure(self, worker: _Worker, failure: WorkerFailed) -> None:
        """Retry the worker's child if another attempt may succeed; otherwise end the run."""
        worker.child, worker.stopping = None, True
        child = failure.child
        if failure.retry and child is not None and not self.result.stopped:
            self._attempts[child] += 1
            if self._attempts[child] < MAX_ATTEMPTS:
                delay = RETRY_DELAY * self._attempts[child]
                self._queue.later[child] = time.monotonic() + delay
                return
        if self.error is None:
            error = failure.error
            retry = StoreUnavailableError(error.message, error.hint)
            self.error = retry if failure.retry else error
        self._stop_all()

    def _reap(self, worker: _Worker) -> None:
        """Reap a worker that exited, and requeue its child if it was killed."""
        self._workers.remove(worker)
        worker.process.join(STOP_SECONDS)
        worker.process.kill()
        _join(worker, KILL_SECONDS)
        child = worker.child
        if child is None:
            return
        if not worker.ready:
            self._handle_failed_start(child, worker.process.exitcode)
            return
        if self._photo_may_be_the_cause(worker, child):
            note_crash(self._objects, self._plan, child)
        if self.result.stopped or self.error is not None:
            return
        self._attempts[child] += 1
        if self._attempts[child] < MAX_ATTEMPTS:
            self._queue.children.appendleft(child)
        else:
            self.result.lost[child] = _cause(worker.process.exitcode)

    def _handle_failed_start(self, child: int, exit_code: int | None) -> None:
        """Retry a worker that ended before its first photo; after ``MAX_ATTEMPTS``, end the run."""
        if self.result.stopped or self.error is not None:
            return
        self._failed_starts += 1
        if self._failed_starts < MAX_ATTEMPTS:
            self._queue.children.appendleft(child)
            return
        self.error = MachineError(
            f"workers cannot start on this machine: the last one {_end(exit_code)} before the"
            " first photo"
        )
        self._stop_all()

    def _photo_may_be_the_cause(self, worker: _Worker, child: int) -> bool:
        """Return whether the photo that a worker was processing may have ended it.

        SIGKILL is sent by the kernel when memory is short, or by anybody at any time. It counts if
        the kernel reports a kill for memory, or if the child makes no progress between two kills.
        Until this run completes any photo, it counts once per child. That is enough to switch to
        one photo at a time, and thousands of photos do not count as bad because a machine is too
        small.
        """
        number = -(worker.process.exitcode or 0)
        if number != signal.SIGKILL:
            return number in CRASH_SIGNALS
        if count_memory_kills() == worker.memory_kills and not self._attempts[child]:
            return False
        return self.result.new_photos > 0 or not read_crashes(self._objects, self._plan, child)


def _join(worker: _Worker, seconds: float) -> None:
    """Wait for a worker to exit, but no longer than a number of seconds."""
    worker.process.join(seconds)
    worker.pipe.close()
    if worker.process.is_alive():
        _LOG.warning("a worker does not end, since its disk or network does not answer")
        # At its exit, Python would wait for the process, and has no public way to avoid that.
        process._children.discard(worker.process)  # type: ignore[attr-defined]


def _cause(exit_code: int | None) -> str:
    return f"its worker {_end(exit_code)}, {MAX_ATTEMPTS} times"


def _end(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"was killed by signal {-exit_code}"
    return f"exited with code {exit_code}"
