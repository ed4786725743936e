"""Runs a child of a job: its slice of the manifest becomes faces, embeddings and ledger rows.

A child works in steps (``StepSize``), which are loaded ahead (``loading``), processed
(``processing``) and committed (``segment_writer``). An attempt that is killed loses at most the
steps that were not committed; the next attempt continues where the ledger ends.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING

from facerec.errors import ModelMismatchError, ObjectChangedError, PhotosErasedError
from facerec.gallery.registered.face_writer import FaceWriter
from facerec.jobs.child.crash_notes import CRASHED, Crashes, read_crashes
from facerec.jobs.child.loading import LoadedPhoto, PhotoLoader
from facerec.jobs.child.moved import faces_of_moved_photos
from facerec.jobs.child.processing import process_photos
from facerec.jobs.child.segment_writer import SegmentCommitted, SegmentWriter
from facerec.jobs.child.step import KnownPhotos, Step, photo_key
from facerec.jobs.erasing.existence import while_it_exists
from facerec.jobs.ledger.child_runs import RunNote, add_run_note
from facerec.jobs.ledger.segments import list_segments
from facerec.jobs.ledger.tally import ChildSummary, read_summary
from facerec.jobs.manifest.entries import LineParser
from facerec.jobs.manifest.slices import SliceReader, slice_of
from facerec.jobs.plan import is_written_manifest
from facerec.jobs.planned_collection import store_of_planned
from facerec.jobs.prefetch import read_ahead_in
from facerec.jobs.start_order import started_job
from facerec.jobs.verifying.job_check import verify_job, verify_repeated
from facerec.jobs.verifying.segment_check import Verification
from facerec.jobs.verifying.statements import LastStatements

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from facerec.core.protocols.engine import FaceEngine
    from facerec.core.protocols.records import RecordStore
    from facerec.core.protocols.registrations import RegistrationStore
    from facerec.core.records import FaceRecord
    from facerec.jobs.manifest.cursor import Cursor
    from facerec.jobs.plan import Plan
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class StepSize:
    """The number and size of the photos that a child processes per commit.

    Attributes:
        photos: Maximum number of photos; a killed attempt loses at most two steps.
        bytes: A step ends early when its photos have this many bytes or more, to limit memory.
        first_photos: Number of an attempt's first photos that are looked up and processed while the
            rest of its first step is read.
    """

    photos: int
    bytes: int
    first_photos: int


LOCAL_STEP = StepSize(photos=32, bytes=64 * 1024 * 1024, first_photos=32)
"""Size of a step on one machine, where a commit takes milliseconds."""

DEPLOYED_STEP = StepSize(photos=128, bytes=128 * 1024 * 1024, first_photos=48)
"""Size of a step on AWS. Each step takes a few requests to the vector store, for any number of
photos; requests cost money, and their rate is limited. At 20 photos per second, a step takes six
seconds. Processing the first photos separately costs a second look-up, and saves the time to read
the 80 others."""

BUFFERED_BYTES = 64 * 1024 * 1024
"""Maximum size of the photos that are read ahead, in bytes."""

READERS = 8
"""Number of photos to read concurrently: each object in S3 takes tens of milliseconds."""


@dataclass(frozen=True, slots=True)
class ChildDependencies:
    """The collaborators of an attempt.

    Attributes:
        engine: Detects faces and computes embeddings.
        faces: Stores the faces.
        records: Stores people and their associations with faces.
        objects: Contains the manifest, the photos and the job folder.
        registrations: Stores registered people and events; None if the stores do not support
            them, or if nobody receives the events.
        readers: Threads that load photos ahead. They are reused for all children: starting them
            takes as long as a photo or two.
    """

    engine: FaceEngine
    faces: FaceStore
    records: RecordStore
    objects: ObjectStore
    registrations: RegistrationStore | None = None
    readers: Executor = field(
        default_factory=partial(ThreadPoolExecutor, READERS, thread_name_prefix="read-ahead"),
        repr=False,
    )


def run_child(
    plan: Plan,
    child: int,
    dependencies: ChildDependencies,
    *,
    stop: Callable[[], bool] = lambda: False,
    on_commit: Callable[[SegmentCommitted], None] = lambda segment: None,
) -> ChildSummary:
    """Process a child until its whole slice is in the ledger, resuming earlier attempts.

    Faces that earlier attempts have committed are compared with the collection, and restored if
    lost (not on one machine, where the run of the job has already done so:
    ``plan.children_restore``).

    Any number of attempts may run, in turn or concurrently: each line of the slice that is not
    blank gets exactly one row. A problem with a photo or a line is a row, not an exception.

    Args:
        plan: The job's plan.
        child: 0 to ``plan.children - 1``.
        dependencies: Engine and stores.
        stop: Called every few photos; once it returns true, finished work is committed and the
            attempt ends.
        on_commit: Called for each segment of the ledger; if the child was complete before, once for
            all of them.

    Returns:
        The totals of the child's ledger; ``complete`` is true unless ``stop`` ended the attempt.

    Raises:
        JobDeletedError: The collection was deleted, and the job with it.
        ModelMismatchError: The engine is not the one that the job was planned for.
        ObjectChangedError: The manifest is not the one that the job was planned for.
        PhotosErasedError: Photos were erased from the manifest, which facerec has listed.
        InvalidInputError: The manifest or a segment of the ledger is damaged.
        StoreUnavailableError: A store failed; another attempt may succeed.
        ConflictError: Too many concurrent changes of a person, so that another attempt may succeed;
            or the collection serves another model version now.
        AccessDeniedError: A store, the manifest or the job folder may not be used.
    """
    planned = store_of_planned(plan, dependencies.faces, dependencies.records)
    dependencies = replace(dependencies, faces=planned)
    # Any failure caused by the deletion of the job is raised as JobDeletedError. Commits, which run
    # in a background thread, also remove the faces that they have stored (``SegmentWriter``).
    with while_it_exists(plan, dependencies.objects):
        try:
            return _run(plan, child, dependencies, stop, on_commit)
        except ObjectChangedError as error:
            if is_written_manifest(error.uri, plan.job_folder):
                # Only erasures change a manifest that facerec has listed.
                raise PhotosErasedError(error.uri) from error
            raise


def loader_of(plan: Plan, objects: ObjectStore) -> PhotoLoader:
    """Return a loader of the photos that the lines of a job's manifest name."""
    source = plan.source
    return PhotoLoader(LineParser(source.format, source.columns, plan.base, plan.local), objects)


def _run(
    plan: Plan,
    child: int,
    dependencies: ChildDependencies,
    stop: Callable[[], bool],
    on_commit: Callable[[SegmentCommitted], None],
) -> ChildSummary:
    objects, readers = dependencies.objects, dependencies.readers
    # Requested concurrently: one request to S3 takes as long as several photos.
    listed = readers.submit(list_segments, objects, plan.job_folder, child)
    noted = readers.submit(read_crashes, objects, plan, child)
    summary = read_summary(objects, plan.job_folder, child)
    if summary is not None:
        # Needed even on one machine: a run starts only incomplete children, so another process
        # completed this child after the run had compared the collection.
        found = _restore(plan, child, dependencies)
        changed = not found.agrees or found.kept or found.deleted
        if plan.children_restore and changed:
            _note_run(plan, child, summary.tally.photos, found, objects)
        on_commit(SegmentCommitted.of(child, summary.tally, resumed=True))
        return summary
    if dependencies.engine.model_version != plan.model_version:
        raise ModelMismatchError(dependencies.engine.model_version, plan.model_version)
    segments, found = listed.result(), Verification()
    if segments and plan.children_restore:
        found = _restore(plan, child, dependencies)
    attempt = _Attempt(plan, child, dependencies, stop, on_commit)
    return attempt.run(segments, noted.result(), found)


def _restore(plan: Plan, child: int, dependencies: ChildDependencies) -> Verification:
    """Restore committed faces of a child that the collection has lost.

    Photos that the job shares with other jobs are compared too, except on one machine, where
    ``CollectionCheck.verify`` has done so.
    """
    if plan.bulk_import:
        # An import stores all faces in the collection later.
        return Verification()
    objects, faces, records = dependencies.objects, dependencies.faces, dependencies.records
    job, last = started_job(plan, objects), LastStatements()
    found = verify_job(job, objects, faces, records, repair=True, children=[child], last=last)
    if plan.children_restore:
        found.add(verify_repeated(plan, objects, plan.jobs_root, faces, records, last))
    return found


def _note_run(
    plan: Plan, child: int, rows_before: int, found: Verification, objects: ObjectStore
) -> None:
    """Record what an attempt on AWS found and repaired at its start, for the summary of the run."""
    note = RunNote(
        child,
        rows_before,
        restored=found.missing,
        removed=found.extra,
        kept=found.kept,
        deleted=found.deleted,
        lost=found.lost,
        lost_photos=found.lost_photos,
    )
    add_run_note(objects, plan.job_folder, note)


class _Reached(Enum):
    """The point that an attempt has reached in its slice."""

    END = auto()
    STOPPED = auto()
    """The attempt was asked to stop."""

    OVERTAKEN = auto()
    """Another attempt has committed further segments, so the ledger ends elsewhere."""


class _Attempt:
    """One attempt at a child."""

    def __init__(
        self,
        plan: Plan,
        child: int,
        dependencies: ChildDependencies,
        stop: Callable[[], bool],
        on_commit: Callable[[SegmentCommitted], None],
    ) -> None:
        self._plan, self._child, self._stop = plan, child, stop
        self._step_size = LOCAL_STEP if plan.local else DEPLOYED_STEP
        self._engine, self._faces = dependencies.engine, dependencies.faces
        self._objects, self._readers = dependencies.objects, dependencies.readers
        self._options_digest = plan.options.digest()
        self._slice = slice_of(plan.source, plan.children, plan.stripes, child)
        self._loader = loader_of(plan, self._objects)
        start = SliceReader.first(plan.source, self._slice)
        self._writer = SegmentWriter(
            plan,
            child,
            start,
            FaceWriter(dependencies.registrations, self._faces, dependencies.records, self._engine),
            self._objects,
            on_commit,
        )
        self._crashes = Crashes(Counter(), until=0)
        # Waits until the note of this attempt is written (``_note_run``), if it writes one.
        self._run_noted: Callable[[], None] = lambda: None
        self._stopped = False

    def run(
        self, segments: Iterable[str], crashes: Counter[int], found: Verification
    ) -> ChildSummary:
        with self._writer as writer:
            cursor = writer.resume(segments)
            if self._plan.children_restore:
                rows = writer.tally.photos
                # Written while the first photos are read, and before anything is committed.
                self._run_noted = self._readers.submit(
                    _note_run, self._plan, self._child, rows, found, self._objects
                ).result
            # With overlapping commits, the crash may have happened in the step after this one.
            photos = (2 if self._plan.overlaps_commits else 1) * self._step_size.photos
            until = writer.tally.photos + photos if crashes[cursor.offset] else 0
            self._crashes = Crashes(crashes, until=until)
            while not self._must_stop():
                reached, end = self._process_from(cursor)
                self._run_noted()
                if reached is _Reached.END:
                    return writer.finish(end)
                # If the attempt was overtaken, it continues where the ledger ends now.
                cursor = writer.flush()
            return writer.summary()

    def _process_from(self, cursor: Cursor) -> tuple[_Reached, Cursor]:
        """Process the slice from a cursor on and submit each step.

        Returns:
            Why processing ended, and the cursor at that point; for END, the cursor after the last
            line.
        """
        reader = SliceReader(self._objects, self._plan.source, self._slice, cursor)
        with closing(self._load(reader)) as photos:
            for step in self._steps(photos, cursor):
                if not self._submit(step):
                    return _Reached.OVERTAKEN, cursor
                cursor = step.end
                if not step.complete:
                    return _Reached.STOPPED, cursor
        if self._stopped:
            return _Reached.STOPPED, cursor
        if self._writer.flush() != cursor:
            return _Reached.OVERTAKEN, cursor
        return _Reached.END, reader.end

    def _load(self, reader: SliceReader) -> Generator[LoadedPhoto | None, None, None]:
        """Yield the photos of the lines of a slice, loaded ahead.

        Blank lines are omitted. None stands for a line that contains only white space outside
        ASCII.
        """
        return read_ahead_in(
            self._readers,
            (line for line in reader if line.content is None or line.content.strip()),
            self._loader.load,
            lambda photo: photo.size if photo else 0,
            max_items=2 * self._step_size.photos,
            max_weight=BUFFERED_BYTES,
        )

    def _steps(self, photos: Iterable[LoadedPhoto | None], start: Cursor) -> Iterator[Step]:
        """Yield the steps of photos, until there are no more or the attempt is stopped."""
        step = Step(start, start)
        for batch, fills_step in self._batches(photos, start):
            self._process(batch, step)
            if fills_step or not step.complete:
                yield step
                step = Step(step.end, step.end)
        if step.rows:
            yield step

    def _batches(
        self, photos: Iterable[LoadedPhoto | None], start: Cursor
    ) -> Iterator[tuple[list[LoadedPhoto], bool]]:
        """Yield the photos of each step in one batch, those of the first step in two.

        Only attempts in a deployment divide the first step (``first_photos``).

        Yields:
            Photos to look up together, and whether the step is full with them.
        """
        batch: list[LoadedPhoto] = []
        first, count, size = self._step_size.first_photos, 0, 0
        for photo in photos:
            if photo is None:
                continue
            if self._must_stop():
                return
            if not count and self._crashes.is_fatal(start.offset):
                photo = replace(photo, content=CRASHED, image_id=None)
            batch.append(photo)
            count, size = count + 1, size + photo.size
            full = count == self._step_size.photos or size >= self._step_size.bytes
            if full or self._crashes.is_near(self._writer.tally.photos):
                yield batch, True
                start, batch, first, count, size = photo.end, [], 0, 0, 0
            elif count == first:
                yield batch, False
                batch = []
        if batch:
            yield batch, False

    def _process(self, batch: Sequence[LoadedPhoto], step: Step) -> None:
        """Process photos, and add them to a step."""
        if self._writer.is_committing(frozenset(p.image_id for p in batch if p.image_id)):
            # The second of two equal photos must find the faces of the first one.
            self._writer.flush()
        keys = [photo_key(self._plan, photo) for photo in batch]
        ids = {
            key: photo.image_id
            for key, photo in zip(keys, batch, strict=True)
            if key is not None and photo.image_id is not None
        }
        known = self._known_photos(ids)
        process_photos(
            batch,
            keys,
            known,
            step=step,
            plan=self._plan,
            child=self._child,
            engine=self._engine,
            stop=self._must_stop,
        )
        if known.current:
            moved = faces_of_moved_photos(
                self._plan.collection_id,
                batch,
                keys,
                known,
                faces=self._faces,
                objects=self._objects,
            )
            step.store_again(moved)

    def _known_photos(self, image_ids: Mapping[str, str]) -> KnownPhotos:
        """Return the photos that the collection contains, given image ids by image key."""
        if not image_ids:
            return KnownPhotos()
        stored = self._faces.get_images(
            self._plan.collection_id, list(image_ids), image_ids=image_ids
        )
        current = {key for key, faces in stored.items() if self._is_current(faces)}
        if self._plan.force:
            current = set()
        if current:
            current -= self._writer.unrecorded()
        return KnownPhotos(stored, current)

    def _is_current(self, faces: Sequence[FaceRecord]) -> bool:
        """Return whether a photo's faces were selected with this job's options and engine."""
        wanted = (self._options_digest, self._plan.model_version)
        return all((face.options_digest, face.model_version) == wanted for face in faces)

    def _submit(self, step: Step) -> bool:
        """Submit a step; return whether the next one can follow it."""
        self._run_noted()
        if not self._writer.submit(step):
            return False
        if not self._plan.overlaps_commits or self._crashes.is_near(self._writer.tally.photos):
            return self._writer.flush() == step.end
        return True

    def _must_stop(self) -> bool:
        """Return whether ``stop`` has ever returned true, calling it until it does."""
        self._stopped = self._stopped or self._stop()
        return self._stopped
