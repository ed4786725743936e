"""Shows jobs and their progress: a bar on a terminal, otherwise a line every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from facerec.cli.output import console, dollars, duration, table
from facerec.cli.verification_shown import print_run
from facerec.core.counts import count

if TYPE_CHECKING:
    from facerec.cli.services import ShownJobs
    from facerec.jobs.progress import Progress
    from facerec.jobs.service import Job

LINE_INTERVAL = 5.0
"""Seconds between two lines without a terminal."""

_STATES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")


def print_jobs(listed: Sequence[Job]) -> None:
    """Print a table of jobs, with causes if any of them failed or cannot be read."""
    columns = ["job", "collection", "started", "status", "photos", "faces"]
    if any(job.cause for job in listed):
        columns.append("cause")
    rows = table(*columns, right=("photos", "faces"))
    for job in listed:
        # The date of a job is not known if its folder is missing.
        moment = datetime.fromtimestamp(job.started_at, UTC)
        started = moment.strftime("%Y-%m-%d %H:%M UTC") if job.started_at else ""
        numbers = ("" if number is None else f"{number:,}" for number in (job.photos, job.faces))
        cells = [job.id, job.collection_id or "", started, str(job.status), *numbers]
        rows.add_row(*cells, *([job.cause or ""] if "cause" in columns else []))
    console().print(rows)


def print_job(jobs: ShownJobs, job: Job, progress: Progress | None) -> None:
    """Print the status and progress of a job."""
    out = console()
    out.print(f"{job.id}: {job.status.lower()}")
    if job.cause:
        out.print(f"  {job.cause}")
    if progress is None and job.listed is not None:
        out.print(f"  {_summary(jobs, job, progress)}")
    if progress is not None:
        summary = _summary(jobs, job, progress)
        out.print(f"  {_photos(progress)}, {summary}")
        for line in _children(progress):
            out.print(f"  {line}")
    if job.run is not None:
        print_run(job.run)


def listing_display() -> Callable[[int], None]:
    """Return a function that, every few seconds, prints a number of listed files to stderr."""
    printed = time.monotonic()

    def show(listed: int) -> None:
        nonlocal printed
        if time.monotonic() - printed >= LINE_INTERVAL:
            printed = time.monotonic()
            console(stderr=True).print(f"{count(listed, 'file')} listed so far ...")

    return show


@contextmanager
def progress_display(jobs: ShownJobs) -> Iterator[Callable[[Job, Progress | None], None]]:
    """Yield a function that shows a job and its progress, on stderr."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield _LineDisplay(jobs)
        return
    from rich import progress as rich

    bar = rich.Progress(
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TextColumn("{task.description}"),
        console=out,
    )
    task = bar.add_task("", total=None)

    def show(job: Job, progress: Progress | None) -> None:
        lines = [_summary(jobs, job, progress), *(_children(progress) if progress else ())]
        bar.update(
            task,
            total=progress.estimated_photos if progress else None,
            completed=progress.photos if progress else 0,
            description="\n".join(lines),
        )

    with bar:
        yield show


class _LineDisplay:
    """Prints a line of progress every few seconds."""

    def __init__(self, jobs: ShownJobs) -> None:
        self._jobs = jobs
        self._printed = time.monotonic()

    def __call__(self, job: Job, progress: Progress | None) -> None:
        if time.monotonic() - self._printed < LINE_INTERVAL and not job.status.ended:
            return
        self._printed = time.monotonic()
        fields = [_summary(self._jobs, job, progress)]
        if progress is not None:
            fields = [_photos(progress), *fields, *_children(progress)]
        console(stderr=True).print(f"{job.status.lower()}: {', '.join(fields)}")


def _photos(progress: Progress) -> str:
    about = "" if progress.exact else "about "
    return f"{about}{progress.photos:,} of {count(progress.estimated_photos, 'photo')}"


def _summary(jobs: ShownJobs, job: Job, progress: Progress | None) -> str:
    if progress is None:
        if job.listed is not None:
            return f"{count(job.listed, 'object')} listed so far"
        return "never planned" if job.status.ended else "not planned yet"
    fields = []
    if progress.photos_per_second is not None:
        fields.append(f"{progress.photos_per_second:,.1f} photos/s")
    fields.append(count(progress.faces, "face"))
    if progress.failures:
        fields.append(count(progress.failures, "failure"))
    if progress.seconds_left and not job.status.ended:
        fields.append(f"{duration(progress.seconds_left)} left")
    cost = jobs.dollars(progress)
    if cost:
        fields.append(f"machines {dollars(cost)}")
    return ", ".join(fields)


def _children(progress: Progress) -> list[str]:
    states = progress.child_states
    if not states:
        return []
    fields = [f"{states[state]:,} {state.lower()}" for state in _STATES if states.get(state)]
    lines = [f"children: {', '.join(fields)}"]
    if progress.interruptions:
        lines.append(f"{count(progress.interruptions, 'spot interruption')}, retried")
    if states.get("RUNNABLE") and not states.get("RUNNING"):
        lines.append("waiting for machines; see docs/operations.md if that lasts")
    return lines
