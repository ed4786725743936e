"""Describes stored faces with another engine, from their original photos.

The options with which a face was found are not stored. So a photo is searched without any filter,
and again with other detectors and for smaller faces as long as a stored face is not found. A
detected face that overlaps a stored one is the same face. Other faces of the photo are ignored:
they were rejected or deleted, or the next job stores them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.core.ids import group_of, image_id, image_key
from facerec.core.options import DETECTOR_NAMES, MIN_SMALLEST_FACE, FaceOptions, QualityFilter
from facerec.core.photos import UnreadablePhoto
from facerec.core.records import StoredFace
from facerec.core.sources import is_address
from facerec.errors import (
    AccessDeniedError,
    InvalidInputError,
    ObjectNotFoundError,
    ReadFailedError,
)
from facerec.gallery.indexing.storing import pair_boxes
from facerec.gallery.migrating.migration_results import MissingReason
from facerec.gallery.photos import load_photo

if TYPE_CHECKING:
    from facerec.core.photos import EmbeddedFace
    from facerec.core.protocols.engine import FaceEngine
    from facerec.core.records import Collection, FaceRecord
    from facerec.storage.objects.protocol import ObjectStore

MAX_SAME_DISTANCE = 0.3
"""Maximum Euclidean distance of two embeddings of one face in one photo: half of the distance below
which, according to dlib's authors, two photos show one person
(http://dlib.net/face_recognition.py.html)."""

SLOWEST_DETECTOR = "cnn-exact"
"""A detector that takes minutes to search a large photo for the smallest faces. It only searches
for faces as large as those that are still missing."""

_LOWER = 1e-3
"""Amount by which confidences are lowered, since stored ones were rounded."""


class Describer:
    """Describes the faces of a collection with another engine."""

    def __init__(
        self,
        collection: Collection,
        *,
        served: FaceEngine,
        engine: FaceEngine,
        objects: ObjectStore,
        max_pixels: int,
    ) -> None:
        """Create a describer.

        Args:
            collection: The collection.
            served: The engine of the collection's model version.
            engine: The engine that describes the faces again.
            objects: Reads the photos of stored faces.
            max_pixels: Maximum number of pixels of a photo.
        """
        self._collection, self._served, self._engine = collection, served, engine
        self._objects, self._max_pixels = objects, max_pixels

    def describe(
        self, stored: Sequence[StoredFace]
    ) -> tuple[dict[FaceRecord, StoredFace], dict[FaceRecord, MissingReason]]:
        """Describe the faces of one photo.

        Args:
            stored: Faces with the same source and image id.

        Returns:
            The newly described faces by stored face, and the reasons why others cannot be
            described.

        Raises:
            StoreUnavailableError: The photo cannot be read for now.
            WeightsError: A file of network weights is missing or cannot be used.
        """
        content = self._read(stored[0].record.address)
        if isinstance(content, MissingReason):
            return {}, {face.record: content for face in stored}
        own = [face for face in stored if self._may_show(face.record, content)]
        missing = {face.record: MissingReason.PHOTO_CHANGED for face in stored if face not in own}
        found = self._find(content, own, self._engine)
        if isinstance(found, MissingReason):
            return {}, missing | {face.record: found for face in own}
        foreign = [face for face in own if image_id(content) != face.record.image_id]
        before = self._find(content, foreign, self._served) if foreign else {}
        described = {}
        for face in own:
            record = face.record
            if face in foreign and not _is_same(face, before, record):
                missing[record] = MissingReason.PHOTO_CHANGED
            elif record.face_id in found:
                described[record] = self._described(record, found[record.face_id])
            else:
                missing[record] = MissingReason.NOT_FOUND_AGAIN
        return described, missing

    def check(self, stored: Sequence[StoredFace]) -> dict[FaceRecord, MissingReason]:
        """Return the faces of one photo that cannot be described, judged by the file alone.

        Raises:
            StoreUnavailableError: The photo cannot be read for now.
        """
        content = self._read(stored[0].record.address)
        if isinstance(content, MissingReason):
            return {face.record: content for face in stored}
        return {
            face.record: MissingReason.PHOTO_CHANGED
            for face in stored
            if not self._may_show(face.record, content)
        }

    def _read(self, source: str) -> bytes | MissingReason:
        if not is_address(source):
            return MissingReason.NO_ADDRESS
        try:
            return load_photo(source, self._objects).content
        except AccessDeniedError:
            return MissingReason.ACCESS_DENIED
        except ReadFailedError:
            return MissingReason.READ_FAILED
        except (ObjectNotFoundError, InvalidInputError):
            return MissingReason.PHOTO_GONE

    def _may_show(self, record: FaceRecord, content: bytes) -> bool:
        """Return whether a file may be the photo of a face.

        A face that was imported from another service has an id of that service for its photo.
        """
        if image_id(content) == record.image_id:
            return True
        collection = self._collection
        own_key = image_key(
            collection.collection_id,
            record.image_id,
            record.external_image_id,
            collection.id_version,
        )
        return group_of(record.face_id) != own_key

    def _find(
        self, content: bytes, stored: Sequence[StoredFace], engine: FaceEngine
    ) -> dict[str, EmbeddedFace] | MissingReason:
        """Return the detected faces that overlap stored faces, by the ids of the stored faces.

        If the photo cannot be decoded, the reason is returned instead.
        """
        found: dict[str, EmbeddedFace] = {}
        left = [face.record for face in stored]
        for options in self._attempts(left):
            left = [record for record in left if record.face_id not in found]
            if not left:
                break
            (photo,) = engine.analyse([content], options)
            if isinstance(photo, UnreadablePhoto):
                return MissingReason.UNREADABLE
            # A photo that was indexed under several external ids has its faces several times.
            for key in {group_of(record.face_id) for record in left}:
                own = [record for record in left if group_of(record.face_id) == key]
                pairs = pair_boxes([face.box for face in photo.faces], [each.box for each in own])
                found |= {own[there].face_id: photo.faces[here] for here, there in pairs}
        return found

    def _attempts(self, stored: Sequence[FaceRecord]) -> Iterator[FaceOptions]:
        """Yield unfiltered options to try in turn: each detector, then smaller faces.

        The minimum confidence decides how a photo is turned and whether it is brightened. So it is
        first as high as the faces allow, as it may have been when they were stored, and then 0,
        since detectors differ in their confidence.
        """
        lowest = min((record.confidence for record in stored), default=1.0)
        smallest = min((record.quality.size for record in stored), default=0.0)
        usual = FaceOptions(quality_filter=QualityFilter.NONE, max_pixels=self._max_pixels)
        for min_confidence in (min(1.0, max(0.0, lowest - _LOWER)), 0.0):
            for small in (False, True):
                for detector in DETECTOR_NAMES:
                    size = max(MIN_SMALLEST_FACE, int(smallest))
                    if detector != SLOWEST_DETECTOR:
                        size = MIN_SMALLEST_FACE
                    yield replace_options(
                        usual,
                        min_confidence=min_confidence,
                        detector=detector,
                        smallest_face=size if small else None,
                    )

    def _described(self, record: FaceRecord, face: EmbeddedFace) -> StoredFace:
        version = self._engine.model_version
        return StoredFace(replace(record, model_version=version, stats=face.stats), face.embedding)


def replace_options(options: FaceOptions, **changes: object) -> FaceOptions:
    """Return options with some of them changed."""
    return FaceOptions(**{**options.chosen(), **changes})


def _is_same(
    face: StoredFace, before: Mapping[str, EmbeddedFace] | MissingReason, record: FaceRecord
) -> bool:
    """Return whether the served engine finds the stored face again, in a photo of unknown id."""
    if isinstance(before, MissingReason) or record.face_id not in before:
        return False
    again = before[record.face_id].embedding
    distance = np.linalg.norm(again.astype(np.float64) - face.embedding)
    return bool(distance <= MAX_SAME_DISTANCE)
