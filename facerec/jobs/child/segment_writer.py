"""Appends the segments of one child to its ledger.

The invariant that a job relies on: **the segments of a child are one chain of write-once objects,
without gap or overlap.** It holds for any number of attempts at the child, also concurrent ones,
and wherever they are killed. It follows from three rules, all of them kept in this module:

1. A segment starts where the ledger ends (``SegmentWriter.cursor``).
2. A segment is named by its start and written only if no segment of that name exists. So of two
   attempts that append the same segment one wins; the other reads the winner's segment and
   continues from its end.
3. A commit stores the embeddings in the job folder, then the events of registered people and the
   faces in the collection, then the segment that names both. A commit replaces the faces of its
   photos, but keeps those that belong to people: it stores them again with the new ones. If a
   killed attempt stored faces without a segment, the next attempt finds them by their embeddings
   (``SegmentWriter.unrecorded``) and processes their photos again.

Storing the same faces again changes nothing, since face ids derive from content.

Deleting a collection renames the plans of its jobs first. Every commit checks for the plan before
it stores anything, and again at its end; if the plan is gone, it removes what it has just stored.
So no data of a deleted collection comes back, at whatever time it is deleted.

A commit is ``submit``, in a background thread ``_commit``, and ``flush``, which appends the winning
segment to this attempt's view of the ledger.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias

from facerec.core.ids import group_of
from facerec.errors import (
    CollectionNotFoundError,
    InvalidInputError,
    JobDeletedError,
    ObjectNotFoundError,
)
from facerec.gallery.erasing.erased_photos import (
    NamedPhoto,
    deleted_and_erased,
    remove_erased_photos,
)
from facerec.gallery.erasing.tombstones import (
    DeletedBoxes,
    imported_faces,
    remove_tombstones,
)
from facerec.gallery.indexing.storing import faces_to_keep, replace_faces
from facerec.jobs.erasing.existence import job_exists, while_it_exists
from facerec.jobs.ledger.embeddings import read_embeddings, write_embeddings
from facerec.jobs.ledger.face_index import SegmentFaces, id_prefixes, write_face_index
from facerec.jobs.ledger.layout import (
    embeddings_folder,
    embeddings_name,
    segment_uri,
    step_of_embeddings,
)
from facerec.jobs.ledger.segments import Segment, read_segment, read_segments, write_segment
from facerec.jobs.ledger.tally import ChildSummary, Tally, read_summary, write_summary
from facerec.jobs.outcomes import FAILURES
from facerec.jobs.remembered.child_files import write_photos
from facerec.jobs.remembered.photos import lines_of_rows

if TYPE_CHECKING:
    from facerec.gallery.registered.face_writer import FaceWriter
    from facerec.jobs.child.step import Step
    from facerec.jobs.manifest.cursor import Cursor
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore

Omitted: TypeAlias = tuple[DeletedBoxes, frozenset[int]]
"""Faces that a step must not store: boxes by image key, and numbers of rows of erased photos."""


@dataclass(frozen=True, slots=True)
class SegmentCommitted:
    """A ledger segment that has been committed.

    Attributes:
        child: The child whose ledger it is in.
        photos: Number of rows.
        faces: Number of faces that it added to the collection.
        outcomes: Number of rows by outcome.
        resumed: Whether it was committed before this attempt started.
    """

    child: int
    photos: int
    faces: int
    outcomes: Counter[str]
    resumed: bool

    @classmethod
    def of(cls, child: int, tally: Tally, *, resumed: bool) -> Self:
        """Return the event for one or more segments with these totals."""
        return cls(child, tally.photos, tally.faces_indexed, tally.outcomes, resumed)

    @property
    def failures(self) -> int:
        """Number of rows that are failures."""
        return sum(self.outcomes[outcome] for outcome in FAILURES)


class SegmentWriter:
    """Appends to the end of one child's ledger; use it from one thread.

    A commit runs in a background thread while the next step is processed. At most one is in
    flight, so commits happen in order.

    An error of a commit is raised by the next call that waits for it: ``submit``, ``flush`` or
    ``unrecorded``.

    Attributes:
        cursor: End of the ledger, as last seen by this attempt.
        tally: Totals of all rows up to the cursor.
    """

    def __init__(
        self,
        plan: Plan,
        child: int,
        start: Cursor,
        face_writer: FaceWriter,
        objects: ObjectStore,
        on_commit: Callable[[SegmentCommitted], None],
    ) -> None:
        """Create the writer of a child whose slice begins at ``start``."""
        self.cursor, self.tally = start, Tally()
        self._plan, self._child = plan, child
        self._face_writer, self._objects = face_writer, objects
        self._faces, self._records = face_writer.faces, face_writer.records
        self._on_commit = on_commit
        self._segments_with_faces: list[SegmentFaces] = []
        self._embeddings_files: set[str] = set()
        self._remembered: list[str] = []
        # Two threads for ``finish``; at most one commit is in flight.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="commit")
        self._in_flight: Future[Segment] | None = None
        self._in_flight_images: frozenset[str] = frozenset()
        self._started = time.time()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._threads.shutdown()

    def resume(self, segments: Iterable[str]) -> Cursor:
        """Read the segments of earlier attempts at these addresses; return where the ledger ends.

        Another attempt may have appended more since they were listed (rule 2).

        Raises:
            InvalidInputError: A segment is damaged.
            ObjectNotFoundError: The job was deleted in the meantime.
        """
        for uri in segments:
            self._append(read_segment(self._objects, uri), resumed=True)
        return self.cursor

    def submit(self, step: Step) -> bool:
        """Start to commit a step, after the commit in flight.

        Returns:
            False if another attempt has moved the end of the ledger away from the step's start.
            The step is then discarded; continue from ``cursor``.
        """
        if self.flush() != step.start:
            return False
        self._in_flight = self._threads.submit(self._commit, step, self._started)
        self._in_flight_images = step.image_ids
        self._started = time.time()
        return True

    def flush(self) -> Cursor:
        """Wait for the commit in flight, if any; return where the ledger ends.

        Any step that depends on the ledger or on stored faces flushes first:

        - the next commit, since segments form a chain
        - a read of the faces of a photo that is being committed
        - ``unrecorded``
        - the end of an attempt
        """
        if self._in_flight is not None:
            segment = self._in_flight.result()
            self._in_flight, self._in_flight_images = None, frozenset()
            self._append(segment, resumed=False)
            self._started = time.time()
        return self.cursor

    def is_committing(self, image_ids: frozenset[str]) -> bool:
        """Return whether any of the given photos is part of the commit in flight."""
        return not self._in_flight_images.isdisjoint(image_ids)

    def unrecorded(self) -> set[str]:
        """Return the image keys of photos that have stored faces, but no row in the ledger.

        An attempt that was killed after it had stored the faces, and before it wrote the segment,
        leaves such photos. They are processed again, so that the ledger names their faces as
        indexed by this child.
        Waits first for the commit in flight, which adds rows for its photos.

        Raises:
            InvalidInputError: A segment is damaged.
            ObjectNotFoundError: The job was deleted in the meantime.
        """
        ledger_end = self.flush().offset
        keys: set[str] = set()
        earliest = ledger_end
        for uri in self._unnamed_embeddings():
            step = step_of_embeddings(uri)
            if step is None or step[1] <= ledger_end:
                continue
            # If a file is incomplete, its attempt did not store any faces.
            with suppress(ObjectNotFoundError, InvalidInputError):
                faces = read_embeddings(self._objects, uri)
                keys.update(group_of(face.record.face_id) for face in faces)
                earliest = min(earliest, step[0])
        if keys:
            # The step may have started before the end of the ledger: photos before it have rows.
            recorded = read_segments(
                self._objects, self._plan.job_folder, self._child, since=earliest
            )
            for segment in recorded:
                keys -= {group_of(f.face_id) for row in segment.rows for f in row.stored}
        return keys

    def summary(self) -> ChildSummary:
        """Return the summary of an incomplete child, from its ledger."""
        return ChildSummary(self._child, False, self.cursor.lines, self.tally)

    def finish(self, end: Cursor) -> ChildSummary:
        """Mark the child as complete: its ledger covers the slice up to ``end``.

        Deletes the embeddings that no segment names, and repeats this at the end: an attempt that
        did not see that the child is complete may have stored more.
        """
        objects, folder, child = self._objects, self._plan.job_folder, self._child
        # Concurrently, but all before the summary, which marks the child as complete.
        writes = [
            self._threads.submit(
                write_face_index, objects, folder, child, self._segments_with_faces
            ),
            self._threads.submit(write_photos, objects, folder, child, self._remembered),
        ]
        self._delete_unnamed()
        for write in writes:
            write.result()
        summary = ChildSummary(child, True, end.lines, self.tally)
        write_summary(objects, folder, summary)
        self._delete_unnamed()
        return summary

    def _delete_unnamed(self) -> None:
        for uri in list(self._unnamed_embeddings()):
            self._objects.delete(uri)

    def _commit(self, step: Step, started: float) -> Segment:
        """Return the segment that won: this attempt's, or a concurrent attempt's.

        If the job was deleted in the meantime, the faces of the step are removed again.

        Raises:
            JobDeletedError: The job was deleted.
        """
        plan, objects = self._plan, self._objects
        if not job_exists(plan, objects):
            raise JobDeletedError(plan.collection_id)
        try:
            with while_it_exists(plan, objects):
                return self._store(step, started)
        except JobDeletedError:
            with suppress(CollectionNotFoundError):
                self._faces.put_images(plan.collection_id, {key: [] for key in step.faces})
            raise
        except CollectionNotFoundError:
            from facerec.jobs.erasing.folder_deletion import abandon_job

            # The job was planned while its collection was deleted.
            abandon_job(objects, plan.job_folder)
            raise JobDeletedError(plan.collection_id) from None

    def _store(self, step: Step, started: float) -> Segment:
        """Store embeddings, faces and segment of a step; return the segment that won."""
        plan, embeddings = self._plan, None
        photos = step.photos()
        omitted: Omitted | None = None
        # A face may be deleted while the faces are stored: they are stored again without it, until
        # no more were deleted. A deletion after that finds the face in the collection.
        while (to_omit := self._omitted(step, photos)) != omitted:
            omitted = to_omit
            deleted_boxes, erased_rows = to_omit
            step.omit_deleted(deleted_boxes)
            step.erase(erased_rows, photos)
            earlier, embeddings = embeddings, self._store_faces(step)
            if earlier is not None:
                # The earlier file contains the embeddings of faces that were deleted in between.
                self._objects.delete(plan.job_folder + earlier)
        segment = Segment(
            self._child, step.start, step.end, tuple(step.rows), embeddings, started, time.time()
        )
        if write_segment(self._objects, plan.job_folder, segment):
            return segment
        # The loser's file of embeddings stays until the child is complete: its faces are stored,
        # and if the winner's segment is shorter, only this file names them.
        if embeddings is not None and read_summary(self._objects, plan.job_folder, self._child):
            self._objects.delete(plan.job_folder + embeddings)
        uri = segment_uri(plan.job_folder, self._child, step.start.offset)
        return read_segment(self._objects, uri)

    def _omitted(self, step: Step, photos: Sequence[NamedPhoto | None]) -> Omitted:
        """Return the boxes of deleted and imported faces that the step must not store.

        Also returns the indices of the rows whose photos were erased. With ``restore_deleted``,
        only imported faces are omitted, since they are stored under other ids;
        ``_store_faces`` then lifts the tombstones.
        """
        collection_id = self._plan.collection_id
        keys = step.row_of_key.keys() & step.faces.keys()
        if self._plan.restore_deleted:
            imported = imported_faces(collection_id, keys, records=self._records, faces=self._faces)
            boxes = {key: tuple(face.box for face in own) for key, own in imported.items()}
            return boxes, frozenset()
        return deleted_and_erased(collection_id, keys, photos, records=self._records)

    def _store_faces(self, step: Step) -> str | None:
        """Store embeddings and faces; return the path of the embeddings in the job folder."""
        plan, embeddings = self._plan, None
        # If ``_store`` stores the step again, it already has the faces that were kept the first
        # time, so none is kept twice.
        step.keep(
            faces_to_keep(
                plan.collection_id,
                step.faces,
                step.stored_ids,
                options_digest=plan.options.digest(),
                faces=self._faces,
                records=self._records,
            )
        )
        found = [face for image in step.faces.values() for face in image]
        if found:
            # Each attempt writes its own files: the losing attempt must not replace those of the
            # winner.
            embeddings = embeddings_name(self._child, step.start.offset, step.end.offset)
            write_embeddings(self._objects, plan.job_folder + embeddings, found)
        if step.faces:
            stored = frozenset[str]().union(*step.stored_ids.values())
            removed = self._face_writer.store_with_events(
                plan.collection_id,
                [face for face in found if face.record.face_id not in stored],
                lambda: replace_faces(
                    plan.collection_id,
                    step.faces,
                    stored_ids=stored,
                    faces=self._faces,
                    records=self._records,
                ),
            )
            self._face_writer.delete_events(plan.collection_id, removed)
        if plan.restore_deleted:
            self._lift_tombstones(step)
        return embeddings

    def _lift_tombstones(self, step: Step) -> None:
        """Lift the tombstones of faces and photos that are stored again on purpose."""
        collection_id = self._plan.collection_id
        stored = {key: [face.record for face in own] for key, own in step.faces.items()}
        remove_tombstones(collection_id, stored, records=self._records)
        indexed = [photo for photo in step.photos() if photo is not None]
        remove_erased_photos(collection_id, indexed, records=self._records)

    def _append(self, segment: Segment, *, resumed: bool) -> None:
        """Append a committed segment, from this or any other attempt, to the view of the ledger."""
        tally = Tally.of(segment.rows, (segment.started, segment.finished))
        self.tally.add(tally)
        self.cursor = segment.end
        self._remembered += lines_of_rows(segment.rows, self._plan)
        if segment.embeddings is not None:
            self._embeddings_files.add(segment.embeddings)
        if ids := id_prefixes(face.face_id for row in segment.rows for face in row.stored):
            self._segments_with_faces.append(
                SegmentFaces(segment.start.offset, segment.embeddings, b"".join(ids))
            )
        self._on_commit(SegmentCommitted.of(self._child, tally, resumed=resumed))

    def _unnamed_embeddings(self) -> Iterator[str]:
        """Yield the files of embeddings that no segment names."""
        folder = self._plan.job_folder
        for found in self._objects.list(embeddings_folder(folder, self._child)):
            if found.uri.removeprefix(folder) not in self._embeddings_files:
                yield found.uri
