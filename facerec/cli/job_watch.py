"""Looking at a job: once for its status, or again and again until it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from facerec.cli.job_places import RUNNING, JobPlace, SeenJob
from facerec.cli.output import console, count, dollars
from facerec.cli.progress import LINE_EVERY, duration

if TYPE_CHECKING:
    from facerec.jobs.aws.batch_queue import ChildStates
    from facerec.jobs.ledger.report import Report
    from facerec.jobs.progress import JobProgress, JobWatcher

_IN_ORDER = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a job at a moment.

    Attributes:
        job: the job.
        progress: of its photos; None before it is planned.
        children: how they stand in AWS Batch; None where it does not run them.
        dollars: about what its machines have cost so far.
        images_per_second: None where that cannot be told yet.
        moment: seconds since 1970.
    """

    job: SeenJob
    progress: JobProgress | None
    children: ChildStates | None
    dollars: float
    images_per_second: float | None
    moment: float

    @property
    def seconds_left(self) -> float | None:
        """About how long the rest takes; None where that cannot be told."""
        rate, progress = self.images_per_second, self.progress
        if rate is None or progress is None or self.job.status != RUNNING:
            return None
        return (progress.estimated_images - progress.images) / rate

    def to_json(self) -> dict[str, Any]:
        """Return it for scripts."""
        progress, children = self.progress, self.children
        return {
            **self.job.to_json(),
            "images": progress.images if progress else None,
            "estimated_images": progress.estimated_images if progress else None,
            "exact": progress.exact if progress else None,
            "faces": progress.faces if progress else None,
            "failures": progress.failures if progress else None,
            "images_per_second": self.images_per_second,
            "seconds_left": self.seconds_left,
            "children": dict(children.states) if children else None,
            "interruptions": children.interruptions if children else None,
            "machine_dollars": round(self.dollars, 6),
        }


class JobLooker:
    """Looks at one job; what was read once is not read again."""

    def __init__(self, place: JobPlace, name: str) -> None:
        """Find the job.

        Raises:
            NotFoundError: there is none of that name.
        """
        self._place = place
        # "latest" may be another one at the next look.
        self._job: SeenJob | None = place.find(name)
        self._name = self._job.address or self._job.name
        self._watcher: JobWatcher | None = None
        self._first: tuple[float, int] | None = None

    def look(self) -> Look:
        """Look at it now."""
        job, self._job = self._job or self._place.find(self._name), None
        children = self._place.children(job)
        progress, moment = self._progress(job, children), time.time()
        busy = progress.busy_seconds if progress else 0.0
        return Look(
            job,
            progress,
            children,
            dollars=busy * self._place.dollars_per_second(),
            images_per_second=self._rate(job, progress, moment),
            moment=moment,
        )

    def _progress(self, job: SeenJob, children: ChildStates | None) -> JobProgress | None:
        from facerec.jobs.progress import JobWatcher

        if job.plan is None:
            return None
        if self._watcher is None:
            self._watcher = JobWatcher(job.plan, self._place.objects)
        # AWS Batch forgets jobs after some days: then the folder is all there is.
        told = children is not None and children.states.total() > 0
        progress = self._watcher.look(children.states["SUCCEEDED"] if children and told else None)
        return progress if job.report is None else _as_reported(progress, job.report)

    def _rate(self, job: SeenJob, progress: JobProgress | None, moment: float) -> float | None:
        """Return photos a second: of all of the job, or since the first look if it was resumed."""
        if job.report is not None:
            return job.report.images_per_second
        if progress is None or progress.began is None or not progress.images:
            return None
        if progress.began >= job.began:
            return progress.images / max(1.0, moment - progress.began)
        if self._first is None:
            self._first = (moment, progress.images)
        since, before = self._first
        return (progress.images - before) / (moment - since) if progress.images > before else None


def _as_reported(progress: JobProgress, report: Report) -> JobProgress:
    """Return what was seen of a job with the numbers of its report, which are exact."""
    tally = report.tally
    return replace(
        progress,
        images=tally.images,
        faces=tally.faces_indexed + tally.faces_present,
        failures=report.failed_images,
        estimated_images=max(tally.images, progress.estimated_images * bool(report.incomplete)),
        exact=not report.incomplete,
        complete_children=report.complete_children,
    )


def print_look(look: Look) -> None:
    """Print the status of a job."""
    out, job = console(), look.job
    out.print(f"{job.name}: {job.status.lower()}")
    if job.cause:
        out.print(f"  {job.cause}")
    if look.progress is not None:
        out.print(f"  {_photos(look.progress)}, {_words(look)}")
    if look.children is not None:
        for line in _children(look.children):
            out.print(f"  {line}")


def watch(
    looker: JobLooker, *, every: float, pause: Callable[[float], None] = time.sleep
) -> SeenJob:
    """Show a job until it has ended; Ctrl-C only ends the watching.

    Args:
        looker: of the job.
        every: seconds between two looks.
        pause: waits.

    Returns:
        The job as it ended.
    """
    out = console(stderr=True)
    if not out.is_terminal:
        return _watch(looker, _Lines(), every, pause)
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    bar = Progress(BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), console=out)
    task = bar.add_task("", total=None)

    def show(look: Look) -> None:
        words = [_words(look), *(_children(look.children) if look.children else ())]
        progress = look.progress
        bar.update(
            task,
            total=progress.estimated_images if progress else None,
            completed=progress.images if progress else 0,
            description="\n".join(words),
        )

    with bar:
        return _watch(looker, show, every, pause)


def _watch(
    looker: JobLooker, show: Callable[[Look], None], every: float, pause: Callable[[float], None]
) -> SeenJob:
    while True:
        look = looker.look()
        show(look)
        if look.job.status != RUNNING:
            return look.job
        pause(every)


class _Lines:
    """A line now and then where there is no terminal."""

    def __init__(self) -> None:
        self._spoke = float("-inf")

    def __call__(self, look: Look) -> None:
        if look.moment - self._spoke < LINE_EVERY and look.job.status == RUNNING:
            return
        self._spoke = look.moment
        parts = [_photos(look.progress)] if look.progress else []
        parts += [_words(look), *(_children(look.children) if look.children else ())]
        console(stderr=True).print(f"{look.job.status.lower()}: {', '.join(filter(None, parts))}")


def _photos(progress: JobProgress) -> str:
    about = "" if progress.exact else "about "
    return f"{about}{progress.images:,} of {count(progress.estimated_images, 'photo')}"


def _words(look: Look) -> str:
    progress, parts = look.progress, []
    if progress is None:
        return "not planned yet" if look.job.status == RUNNING else "never planned"
    if look.images_per_second is not None:
        parts.append(f"{look.images_per_second:,.1f} photos/s")
    parts.append(count(progress.faces, "face"))
    if progress.failures:
        parts.append(count(progress.failures, "failure"))
    if look.seconds_left:
        parts.append(f"{duration(look.seconds_left)} left")
    if look.dollars:
        parts.append(f"machines {dollars(look.dollars)}")
    return ", ".join(parts)


def _children(children: ChildStates) -> list[str]:
    states = [
        f"{children.states[state]:,} {state.lower()}"
        for state in _IN_ORDER
        if children.states[state]
    ]
    lines = [f"children: {', '.join(states) or 'none submitted'}"]
    if children.interruptions:
        lines.append(f"{count(children.interruptions, 'spot interruption')}, tried again")
    if children.states["RUNNABLE"] and not children.states["RUNNING"]:
        lines.append("waiting for machines; see docs/operations.md if that lasts")
    return lines
