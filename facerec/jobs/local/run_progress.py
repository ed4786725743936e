"""How far a run on this machine is."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from facerec.jobs.child.attempt import Progress
from facerec.jobs.plan import Plan


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a job is.

    Attributes:
        images: rows in the ledger.
        new_images: those of them that this run has written.
        faces: faces that this run has put into the collection.
        failures: those of the new rows that are failures.
        estimated_images: about how many rows there will be.
        exact: whether that is sure.
        children: how many children the job has.
        complete_children: how many of them are complete.
        images_per_second: new rows in the time of this run.
        seconds_left: about how long the rest takes; None until that can be told.
    """

    images: int
    new_images: int
    faces: int
    failures: int
    estimated_images: int
    exact: bool
    children: int
    complete_children: int
    images_per_second: float
    seconds_left: float | None


class RunTracker:
    """Adds up what workers tell."""

    def __init__(self, plan: Plan, images_before: int, complete_before: int) -> None:
        """Begin with the children that were complete before, and their rows."""
        self._plan = plan
        self._started = time.monotonic()
        self._complete, self._complete_images = complete_before, images_before
        self._images_of: Counter[int] = Counter()
        self._new_images = self._faces = self._failures = 0

    def begin_child(self, child: int) -> None:
        """Forget the rows of a child: each attempt tells all of them."""
        del self._images_of[child]

    def add(self, progress: Progress) -> None:
        """Count a part of a ledger."""
        self._images_of[progress.child] += progress.images
        if not progress.before:
            self._new_images += progress.images
            self._faces += progress.faces
            self._failures += progress.failures

    def complete_child(self, child: int) -> None:
        """Count a child that came to its end."""
        self._complete += 1
        self._complete_images += self._images_of.pop(child, 0)

    def now(self) -> RunProgress:
        """Return how far the run is."""
        plan = self._plan
        rate = self._new_images / max(1e-9, time.monotonic() - self._started)
        images = self._complete_images + self._images_of.total()
        exact = plan.exact or self._complete == plan.children
        total = plan.estimated_images
        if not plan.exact and self._complete:
            total = round(self._complete_images * plan.children / self._complete)
        total = max(total, images)
        return RunProgress(
            images=images,
            new_images=self._new_images,
            faces=self._faces,
            failures=self._failures,
            estimated_images=total,
            exact=exact,
            children=plan.children,
            complete_children=self._complete,
            images_per_second=rate,
            seconds_left=(total - images) / rate if rate else None,
        )
