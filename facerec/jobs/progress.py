"""How far a job is, told from its folder alone, whoever runs it and wherever it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import TypeVar

from facerec.jobs.ledger.layout import ledger_folder, summaries_folder
from facerec.jobs.ledger.rows import FAILURES
from facerec.jobs.ledger.segments import read_part
from facerec.jobs.ledger.tally import ChildSummary, Tally, read_summary
from facerec.jobs.plan import Plan
from facerec.storage.objects.protocol import ObjectStore

Item = TypeVar("Item")
Result = TypeVar("Result")

READ_WHOLE = 200
"""Children up to which everything is read, rows of children under way included. Of more, so many
complete ones are read and the rest is taken to be like them."""

READERS = 32
"""Objects that are read at once."""


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is.

    Attributes:
        images: photos that are done.
        faces: that were put into the collection, or were there.
        failures: photos that failed.
        estimated_images: about how many photos there are.
        exact: whether the numbers are counted, not estimated.
        children: how many there are.
        complete_children: how many of them are complete.
        busy_seconds: that all children together have worked.
        began: when the first of those read began to work, seconds since 1970; None before that.
    """

    images: int
    faces: int
    failures: int
    estimated_images: int
    exact: bool
    children: int
    complete_children: int
    busy_seconds: float
    began: float | None


class JobWatcher:
    """Looks at a job again and again; what was read once is not read again."""

    def __init__(self, plan: Plan, objects: ObjectStore) -> None:
        """Watch a job whose folder is in ``objects``."""
        self._plan, self._objects = plan, objects
        self._complete: dict[int, Tally] = {}
        self._parts: dict[str, Tally] = {}

    def look(self, complete: int | None = None) -> JobProgress:
        """Look how far the job is.

        Args:
            complete: how many children are complete, where somebody knows: saves listing them
                where they are many.

        Raises:
            StoreUnavailableError: the folder cannot be read for now.
        """
        whole = self._plan.children <= READ_WHOLE
        self._read_summaries()
        if whole or complete is None:
            # Those that a store has listed are the truth; who knows better may be ahead of it.
            complete = len(self._complete) if whole else self._count()
        tallies = list(self._complete.values())
        under_way = self._under_way() if whole else []
        factor = complete / len(tallies) if tallies and not whole else 1.0
        images = round(factor * sum(tally.images for tally in tallies))
        every = [*tallies, *under_way]
        done = images + sum(tally.images for tally in under_way)
        return JobProgress(
            images=done,
            faces=round(factor * sum(t.faces_indexed + t.faces_present for t in every)),
            failures=round(factor * sum(_failures(t) for t in every)),
            estimated_images=self._estimated(images, complete, done),
            exact=whole and (self._plan.exact or complete == self._plan.children),
            children=self._plan.children,
            complete_children=complete,
            busy_seconds=factor * sum(end - start for t in every for start, end in t.spells),
            began=min((t.spells[0][0] for t in every if t.spells), default=None),
        )

    def _estimated(self, images: int, complete: int, done: int) -> int:
        total = self._plan.estimated_images
        if complete and not self._plan.exact:
            total = round(images * self._plan.children / complete)
        return max(total, done)

    def _read_summaries(self) -> None:
        listed = islice(self._listed(), READ_WHOLE)
        unread = [child for child in listed if child not in self._complete]

        def fetch(child: int) -> ChildSummary | None:
            return read_summary(self._objects, self._plan.job_folder, child)

        for summary in _at_once(fetch, unread):
            if summary is not None:
                self._complete[summary.child] = summary.tally

    def _under_way(self) -> list[Tally]:
        """Return what the children have done that are not complete."""
        objects, folder = self._objects, self._plan.job_folder
        begun = [int(PurePosixPath(each).name) for each in objects.folders(f"{folder}ledger/")]
        under_way = [child for child in begun if child not in self._complete]
        uris = [
            found.uri
            for child in under_way
            for found in objects.list(ledger_folder(folder, child))
            if found.uri.endswith(".jsonl")
        ]

        def fetch(uri: str) -> Tally:
            part, tally = read_part(objects, uri), Tally()
            tally.add_rows(part.rows, (part.started, part.finished))
            return tally

        unread = [uri for uri in uris if uri not in self._parts]
        self._parts.update(zip(unread, _at_once(fetch, unread), strict=True))
        self._parts = {uri: self._parts[uri] for uri in uris}
        return list(self._parts.values())

    def _listed(self) -> Iterator[int]:
        for found in self._objects.list(summaries_folder(self._plan.job_folder)):
            name = PurePosixPath(found.uri)
            if name.suffix == ".json":
                yield int(name.stem)

    def _count(self) -> int:
        return sum(1 for _ in self._listed())


def _at_once(fetch: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(fetch, items))


def _failures(tally: Tally) -> int:
    return sum(tally.outcomes[outcome] for outcome in FAILURES)
