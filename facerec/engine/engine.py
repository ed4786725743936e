"""The engine: photos into faces with descriptors, on dlib's networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from facerec.core.faces import BoundingBox
from facerec.core.options import FaceOptions
from facerec.core.photos import DetectedFace, PhotoFaces, UnreadablePhoto
from facerec.engine.decode.decoding import DecodedPhoto, decode, effective_smallest_face
from facerec.engine.describe.alignment import FACE_IN_CHIP
from facerec.engine.describe.quality import assess
from facerec.engine.describe.selection import reasons_to_leave_out
from facerec.engine.detect.confidence import confidence, score_at
from facerec.engine.detect.detection import Detection, Detector, Pixels
from facerec.engine.detect.detectors import face_pixels, open_detector
from facerec.engine.detect.searched_photo import FoundFace, SearchedPhoto, UnsearchedPhoto
from facerec.engine.dlib.version import model_version

if TYPE_CHECKING:
    from facerec.engine.describe.alignment import Aligner
    from facerec.engine.describe.embedder import Embedder


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


PIXELS_HELD = 64 * 1024 * 1024
"""Bytes of photos whose faces are found but not yet described, about."""


@dataclass(frozen=True, slots=True, eq=False)
class _LocatedFaces:
    """A photo, and where its faces are in it, the largest first."""

    photo: DecodedPhoto
    detections: list[Detection]

    @property
    def held(self) -> int:
        """Bytes that are kept for it."""
        return self.photo.pixels.nbytes


@dataclass(frozen=True, slots=True)
class _NoFaces:
    """A photo that could not be read or shows nobody."""

    outcome: UnsearchedPhoto | SearchedPhoto
    held: int = 0


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

        Descriptors are computed for the faces of all photos together, and landmarks for those of
        several, so that a few photos in one call are faster than as many calls. Of most photos
        only the chips of faces are kept meanwhile.

        Args:
            photos: the bytes of image files.
            options: how to find and choose faces.

        Raises:
            InvalidInputError: the options name no known detector.
            WeightsError: dlib's weights are missing or damaged.
        """
        searched = list(self._search(photos, options))
        chips = [face.chip for photo in searched for face in photo.kept]
        descriptors = iter(self._embedder.embed(np.stack(chips)) if chips else ())
        return [photo.outcome(descriptors) for photo in searched]

    def _search(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> Iterator[SearchedPhoto | UnsearchedPhoto]:
        """Yield what was found in each photo, in order.

        Faces of several photos are described one after another: the trees by which landmarks are
        found are 9 MB, which the networks drive out of the processor's cache between two photos.
        """
        located: list[_LocatedFaces | _NoFaces] = []
        for content in photos:
            located.append(self._locate(content, options))
            if sum(photo.held for photo in located) > PIXELS_HELD:
                yield from self._described(located, options)
                located = []
        yield from self._described(located, options)

    def _locate(self, content: bytes, options: FaceOptions) -> _LocatedFaces | _NoFaces:
        """Find the faces of a photo, in pixels that are enough for their chips."""
        decoded = decode(
            content,
            smallest_face=options.smallest_face,
            max_pixels=options.max_pixels,
            face_pixels=face_pixels(options.detector),
        )
        if isinstance(decoded, UnreadablePhoto):
            return _NoFaces(UnsearchedPhoto(decoded))
        smallest = effective_smallest_face(decoded.width, decoded.height, options.smallest_face)
        detections = self._detector(options.detector).detect(
            decoded.pixels,
            smallest * decoded.scale,
            threshold=_threshold(options.detector, options.min_confidence),
        )
        if not detections:
            return _NoFaces(SearchedPhoto(decoded.width, decoded.height, ()))
        if decoded.is_preview and any(face.width < FACE_IN_CHIP for face in detections):
            finer = decode(
                content, smallest_face=options.smallest_face, max_pixels=options.max_pixels
            )
            if isinstance(finer, UnreadablePhoto):
                return _NoFaces(UnsearchedPhoto(finer))
            down, across, _ = np.divide(finer.pixels.shape, decoded.pixels.shape).tolist()
            detections = [face.resized(across, down) for face in detections]
            decoded = finer
        detections.sort(key=lambda detection: detection.width * detection.height, reverse=True)
        return _LocatedFaces(decoded, detections)

    def _described(
        self, located: Sequence[_LocatedFaces | _NoFaces], options: FaceOptions
    ) -> Iterator[SearchedPhoto | UnsearchedPhoto]:
        for each in located:
            if isinstance(each, _NoFaces):
                yield each.outcome
                continue
            photo = each.photo
            described = [
                self._describe(photo, found, options.detector) for found in each.detections
            ]
            reasons = reasons_to_leave_out([face for face, _ in described], options)
            found = [
                FoundFace(face, chip, own_reasons)
                for (face, chip), own_reasons in zip(described, reasons, strict=True)
            ]
            yield SearchedPhoto(photo.width, photo.height, found)

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
        from facerec.engine.describe.embedder import Embedder

        return Embedder(threads=self._threads)

    @cached_property
    def _aligner(self) -> Aligner:
        from facerec.engine.describe.alignment import Aligner

        return Aligner()
