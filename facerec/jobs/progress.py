"""Reads the progress of a job from its folder, wherever the job runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from facerec.jobs.ledger.layout import ledger_folder, summaries_folder
from facerec.jobs.ledger.tally import ChildSummary, Tally, read_summary

if TYPE_CHECKING:
    from facerec.jobs.ledger.report import Report
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_CHILDREN_READ = 200
"""Maximum number of children whose files are all read, including the ledgers of incomplete ones. If
a job has more, this many complete ones are read, and the others are assumed to be similar."""

READERS = 32
"""Number of objects to read concurrently."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a job.

    Attributes:
        photos: Number of rows in the ledger.
        faces: Number of faces of these photos in the collection, whether added or already present.
        failures: Number of failed rows, and of unchanged photos that failed in earlier jobs.
        estimated_photos: Estimated number of photos of the job.
        exact: Whether the numbers are counted rather than estimated.
        children: Number of children.
        complete_children: Number of complete children.
        busy_seconds: Total working time of all children, in seconds.
        photos_per_second: Rate of the current run; of all runs once the job has ended. None while
            unknown.
        seconds_left: Estimated remaining time; None while unknown, and once the job has ended.
        child_states: Number of children by their state in AWS Batch; empty on one machine.
        interruptions: Number of attempts whose spot machine was reclaimed; None if unknown.
    """

    photos: int
    faces: int
    failures: int
    estimated_photos: int
    exact: bool
    children: int
    complete_children: int
    busy_seconds: float
    photos_per_second: float | None = None
    seconds_left: float | None = None
    child_states: Mapping[str, int] = field(default_factory=dict)
    interruptions: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the progress in the form of ``schemas/job.json``."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {**fields, "child_states": dict(self.child_states)}


class ProgressTracker:
    """Reads the progress of one job repeatedly, without reading any file twice."""

    def __init__(self, plan: Plan, objects: ObjectStore) -> None:
        self._plan, self._objects = plan, objects
        self._complete: dict[int, Tally] = {}
        self._segments: dict[str, Tally] = {}
        self._first: tuple[float, int] | None = None

    def read(self, run_started: float, complete: int | None = None) -> Progress:
        """Return the current progress.

        Args:
            run_started: Start of the current run, seconds since 1970, to compute its rate.
            complete: Number of complete children, if known from elsewhere; avoids listing them if
                there are many.

        Raises:
            StoreUnavailableError: The job folder cannot be read for now.
            InvalidInputError: A summary or a segment is damaged.
        """
        plan = self._plan
        read_all = plan.children <= MAX_CHILDREN_READ
        self._read_summaries()
        if read_all or complete is None:
            # The listing of the store is authoritative; other sources may be ahead of it.
            complete = len(self._complete) if read_all else self._count_complete()
        tallies = list(self._complete.values())
        incomplete = self._read_ledgers() if read_all else []
        factor = complete / len(tallies) if tallies and not read_all else 1.0
        of_complete = round(factor * sum(tally.photos for tally in tallies))
        photos = of_complete + sum(tally.photos for tally in incomplete)
        every = [*tallies, *incomplete]
        failed_before = 0 if plan.difference is None else plan.difference.failed
        estimated = plan.estimated_photos
        if complete and not plan.exact:
            estimated = round(of_complete * plan.children / complete)
        estimated = max(estimated, photos)
        started = min(
            (tally.busy_intervals[0][0] for tally in every if tally.busy_intervals), default=None
        )
        rate = self._rate(photos, run_started, started)
        return Progress(
            photos=photos,
            faces=round(factor * sum(tally.faces for tally in every)),
            failures=round(factor * sum(tally.failed_photos for tally in every)) + failed_before,
            estimated_photos=estimated,
            exact=read_all and (plan.exact or complete == plan.children),
            children=plan.children,
            complete_children=complete,
            busy_seconds=factor * sum(tally.seconds for tally in every),
            photos_per_second=rate,
            seconds_left=(estimated - photos) / rate if rate else None,
        )

    def _rate(self, photos: int, run_started: float, work_started: float | None) -> float | None:
        """Return the photos per second of the job, or None while unknown.

        For a resumed job, this is the rate since the first read.
        """
        now = time.time()
        if self._first is None:
            self._first = (now, photos)
        if work_started is None or not photos:
            return None
        if work_started >= run_started:
            return photos / max(1.0, now - work_started)
        first, before = self._first
        return (photos - before) / (now - first) if photos > before else None

    def _read_summaries(self) -> None:
        listed = islice(self._list_complete(), MAX_CHILDREN_READ)
        unread = [child for child in listed if child not in self._complete]

        def fetch(child: int) -> ChildSummary | None:
            return read_summary(self._objects, self._plan.job_folder, child)

        for summary in _concurrently(fetch, unread):
            if summary is not None:
                self._complete[summary.child] = summary.tally

    def _read_ledgers(self) -> list[Tally]:
        """Return the tallies of the segments of incomplete children."""
        objects, folder = self._objects, self._plan.job_folder
        started = [int(PurePosixPath(uri).name) for uri in objects.folders(f"{folder}ledger/")]
        uris = [
            found.uri
            for child in started
            if child not in self._complete
            for found in objects.list(ledger_folder(folder, child))
            if found.uri.endswith(".jsonl")
        ]

        def fetch(uri: str) -> Tally:
            # Imported late: for a job that has ended, usually no segment is read.
            from facerec.jobs.ledger.segments import read_segment

            segment = read_segment(objects, uri)
            return Tally.of(segment.rows, (segment.started, segment.finished))

        unread = [uri for uri in uris if uri not in self._segments]
        self._segments.update(zip(unread, _concurrently(fetch, unread), strict=True))
        self._segments = {uri: self._segments[uri] for uri in uris}
        return list(self._segments.values())

    def _list_complete(self) -> Iterator[int]:
        for found in self._objects.list(summaries_folder(self._plan.job_folder)):
            name = PurePosixPath(found.uri)
            if name.suffix == ".json":
                yield int(name.stem)

    def _count_complete(self) -> int:
        return sum(1 for _ in self._list_complete())


class ProgressReader:
    """Reads the progress of jobs; caches the data of the last one."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._last: tuple[str, ProgressTracker] | None = None

    def read(
        self,
        plan: Plan,
        report: Report | None,
        *,
        run_started: float,
        complete: int | None = None,
    ) -> Progress:
        """Return the progress of a job; see ``ProgressTracker.read`` for arguments and errors.

        If ``report`` is not None, the job has ended, and the numbers come from the report.
        """
        if self._last is None or self._last[0] != plan.job_folder:
            self._last = (plan.job_folder, ProgressTracker(plan, self._objects))
        progress = self._last[1].read(run_started, complete)
        return progress if report is None else _with_report(progress, report)


def _with_report(progress: Progress, report: Report) -> Progress:
    """Return the progress of a job that has ended, with the numbers of its report."""
    tally = report.tally
    complete = not report.incomplete
    return replace(
        progress,
        photos=tally.photos,
        faces=tally.faces,
        failures=report.failed_photos,
        estimated_photos=tally.photos if complete else max(progress.estimated_photos, tally.photos),
        exact=complete,
        complete_children=report.complete_children,
        photos_per_second=report.photos_per_second,
        seconds_left=None,
    )


def _concurrently(fetch: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    if not items:
        return []
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(fetch, items))
