"""The engine: photos into faces with descriptors, on dlib's networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facerec.faces import BoundingBox
from facerec.vision.alignment import FACE_IN_CHIP
from facerec.vision.confidence import confidence, score_at
from facerec.vision.decode import DecodedPhoto, decode, effective_smallest_face
from facerec.vision.detection import Detection, Detector, Pixels
from facerec.vision.detectors import face_pixels, open_detector
from facerec.vision.options import FaceOptions
from facerec.vision.outcomes import (
    DetectedFace,
    EmbeddedFace,
    PhotoFaces,
    RejectedFace,
    RejectionReason,
    UnreadablePhoto,
)
from facerec.vision.quality import assess
from facerec.vision.selection import reasons_to_leave_out
from facerec.vision.version import model_version

if TYPE_CHECKING:
    from facerec.vision.alignment import Aligner
    from facerec.vision.embedder import Embedder


def open_engine(*, threads: int | None = None) -> Engine:
    """Return the engine; each of its parts is loaded when it is first needed.

    Args:
        threads: how many threads one run of a network may use; None for all cores of this process.
            Worker processes that share a machine should each use one.
    """
    return Engine(threads=threads)


_LOWEST_CONFIDENCE = 0.1
"""Below this most detections are false, and each costs as much as a face."""


def _threshold(detector: str, min_confidence: float) -> float:
    """Return the score to search from: dlib's own, 0, unless less is wanted.

    What lies between the two is reported as left out.
    """
    wanted = max(min_confidence, _LOWEST_CONFIDENCE)
    return min(0.0, score_at(detector, wanted)) if wanted < 1 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _FoundFace:
    """A face of a photo, before its descriptor is known."""

    face: DetectedFace
    chip: Pixels
    reasons: tuple[RejectionReason, ...]

    def embedded(self, descriptor: NDArray[np.float32]) -> EmbeddedFace:
        return EmbeddedFace(
            box=self.face.box,
            confidence=self.face.confidence,
            landmarks=self.face.landmarks,
            quality=self.face.quality,
            embedding=descriptor,
        )

    def rejected(self) -> RejectedFace:
        return RejectedFace(
            box=self.face.box,
            confidence=self.face.confidence,
            landmarks=self.face.landmarks,
            quality=self.face.quality,
            reasons=self.reasons,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _SearchedPhoto:
    """A photo whose faces are known, but for their descriptors."""

    width: int
    height: int
    found: Sequence[_FoundFace]

    @property
    def kept(self) -> list[_FoundFace]:
        return [face for face in self.found if not face.reasons]

    def outcome(self, descriptors: Iterator[NDArray[np.float32]]) -> PhotoFaces:
        """Return the result, taking as many descriptors as there are faces to keep."""
        return PhotoFaces(
            self.width,
            self.height,
            faces=tuple(face.embedded(next(descriptors)) for face in self.kept),
            rejected=tuple(face.rejected() for face in self.found if face.reasons),
        )


@dataclass(frozen=True, slots=True)
class _UnsearchedPhoto:
    """A photo that could not be read, so that it has no faces."""

    reading: UnreadablePhoto
    kept: tuple[_FoundFace, ...] = ()

    def outcome(self, _descriptors: Iterator[NDArray[np.float32]]) -> UnreadablePhoto:
        return self.reading


class Engine:
    """Finds faces and computes their descriptors; implements ``FaceEngine``."""

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads
        self._detectors: dict[str, Detector] = {}

    @cached_property
    def model_version(self) -> str:
        """Names weights, alignment and recipe; faces of different versions do not compare.

        Raises:
            WeightsError: dlib's weights are missing.
        """
        return model_version()

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        """Return what is in each photo, in order; never raises for what is wrong with a photo.

        Descriptors are computed for the faces of all photos together, so that a few photos in one
        call are faster than as many calls. Of each photo only its faces' chips are kept meanwhile.

        Args:
            photos: the bytes of image files.
            options: how to find and choose faces.

        Raises:
            InvalidInputError: the options name no known detector.
            WeightsError: dlib's weights are missing or damaged.
        """
        searched = [self._search(photo, options) for photo in photos]
        chips = [face.chip for photo in searched for face in photo.kept]
        descriptors = iter(self._embedder.embed(np.stack(chips)) if chips else ())
        return [photo.outcome(descriptors) for photo in searched]

    def _search(self, content: bytes, options: FaceOptions) -> _SearchedPhoto | _UnsearchedPhoto:
        decoded = decode(
            content,
            smallest_face=options.smallest_face,
            max_pixels=options.max_pixels,
            face_pixels=face_pixels(options.detector),
        )
        if isinstance(decoded, UnreadablePhoto):
            return _UnsearchedPhoto(decoded)
        smallest = effective_smallest_face(decoded.width, decoded.height, options.smallest_face)
        detections = self._detector(options.detector).detect(
            decoded.pixels,
            smallest * decoded.scale,
            threshold=_threshold(options.detector, options.min_confidence),
        )
        if decoded.is_preview and any(face.width < FACE_IN_CHIP for face in detections):
            finer = decode(
                content, smallest_face=options.smallest_face, max_pixels=options.max_pixels
            )
            if isinstance(finer, UnreadablePhoto):
                return _UnsearchedPhoto(finer)
            down, across, _ = np.divide(finer.pixels.shape, decoded.pixels.shape).tolist()
            detections = [face.resized(across, down) for face in detections]
            decoded = finer
        detections.sort(key=lambda detection: detection.width * detection.height, reverse=True)
        described = [self._describe(decoded, found, options.detector) for found in detections]
        reasons = reasons_to_leave_out([face for face, _ in described], options)
        found = [
            _FoundFace(face, chip, own_reasons)
            for (face, chip), own_reasons in zip(described, reasons, strict=True)
        ]
        return _SearchedPhoto(decoded.width, decoded.height, found)

    def _describe(
        self, photo: DecodedPhoto, detection: Detection, detector: str
    ) -> tuple[DetectedFace, Pixels]:
        """Return a face in ratios of its photo, and its chip."""
        height, width = photo.pixels.shape[:2]
        box = BoundingBox(
            left=detection.left / width,
            top=detection.top / height,
            width=detection.width / width,
            height=detection.height / height,
        )
        shape = self._aligner.shape(photo.pixels, detection)
        landmarks = self._aligner.landmarks(photo.pixels, shape)
        chip = self._aligner.chip(photo.pixels, shape)
        face = DetectedFace(
            box=box,
            confidence=confidence(detector, detection.score),
            landmarks=landmarks,
            quality=assess(chip, box, landmarks, photo.width, photo.height),
        )
        return face, chip

    def _detector(self, name: str) -> Detector:
        if name not in self._detectors:
            self._detectors[name] = open_detector(name, threads=self._threads)
        return self._detectors[name]

    @cached_property
    def _embedder(self) -> Embedder:
        from facerec.vision.embedder import Embedder

        return Embedder(threads=self._threads)

    @cached_property
    def _aligner(self) -> Aligner:
        from facerec.vision.alignment import Aligner

        return Aligner()
