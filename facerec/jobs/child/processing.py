"""Computes a step of a child: loaded photos become ledger rows and faces to store.

``process_photos`` depends only on its arguments: it receives the photos that the collection already
contains, and adds rows and faces to the step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.gallery.indexing.records import IndexedImage, to_stored_faces
from facerec.gallery.indexing.storing import with_stored_ids
from facerec.jobs.child.step import KnownPhotos, Step, indexed_face, is_copy_of
from facerec.jobs.ledger.rows import LedgerRow, RejectedFace
from facerec.jobs.outcomes import Outcome

if TYPE_CHECKING:
    from facerec.core.protocols.engine import FaceEngine
    from facerec.core.records import StoredFace
    from facerec.jobs.child.loading import LoadedPhoto
    from facerec.jobs.outcomes import PhotoFailure
    from facerec.jobs.plan import Plan

PHOTOS_PER_CALL = 8
"""Number of photos per call of the engine: enough to compute embeddings in batches, and few enough
to react to a stop request quickly."""


def process_photos(
    photos: Sequence[LoadedPhoto],
    keys: Sequence[str | None],
    known: KnownPhotos,
    *,
    step: Step,
    plan: Plan,
    child: int,
    engine: FaceEngine,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Process photos, ``PHOTOS_PER_CALL`` at a time, until all are done or ``stop`` returns true.

    Args:
        photos: One or more consecutive photos of the slice.
        keys: Image key of each photo (see ``photo_key``).
        known: Photos that the collection already contains.
        step: Receives the results; it must end where the first photo begins. Its ``complete``
            becomes false if ``stop`` leaves photos unprocessed.
        plan: The job's plan.
        child: Number of the child, which its rows contain.
        engine: Detects faces and computes embeddings.
        stop: Called between calls of the engine.
    """
    builder = _StepBuilder(step, known, plan, child, engine)
    for first in range(0, len(photos), PHOTOS_PER_CALL):
        group = photos[first : first + PHOTOS_PER_CALL]
        builder.process(group, keys[first : first + PHOTOS_PER_CALL])
        step.end = group[-1].end
        if stop() and step.end != photos[-1].end:
            step.complete = False
            break


class _StepBuilder:
    """Adds groups of photos to a step."""

    def __init__(
        self, step: Step, known: KnownPhotos, plan: Plan, child: int, engine: FaceEngine
    ) -> None:
        self._step, self._known = step, known
        self._plan, self._child, self._engine = plan, child, engine
        self._options_digest = plan.options.digest()

    def process(self, photos: Sequence[LoadedPhoto], keys: Sequence[str | None]) -> None:
        """Append the rows of photos, and the faces to store."""
        started = time.perf_counter()
        analysed = self._analyse(dict(self._unknown(photos, keys)))
        share = 1000 * (time.perf_counter() - started) / max(1, len(analysed))
        for photo, key in zip(photos, keys, strict=True):
            row = self._failed(photo) if key is None else self._outcome(photo, key, analysed, share)
            self._step.add(row, key)

    def _unknown(
        self, photos: Sequence[LoadedPhoto], keys: Sequence[str | None]
    ) -> Iterator[tuple[str, bytes]]:
        """Yield the photos that must be analysed, each once."""
        for photo, key in zip(photos, keys, strict=True):
            if key is None or key in self._known.current or key in self._step.row_of_key:
                continue
            if isinstance(photo.content, bytes):
                yield key, photo.content

    def _analyse(self, photos: dict[str, bytes]) -> dict[str, PhotoFaces | UnreadablePhoto]:
        if not photos:
            return {}
        results = self._engine.analyse(list(photos.values()), self._plan.options)
        return dict(zip(photos, results, strict=True))

    def _outcome(
        self,
        photo: LoadedPhoto,
        key: str,
        analysed: Mapping[str, PhotoFaces | UnreadablePhoto],
        milliseconds: float,
    ) -> LedgerRow:
        if key in self._step.row_of_key:
            return _repeated(photo, self._step.rows[self._step.row_of_key[key]])
        if key in self._known.current:
            stored = self._known.stored[key]
            faces = tuple(map(indexed_face, stored))
            is_copy = is_copy_of(photo.uri, stored)
            return self._row(photo, Outcome.ALREADY_INDEXED, faces=faces, is_copy=is_copy)
        return self._analysed(photo, key, analysed[key], photo.milliseconds + milliseconds)

    def _analysed(
        self,
        photo: LoadedPhoto,
        key: str,
        result: PhotoFaces | UnreadablePhoto,
        milliseconds: float,
    ) -> LedgerRow:
        stored = self._known.stored.get(key, ())
        if isinstance(result, UnreadablePhoto):
            self._choose_faces(key, ())
            return self._row(
                photo,
                Outcome.UNREADABLE,
                removed=len(stored),
                reason=result.reason.value,
                detail=" ".join(result.detail.split())[:500],
                milliseconds=milliseconds,
            )
        image = IndexedImage(photo.image_id or "", key, photo.external_image_id, photo.uri)
        found = to_stored_faces(
            image,
            result,
            options_digest=self._options_digest,
            model_version=self._plan.model_version,
            now=time.time(),
        )
        faces = with_stored_ids(found, stored)
        self._choose_faces(key, faces)
        ids = {face.record.face_id for face in faces}
        # Faces with the same options were stored by a killed attempt, or processing is forced.
        earlier = [record for record in stored if record.options_digest != self._options_digest]
        outcome = Outcome.INDEXED
        if not faces:
            outcome = Outcome.ALL_FACES_REJECTED if result.rejected else Outcome.NO_FACE
        return self._row(
            photo,
            outcome,
            replaced=sum(record.face_id in ids for record in earlier),
            removed=sum(record.face_id not in ids for record in stored),
            faces=tuple(indexed_face(face.record) for face in faces),
            rejected=tuple(
                RejectedFace(
                    face.box,
                    face.confidence,
                    tuple(str(why) for why in face.reasons),
                    face.remedies,
                )
                for face in result.rejected
            ),
            rotation=result.rotation,
            is_animated=result.is_animated,
            milliseconds=milliseconds,
        )

    def _choose_faces(self, key: str, faces: Sequence[StoredFace]) -> None:
        """Replace the faces that the collection has of a photo by these when the step is stored."""
        stored = self._known.stored.get(key)
        if faces or stored is not None:
            self._step.faces[key] = list(faces)
        if stored is not None:
            self._step.stored_ids[key] = frozenset(record.face_id for record in stored)

    def _failed(self, photo: LoadedPhoto) -> LedgerRow:
        # Only a failed photo has no image key.
        failure = cast("PhotoFailure", photo.content)
        return self._row(photo, failure.outcome, reason=failure.reason, detail=failure.detail)

    def _row(self, photo: LoadedPhoto, outcome: Outcome, **fields: Any) -> LedgerRow:  # noqa: ANN401
        # Built once: a copy with other values takes longer than the row itself.
        fields.setdefault("milliseconds", photo.milliseconds)
        return LedgerRow(
            child=self._child,
            line_in_slice=photo.end.lines,
            photo=photo.uri,
            external_image_id=photo.external_image_id,
            outcome=outcome,
            image_id=photo.image_id,
            version=photo.version,
            bytes=photo.size,
            **fields,
        )


def _repeated(photo: LoadedPhoto, first: LedgerRow) -> LedgerRow:
    """Return the row of a photo that occurs again in its step, from its first row."""
    indexed = first.outcome is Outcome.INDEXED
    return replace(
        first,
        line_in_slice=photo.end.lines,
        photo=photo.uri,
        version=photo.version,
        outcome=Outcome.ALREADY_INDEXED if indexed else first.outcome,
        rejected=() if indexed else first.rejected,
        is_copy=bool(first.faces) and photo.uri != first.photo,
        replaced=0,
        removed=0,
        bytes=photo.size,
        milliseconds=photo.milliseconds,
    )
