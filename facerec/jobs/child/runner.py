"""Runs children in one process, and ends a job whose first photos nearly all fail alike.

A bucket that may not be read, a wrong prefix or the wrong KMS key makes every photo of a job fail.
Such a job is ended after its first photos instead of writing a row for each of millions. Before
that, photos from the whole manifest are tried, since only one folder may be wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from facerec.jobs.child.attempt import ChildDependencies, loader_of, run_child
from facerec.jobs.ledger.first_failures import (
    REMEDIES,
    FirstFailures,
    read_first_failures,
    write_first_failures,
)
from facerec.jobs.manifest.slices import ByteRange, SliceReader, Stripe, slice_of
from facerec.jobs.manifest.source import SourceKind
from facerec.jobs.outcomes import Outcome, PhotoFailure

if TYPE_CHECKING:
    from facerec.jobs.child.segment_writer import SegmentCommitted
    from facerec.jobs.ledger.tally import ChildSummary
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore

FIRST_PHOTOS = 100
"""Number of first photos that decide whether a job ends early; a smaller job never does."""

ALIKE_PERCENTAGE = 95
"""Minimum percentage of the first photos with the same failure for a job to end early. A job that
tolerates this percentage of failures never ends early."""

SAMPLED_PHOTOS = 20
"""Number of further photos, spread evenly over the manifest. A job ends early only if the same
percentage of these fails with the same outcome."""


class ChildRunner:
    """Runs children of a job, one at a time."""

    def __init__(
        self,
        plan: Plan,
        dependencies: ChildDependencies,
        tolerated_failure_percentage: float,
    ) -> None:
        """Create a runner for all children of one process.

        Args:
            plan: The job's plan.
            dependencies: Engine and stores.
            tolerated_failure_percentage: 0 to 100, the share of photos that may fail.
        """
        self._plan, self._dependencies = plan, dependencies
        self._judges = tolerated_failure_percentage < ALIKE_PERCENTAGE
        self._outcomes: Counter[str] = Counter()
        self._failures: FirstFailures | None = None

    def run(
        self,
        child: int,
        *,
        stop: Callable[[], bool] = lambda: False,
        on_commit: Callable[[SegmentCommitted], None] = lambda segment: None,
    ) -> ChildSummary:
        """Process a child; see ``run_child``.

        Raises:
            FirstPhotosFailedError: The first photos of the job nearly all failed alike.
            FacerecError: See ``run_child``.
        """
        if (ended := read_first_failures(self._objects, self._plan.job_folder)) is not None:
            raise ended.error()

        def count(segment: SegmentCommitted) -> None:
            self._outcomes.update(segment.outcomes)
            on_commit(segment)

        summary = run_child(
            self._plan,
            child,
            self._dependencies,
            stop=lambda: stop() or self._must_end(),
            on_commit=count,
        )
        if self._failures is not None:
            write_first_failures(self._objects, self._plan.job_folder, self._failures)
            raise self._failures.error()
        return summary

    @property
    def _objects(self) -> ObjectStore:
        return self._dependencies.objects

    def _must_end(self) -> bool:
        """Judge the job once its first photos are committed; return whether it must end."""
        if self._judges and self._outcomes.total() >= FIRST_PHOTOS:
            self._judges = False
            self._failures = self._judge()
        return self._failures is not None

    def _judge(self) -> FirstFailures | None:
        """Return how the first photos failed if nearly all failed alike, and sampled others too."""
        ((name, failed),) = self._outcomes.most_common(1)
        outcome, photos = Outcome(name), self._outcomes.total()
        if outcome not in REMEDIES or not _nearly_all(failed, photos):
            return None
        sample = list(self._sample())
        if not _nearly_all(sample.count(outcome), len(sample)):
            return None
        return FirstFailures(outcome, failed, photos)

    def _sample(self) -> Iterator[Outcome | None]:
        """Yield failures of photos spread evenly over the manifest; None for a readable photo."""
        loader = loader_of(self._plan, self._objects)
        for slice_ in self._slices():
            for line in SliceReader(self._objects, self._plan.source, slice_):
                photo = None if line.content == b"" else loader.load(line)
                if photo is None:
                    continue
                failure = photo.content if isinstance(photo.content, PhotoFailure) else None
                if failure is None or failure.outcome is not Outcome.SKIPPED:
                    yield None if failure is None else failure.outcome
                    break

    def _slices(self) -> Iterator[ByteRange | Stripe]:
        """Yield slices whose starts are spread evenly over the manifest."""
        plan = self._plan
        if plan.source.kind is SourceKind.RANGES:
            for number in range(SAMPLED_PHOTOS):
                yield slice_of(plan.source, SAMPLED_PHOTOS, 1, number)
            return
        for child in sorted(
            {number * plan.children // SAMPLED_PHOTOS for number in range(SAMPLED_PHOTOS)}
        ):
            yield slice_of(plan.source, plan.children, plan.stripes, child)


def _nearly_all(failed: int, photos: int) -> bool:
    return 100 * failed >= ALIKE_PERCENTAGE * photos
