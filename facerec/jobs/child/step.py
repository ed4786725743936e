"""One step of a child: photos that were read become ledger rows, and faces to store."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from facerec.core.ids import image_key
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.core.protocols import FaceEngine
from facerec.core.records import FaceRecord, StoredFace
from facerec.gallery.indexing import IndexedImage, to_stored_faces
from facerec.jobs.child.photos import Problem, ReadPhoto
from facerec.jobs.ledger.rows import IndexedFace, LedgerRow, LeftOutFace, Outcome
from facerec.jobs.plan import Plan
from facerec.storage.faces import FaceStore

PHOTOS_AT_ONCE = 8
"""Photos that the engine gets in one call: enough for descriptors in batches, and few enough that
a request to stop is heeded soon."""


@dataclass(slots=True)
class Step:
    """What came of a step.

    Attributes:
        rows: one for each photo that was worked on, in order; fewer than given after a stop.
        images: by image key, the faces to store; none where stored ones are to be dropped.
    """

    rows: list[LedgerRow] = field(default_factory=list)
    images: dict[str, list[StoredFace]] = field(default_factory=dict)

    @property
    def faces(self) -> list[StoredFace]:
        """The faces of all images."""
        return [face for faces in self.images.values() for face in faces]


class StepWorker:
    """Works on the photos of one child, a step at a time."""

    def __init__(
        self,
        plan: Plan,
        child: int,
        engine: FaceEngine,
        faces: FaceStore,
        unsettled: Callable[[], set[str]],
    ) -> None:
        """Take the parts.

        Args:
            plan: of the job.
            child: the child.
            engine: finds faces and computes embeddings.
            faces: tells which photos are stored already.
            unsettled: tells the keys of images that an attempt at this child may have stored
                without a word in the ledger; these are worked on once more, so that the ledger
                names them as its own.
        """
        self._plan = plan
        self._child = child
        self._engine = engine
        self._faces = faces
        self._unsettled = unsettled
        self._settings = plan.options.digest()

    def work(self, photos: Sequence[ReadPhoto], stop: Callable[[], bool]) -> Step:
        """Work on photos until all are done or ``stop`` says so, the first few in any case."""
        keys = [self._key(photo) for photo in photos]
        stored = self._stored([key for key in dict.fromkeys(keys) if key])
        present = {key: records for key, records in stored.items() if self._is_current(records)}
        if present:
            unsettled = self._unsettled()
            present = {key: found for key, found in present.items() if key not in unsettled}
        step = Step()
        first_rows: dict[str, LedgerRow] = {}
        pairs = iter(zip(photos, keys, strict=True))
        while group := list(islice(pairs, PHOTOS_AT_ONCE)):
            self._work_on(group, present, first_rows, step)
            if stop():
                break
        # An image without faces needs a word to the store only where that holds some of it.
        step.images = {key: faces for key, faces in step.images.items() if faces or key in stored}
        return step

    def _work_on(
        self,
        group: Sequence[tuple[ReadPhoto, str | None]],
        present: dict[str, list[FaceRecord]],
        first_rows: dict[str, LedgerRow],
        step: Step,
    ) -> None:
        started = time.perf_counter()
        fresh: dict[str, bytes] = {}
        for photo, key in group:
            content = photo.content
            if key in present or key in first_rows:
                continue
            if key and isinstance(content, bytes):
                fresh[key] = content
        seen: dict[str, PhotoFaces | UnreadablePhoto] = {}
        if fresh:
            outcomes = self._engine.analyse(list(fresh.values()), self._plan.options)
            seen = dict(zip(fresh, outcomes, strict=True))
        took = 1000 * (time.perf_counter() - started) / max(1, len(fresh))
        for photo, key in group:
            row = self._row(photo)
            if key is None:
                pass
            elif key in first_rows:
                row = _repeated(row, first_rows[key])
            elif key in present:
                faces = tuple(map(_indexed, present[key]))
                row = replace(row, outcome=Outcome.ALREADY_INDEXED, faces=faces)
            else:
                row = self._indexed(row, photo, key, seen[key], step)
                row = replace(row, milliseconds=row.milliseconds + took)
            if key:
                first_rows.setdefault(key, row)
            step.rows.append(row)

    def _indexed(
        self,
        row: LedgerRow,
        photo: ReadPhoto,
        key: str,
        seen: PhotoFaces | UnreadablePhoto,
        step: Step,
    ) -> LedgerRow:
        if isinstance(seen, UnreadablePhoto):
            step.images[key] = []
            return replace(
                row,
                outcome=Outcome.UNREADABLE,
                reason=seen.reason.value,
                detail=" ".join(seen.detail.split())[:500],
            )
        image = IndexedImage(row.image_id or "", key, photo.external_image_id, photo.image)
        faces = to_stored_faces(
            image,
            seen,
            settings=self._settings,
            model_version=self._plan.model_version,
            now=time.time(),
        )
        step.images[key] = faces
        outcome = Outcome.INDEXED
        if not faces:
            outcome = Outcome.ALL_FACES_REJECTED if seen.rejected else Outcome.NO_FACE
        return replace(
            row,
            outcome=outcome,
            faces=tuple(_indexed(face.record) for face in faces),
            left_out=tuple(
                LeftOutFace(face.box, face.confidence, tuple(str(why) for why in face.reasons))
                for face in seen.rejected
            ),
        )

    def _row(self, photo: ReadPhoto) -> LedgerRow:
        problem = photo.content if isinstance(photo.content, Problem) else None
        return LedgerRow(
            child=self._child,
            line=photo.line.number,
            image=photo.image,
            external_image_id=photo.external_image_id,
            outcome=problem.outcome if problem else Outcome.INDEXED,
            reason=problem.reason if problem else None,
            detail=problem.detail if problem else None,
            image_id=photo.image_id,
            bytes=photo.size,
            milliseconds=photo.milliseconds,
        )

    def _key(self, photo: ReadPhoto) -> str | None:
        plan, name = self._plan, photo.external_image_id
        if photo.image_id is None:
            return None
        return image_key(plan.collection_id, photo.image_id, name, plan.model_version)

    def _stored(self, keys: Sequence[str]) -> dict[str, list[FaceRecord]]:
        return self._faces.find_images(self._plan.collection_id, keys) if keys else {}

    def _is_current(self, records: Sequence[FaceRecord]) -> bool:
        """Say whether a photo's faces were chosen as this job would."""
        version = self._plan.model_version
        return all(
            record.settings == self._settings and record.model_version == version
            for record in records
        )


def _repeated(row: LedgerRow, first: LedgerRow) -> LedgerRow:
    """Return the row of a photo that the step holds twice."""
    indexed = first.outcome is Outcome.INDEXED
    return replace(
        first,
        line=row.line,
        image=row.image,
        outcome=Outcome.ALREADY_INDEXED if indexed else first.outcome,
        left_out=() if indexed else first.left_out,
        bytes=row.bytes,
        milliseconds=row.milliseconds,
    )


def _indexed(record: FaceRecord) -> IndexedFace:
    return IndexedFace(record.face_id, record.box, record.confidence)
