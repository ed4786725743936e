"""A child of a job: its slice of the manifest into faces, embeddings and ledger.

A child works in steps. Each step stores its embeddings in the job's folder, then its faces in the
store, then the part of the ledger that names both. An attempt that dies in between leaves nothing
that its successor does not put right: files of embeddings that no part names are swept up, and
faces have ids that follow from content, so that putting them again changes nothing.

Where the job's folder is far away, a step is committed while the next one is worked on. Commits
still follow one another, and a step is committed only if the one before it came to stand.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import partial

from facerec.core.ids import group_of
from facerec.core.protocols import FaceEngine
from facerec.errors import InvalidInputError, ModelMismatchError, ObjectNotFoundError
from facerec.jobs.child.crash_notes import CRASHED, FATAL, crashes
from facerec.jobs.child.photos import NamedPhoto, PhotoReader, ReadPhoto
from facerec.jobs.child.prefetch import read_ahead_in
from facerec.jobs.child.step import Step, StepWorker
from facerec.jobs.ledger.embeddings import read_embeddings, write_embeddings
from facerec.jobs.ledger.layout import (
    embeddings_folder,
    embeddings_name,
    part_uri,
    step_of_embeddings,
)
from facerec.jobs.ledger.rows import FAILURES
from facerec.jobs.ledger.segments import LedgerPart, read_part, read_parts, write_part
from facerec.jobs.ledger.tally import ChildSummary, Tally, read_summary, write_summary
from facerec.jobs.manifest.entries import LineParser
from facerec.jobs.manifest.slices import Position, SliceReader, slice_of
from facerec.jobs.plan import Plan
from facerec.storage.faces import FaceStore
from facerec.storage.objects.protocol import ObjectStore

PHOTOS_OF_STEP = 32
"""Photos between two commits: some ten seconds of work that a killed attempt loses at most."""

BYTES_OF_STEP = 64 * 1024 * 1024
"""A step of large photos ends early, so that memory stays bounded."""

READERS = 8
"""Photos that are read at once: an object in S3 takes tens of milliseconds to answer."""


@dataclass(frozen=True, slots=True)
class ChildParts:
    """What a child works with.

    Attributes:
        engine: finds faces and computes embeddings.
        faces: keeps the faces.
        objects: holds manifest, photos and the job's folder.
        readers: the threads that read photos ahead. They outlive a child: to start them costs as
            much as a photo or two.
    """

    engine: FaceEngine
    faces: FaceStore
    objects: ObjectStore
    readers: Executor = field(
        default_factory=partial(ThreadPoolExecutor, READERS, thread_name_prefix="read-ahead"),
        repr=False,
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """A part of the ledger that has come to stand.

    Attributes:
        child: whose.
        images: how many rows it has.
        faces: how many faces it put into the collection.
        failures: how many of the rows are failures.
        before: whether it stood before this attempt.
    """

    child: int
    images: int
    faces: int
    failures: int
    before: bool


def run_child(
    plan: Plan,
    child: int,
    parts: ChildParts,
    *,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> ChildSummary:
    """Work on a child until its slice is in the ledger, from where earlier attempts left it.

    Any number of attempts may run after or beside one another: each line of the slice gets
    exactly one row. What is wrong with a photo, or with a line, is a row.

    Args:
        plan: of the job.
        child: 0 to ``plan.children - 1``.
        parts: what to work with.
        stop: asked between a few photos; once it says so, what is done is committed.
        progress: told of each part of the ledger.

    Returns:
        What is in the ledger; ``complete`` unless ``stop`` said to end.

    Raises:
        ModelMismatchError: the engine is not the one that the job was planned for.
        ObjectChangedError: the manifest is not the one that the job was planned for.
        InvalidInputError: the manifest is damaged.
        StoreUnavailableError: a store is; another attempt may go through.
    """
    summary = read_summary(parts.objects, plan.job_folder, child)
    if summary is not None:
        progress(_progress(child, summary.tally, before=True))
        return summary
    if parts.engine.model_version != plan.model_version:
        raise ModelMismatchError(parts.engine.model_version, plan.model_version)
    return _Attempt(plan, child, parts, stop, progress).run()


@dataclass(frozen=True, slots=True)
class _Commit:
    """A step on its way into the ledger.

    Attributes:
        part: the part that stands in the ledger in the end, this attempt's or another's.
        image_ids: of the step's photos.
    """

    part: Future[LedgerPart]
    image_ids: frozenset[str]


class _Attempt:
    """One attempt at a child."""

    def __init__(
        self,
        plan: Plan,
        child: int,
        parts: ChildParts,
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> None:
        self._plan, self._child, self._parts = plan, child, parts
        self._stop, self._progress = stop, progress
        self._worker = StepWorker(plan, child, parts.engine, parts.faces, self._unsettled)
        self._photos = PhotoReader(parts.objects)
        self._parser = LineParser(plan.source.format, plan.source.columns, plan.base, plan.local)
        self._slice = slice_of(plan.source, plan.children, plan.stripes, child)
        self._position = SliceReader.first(plan.source, self._slice)
        self._tally = Tally()
        self._named: set[str] = set()
        self._since = time.time()
        self._crashes: Counter[int] = Counter()
        self._careful = 0
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._commit_under_way: _Commit | None = None
        self._expected = self._position

    def run(self) -> ChildSummary:
        with self._committer:
            return self._run()

    def _run(self) -> ChildSummary:
        for part in read_parts(self._objects, self._plan.job_folder, self._child):
            self._take(part, before=True)
        self._crashes = crashes(self._objects, self._plan, self._child)
        if self._crashes[self._position.offset]:
            # It may have crashed over the step behind the one that was on its way.
            self._careful = PHOTOS_OF_STEP if self._plan.local else 2 * PHOTOS_OF_STEP
        while not self._stop():
            self._expected = self._position
            end = self._read_on()
            if not self._settle():
                # Another attempt's part ends elsewhere: read on from there.
                continue
            if end is not None:
                self._sweep()
                summary = ChildSummary(self._child, True, end.lines, self._tally)
                write_summary(self._objects, self._plan.job_folder, summary)
                return summary
        return ChildSummary(self._child, False, self._position.lines, self._tally)

    @property
    def _objects(self) -> ObjectStore:
        return self._parts.objects

    def _read_on(self) -> Position | None:
        """Work from the position on; return the slice's end, None if it was not come to."""
        reader = SliceReader(self._objects, self._plan.source, self._slice, self._position)
        photos = read_ahead_in(
            self._parts.readers,
            self._named_photos(reader),
            self._photos.read,
            lambda photo: photo.size,
            most_items=2 * PHOTOS_OF_STEP,
            most_weight=BYTES_OF_STEP,
        )
        batch: list[ReadPhoto] = []
        with closing(photos):
            for photo in photos:
                if self._stop():
                    return None
                if self._crashes[self._expected.offset] >= FATAL and not batch:
                    photo = replace(photo, content=CRASHED, image_id=None)
                batch.append(photo)
                most = 1 if self._careful else PHOTOS_OF_STEP
                if len(batch) == most or _weight(batch) >= BYTES_OF_STEP:
                    if not self._commit(batch):
                        return None
                    batch = []
        return reader.end if not batch or self._commit(batch) else None

    def _named_photos(self, reader: SliceReader) -> Iterator[NamedPhoto]:
        for line in reader:
            named = self._parser.parse(line.content)
            if named is not None:
                yield NamedPhoto(line, named)

    def _commit(self, batch: list[ReadPhoto]) -> bool:
        """Work on photos and have them committed; return whether to go on behind them."""
        under_way = self._commit_under_way
        if under_way and not under_way.image_ids.isdisjoint(
            photo.image_id or "" for photo in batch
        ):
            # Of a photo that comes twice, the second one must find the first one's faces.
            self._settle()
        step = self._worker.work(batch, self._stop)
        if not self._settle():
            return False
        end = batch[len(step.rows) - 1].line.next
        self._commit_under_way = _Commit(
            self._committer.submit(self._store, step, self._position, end, self._since),
            frozenset(row.image_id for row in step.rows if row.image_id),
        )
        self._expected = end
        if self._plan.local or self._careful:
            self._settle()
        self._since = time.time()
        is_adrift = self._commit_under_way is None and self._position != end
        return not is_adrift and end == batch[-1].line.next

    def _settle(self) -> bool:
        """Wait for the commit under way; return whether the ledger ends where it was to end."""
        if self._commit_under_way is not None:
            part = self._commit_under_way.part.result()
            self._commit_under_way = None
            self._take(part, before=False)
        return self._position == self._expected

    def _store(self, step: Step, start: Position, end: Position, since: float) -> LedgerPart:
        """Keep a step's embeddings, then its faces, then its rows; return what came to stand."""
        plan, name = self._plan, None
        if faces := step.faces:
            # Each attempt has files of its own: one that lost must not take from the one that won.
            name = embeddings_name(self._child, start.offset, end.offset)
            write_embeddings(self._objects, plan.job_folder + name, faces)
        if step.images:
            self._parts.faces.put_images(plan.collection_id, step.images)
        rows = tuple(step.rows)
        part = LedgerPart(self._child, start, end, rows, name, since, time.time())
        if write_part(self._objects, plan.job_folder, part):
            return part
        # The file of embeddings stays until the child is complete: this attempt's faces are in
        # the store, and the file is what tells so where the other's part is the shorter one.
        return read_part(self._objects, part_uri(plan.job_folder, self._child, start.offset))

    def _take(self, part: LedgerPart, *, before: bool) -> None:
        tally = Tally()
        tally.add_rows(part.rows, (part.started, part.finished))
        self._tally.add(tally)
        self._position = part.end
        self._careful = max(0, self._careful - len(part.rows))
        if part.embeddings is not None:
            self._named.add(part.embeddings)
        self._progress(_progress(self._child, tally, before=before))

    def _unnamed(self) -> Iterator[str]:
        """Yield the files of embeddings that no part of the ledger names."""
        plan = self._plan
        for found in self._objects.list(embeddings_folder(plan.job_folder, self._child)):
            if found.uri.removeprefix(plan.job_folder) not in self._named:
                yield found.uri

    def _unsettled(self) -> set[str]:
        """Return the keys of images that were stored for lines from the position on."""
        self._settle()
        folder, offset = self._plan.job_folder, self._position.offset
        keys: set[str] = set()
        begun = offset
        for uri in self._unnamed():
            step = step_of_embeddings(uri)
            if step is None or step[1] <= offset:
                continue
            # Half a file was not followed by faces in the store.
            with suppress(ObjectNotFoundError, InvalidInputError):
                faces = read_embeddings(self._objects, uri)
                keys.update(group_of(face.record.face_id) for face in faces)
                begun = min(begun, step[0])
        if keys:
            # The step may have begun before the position: what came of that is in the ledger.
            for part in read_parts(self._objects, folder, self._child, since=begun):
                keys -= {group_of(face.face_id) for row in part.rows for face in row.faces}
        return keys

    def _sweep(self) -> None:
        for uri in list(self._unnamed()):
            self._objects.delete(uri)


def _weight(photos: list[ReadPhoto]) -> int:
    return sum(photo.size for photo in photos)


def _progress(child: int, tally: Tally, *, before: bool) -> Progress:
    failures = sum(tally.outcomes[outcome] for outcome in FAILURES)
    return Progress(child, tally.images, tally.faces_indexed, failures, before)
