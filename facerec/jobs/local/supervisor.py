"""The embedded runner: a job's children in worker processes of this machine."""

from __future__ import annotations

import signal
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from facerec.errors import StoreUnavailableError
from facerec.jobs.child.attempt import Progress
from facerec.jobs.child.crash_notes import CRASH_SIGNALS, note_crash
from facerec.jobs.ledger.reading import read_summaries
from facerec.jobs.ledger.report import Report, write_report
from facerec.jobs.local.run_progress import RunProgress, RunTracker
from facerec.jobs.local.worker import BuildParts, ChildEnded, Fault, Told, work
from facerec.jobs.plan import Plan
from facerec.storage.objects.protocol import ObjectStore

MOST_ATTEMPTS = 3
"""How often a child is tried, without getting on, whose worker dies or whose stores are down."""

PAUSE = 2.0
"""Seconds before a child is tried again after its stores were down, times the attempt's number."""

TICK = 0.2
"""Seconds between two looks at whether to stop."""


@dataclass(frozen=True, slots=True)
class LocalRun:
    """How a run of a job on this machine ended.

    Attributes:
        report: of all that is in the job's folder now.
        interrupted: whether it was asked to stop; the next run goes on from there.
        lost: of children that were given up, why; the next run tries them again.
    """

    report: Report
    interrupted: bool
    lost: dict[int, str]


def run_locally(
    plan: Plan,
    build_parts: BuildParts,
    objects: ObjectStore,
    *,
    workers: int,
    progress: Callable[[RunProgress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> LocalRun:
    """Run the children of a job that are not complete, then write the report.

    Ctrl-C (KeyboardInterrupt) asks the workers to commit what they have and ends the run; a
    second one ends them at once, which loses a step of each and nothing else.

    Args:
        plan: of the job.
        build_parts: builds the parts of each worker in its own process.
        objects: where the job's folder is.
        workers: how many processes work at once.
        progress: called whenever a part of the ledger has come to stand.
        stop: asked a few times a second; once it says so, the run ends as on Ctrl-C.

    Raises:
        FacerecError: a fault that another attempt would end in as well; what is done is kept.
        StoreUnavailableError: a store was down at several attempts.
    """
    run = _Run(plan, build_parts, objects, workers, progress)
    try:
        run.until_done(stop)
    finally:
        run.end_workers()
    if run.fault is not None:
        raise run.fault
    return LocalRun(write_report(plan, objects), run.stopping, run.lost)


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    child: int | None = None
    stopping: bool = False


@dataclass(slots=True)
class _Waiting:
    """Children that are to be worked on, and those that may not be before a time."""

    children: deque[int]
    later: dict[int, float] = field(default_factory=dict)

    def take(self) -> int | None:
        now = time.monotonic()
        for child, moment in list(self.later.items()):
            if moment <= now:
                del self.later[child]
                self.children.appendleft(child)
        return self.children.popleft() if self.children else None

    def __len__(self) -> int:
        return len(self.children) + len(self.later)


class _Run:
    """The workers of a run, and what they are at."""

    def __init__(
        self,
        plan: Plan,
        build_parts: BuildParts,
        objects: ObjectStore,
        workers: int,
        progress: Callable[[RunProgress], None],
    ) -> None:
        self._plan, self._build_parts, self._objects = plan, build_parts, objects
        self._most_workers, self._progress = workers, progress
        complete = [child for child in read_summaries(plan, objects) if child.complete]
        children = set(range(plan.children)) - {child.child for child in complete}
        self._waiting = _Waiting(deque(sorted(children)))
        images = sum(child.tally.images for child in complete)
        self._tracker = RunTracker(plan, images, len(complete))
        self._attempts: Counter[int] = Counter()
        self._workers: list[_Worker] = []
        self.stopping = False
        self.lost: dict[int, str] = {}
        self.fault: Exception | None = None

    def until_done(self, stop: Callable[[], bool]) -> None:
        while self._waiting or self._workers:
            try:
                if stop():
                    self._stop()
                self._employ()
                self._listen()
            except KeyboardInterrupt:
                if self.stopping:
                    return
                self._stop()

    def end_workers(self) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.join()
            worker.pipe.close()
        self._workers.clear()

    def _stop(self) -> None:
        self.stopping = True
        self._dismiss()

    def _dismiss(self) -> None:
        """Ask all workers to end after they committed what is done."""
        self._waiting = _Waiting(deque())
        for worker in self._workers:
            if not worker.stopping:
                worker.stopping = True
                with suppress(OSError):
                    worker.pipe.send(None)

    def _employ(self) -> None:
        """Start workers as long as children wait for one, and give each idle one a child."""
        staying = [worker for worker in self._workers if not worker.stopping]
        busy = sum(worker.child is not None for worker in staying)
        wanted = min(self._most_workers, busy + len(self._waiting))
        new = [self._started() for _ in range(wanted - len(staying))]
        self._workers += new
        for worker in [*staying, *new]:
            if worker.child is not None:
                continue
            worker.child = self._waiting.take()
            if worker.child is not None:
                self._tracker.begin_child(worker.child)
            elif self._waiting:
                # Some child waits for its time; until then there may be nothing to do.
                continue
            worker.stopping = worker.child is None
            with suppress(OSError):
                worker.pipe.send(worker.child)

    def _started(self) -> _Worker:
        # Forked processes would share the threads' locks and the stores' connections.
        context = get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(
            target=work, args=(self._plan, self._build_parts, there), daemon=True
        )
        # Ctrl-C must not reach the process before it can ignore it.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        there.close()
        return _Worker(process, here)

    def _listen(self) -> None:
        ready = wait([worker.pipe for worker in self._workers], TICK)
        for worker in [worker for worker in self._workers if worker.pipe in ready]:
            try:
                told = worker.pipe.recv()
            except (EOFError, OSError):
                self._bury(worker)
            else:
                self._heed(worker, told)

    def _heed(self, worker: _Worker, told: Told) -> None:
        if isinstance(told, Progress):
            self._tracker.add(told)
            if not told.before:
                del self._attempts[told.child]
        elif isinstance(told, ChildEnded):
            worker.child = None
            if told.complete:
                self._tracker.complete_child(told.child)
        else:
            self._fail(worker, told)
        self._progress(self._tracker.now())

    def _fail(self, worker: _Worker, fault: Fault) -> None:
        """Try again what may go through; end the run over what will not."""
        worker.child, worker.stopping = None, True
        child = fault.child
        if fault.retry and child is not None and not self.stopping:
            self._attempts[child] += 1
            if self._attempts[child] < MOST_ATTEMPTS:
                moment = time.monotonic() + PAUSE * self._attempts[child]
                self._waiting.later[child] = moment
                return
        if self.fault is None:
            retry = StoreUnavailableError(fault.error.message, fault.error.hint)
            self.fault = retry if fault.retry else fault.error
        self._dismiss()

    def _bury(self, worker: _Worker) -> None:
        """Take leave of a worker that ended; if it was killed, its child is for another one."""
        self._workers.remove(worker)
        worker.process.join()
        worker.pipe.close()
        if worker.child is None:
            return
        if -(worker.process.exitcode or 0) in CRASH_SIGNALS:
            note_crash(self._objects, self._plan, worker.child)
        if self.stopping or self.fault is not None:
            return
        self._attempts[worker.child] += 1
        if self._attempts[worker.child] < MOST_ATTEMPTS:
            self._waiting.children.appendleft(worker.child)
        else:
            self.lost[worker.child] = _cause(worker.process.exitcode)


def _cause(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"its worker was killed by signal {-exit_code}, {MOST_ATTEMPTS} times"
    return f"its worker ended with code {exit_code}, {MOST_ATTEMPTS} times"
