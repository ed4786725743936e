"""Progress of a job on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from facerec.cli.output import console, count

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from facerec.jobs.local.run_progress import RunProgress
    from facerec.jobs.plan import Plan

LINE_EVERY = 5.0
"""Seconds between two lines where there is no terminal."""


class ShownProgress:
    """Shows how far a job is, and remembers what was new."""

    def __init__(self, console: Console, bar: Progress | None) -> None:
        self._console = console
        self._bar = bar
        self._task = bar.add_task("", total=None) if bar is not None else None
        self._spoke = time.monotonic()
        self.new_images = 0

    def show(self, now: RunProgress) -> None:
        """Show a state."""
        self.new_images = now.new_images
        words = _words(now)
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task,
                total=now.estimated_images,
                completed=now.images,
                description=words,
            )
        elif time.monotonic() - self._spoke >= LINE_EVERY:
            self._spoke = time.monotonic()
            self._console.print(f"{now.images:,} of {_about(now)}: {words}")


@contextmanager
def shown_progress(plan: Plan) -> Iterator[ShownProgress]:
    """Show the progress of a job while the block runs."""
    out = console(stderr=True)
    about = "" if plan.exact else "about "
    photos = count(plan.estimated_images, "photo")
    out.print(f"Indexing {about}{photos} into collection {plan.collection_id} ...")
    if not out.is_terminal:
        yield ShownProgress(out, None)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    bar = Progress(BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), console=out)
    with bar:
        yield ShownProgress(out, bar)


def _words(now: RunProgress) -> str:
    parts = [f"{now.images_per_second:.1f} photos/s", count(now.faces, "face")]
    if now.failures:
        parts.append(count(now.failures, "failure"))
    if now.seconds_left is not None and now.images < now.estimated_images:
        parts.append(f"{duration(now.seconds_left)} left")
    return ", ".join(parts)


def _about(now: RunProgress) -> str:
    return f"{'' if now.exact else 'about '}{now.estimated_images:,}"


def duration(seconds: float) -> str:
    """Return seconds as a person says them: ``3 h 05 min``, ``4 min 10 s``, ``9 s``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
