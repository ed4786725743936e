"""Finds the faces of a decoded photo, even if the photo lies on its side or is dark."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from facerec.core.options import FaceOptions
from facerec.engine.decode.decoding import DecodedPhoto
from facerec.engine.detect.confidence import score_at
from facerec.engine.detect.contrast import brightened
from facerec.engine.detect.detection import Detection, Detector
from facerec.engine.detect.detectors import open_detector
from facerec.engine.detect.orientation import (
    OrientationFinder,
    is_better_turned,
    is_upright,
    turned,
)
from facerec.engine.detect.proposals import ProposingDetector

_MIN_DETECTION_CONFIDENCE = 0.1
"""Minimum confidence of a detection: most below it are false, and each costs as much as a face."""


class FaceFinder:
    """Finds faces with the detector that the options name; loads detectors when first needed."""

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads
        self._detectors: dict[str, Detector] = {}

    def find(
        self, photo: DecodedPhoto, smallest_face: float, options: FaceOptions
    ) -> tuple[int, list[Detection]]:
        """Return the number of counterclockwise quarter turns, and the faces after these turns.

        A dark photo without a face of the minimum confidence is searched again with its contrast
        stretched. Embeddings are always computed from the unchanged pixels.

        Args:
            photo: The photo.
            smallest_face: Side of the smallest face to search for, in decoded pixels.
            options: The detector, the minimum confidence, and whether to turn the photo.

        Raises:
            InvalidInputError: The options name an unknown detector.
            WeightsError: dlib's weights are missing or cannot be used.
        """
        found = self._detect_in(photo, smallest_face, options)
        min_score = score_at(options.detector, options.min_confidence)
        if any(face.score >= min_score for face in found[1]):
            return found
        bright = brightened(photo.pixels)
        if bright is None:
            return found
        again = self._detect_in(replace(photo, pixels=bright), smallest_face, options)
        return again if any(face.score >= min_score for face in again[1]) else found

    def _detect_in(
        self, photo: DecodedPhoto, smallest_face: float, options: FaceOptions
    ) -> tuple[int, list[Detection]]:
        """Return the number of counterclockwise quarter turns, and the faces after these turns.

        The photo is only turned if its file does not specify an orientation, nothing shows that it
        is upright, and its faces are clearer after the turn.
        """
        detector = self._detector(options.detector)
        threshold = _detection_threshold(options.detector, options.min_confidence)
        places = None
        if isinstance(detector, ProposingDetector):
            detections, places = detector.search(photo.pixels, smallest_face, threshold=threshold)
        else:
            detections = detector.detect(photo.pixels, smallest_face, threshold=threshold)
        if not options.rotate or photo.has_orientation or is_upright(detections):
            return 0, detections
        turns = self._orientations.find(photo.pixels, smallest_face, detections, places)
        if not turns:
            return 0, detections
        upright = turned(photo.pixels, turns)
        if isinstance(detector, ProposingDetector):
            # Only a proposed face justifies a turn.
            others, _ = detector.search(
                upright, smallest_face, threshold=threshold, only_proposed=True
            )
        else:
            others = detector.detect(upright, smallest_face, threshold=threshold)
        min_score = score_at(options.detector, options.min_confidence)
        confident = [face for face in others if face.score >= min_score]
        return (turns, others) if is_better_turned(confident, detections) else (0, detections)

    def _detector(self, name: str) -> Detector:
        if name not in self._detectors:
            self._detectors[name] = open_detector(name, threads=self._threads)
        return self._detectors[name]

    @cached_property
    def _orientations(self) -> OrientationFinder:
        return OrientationFinder(threads=self._threads)


def _detection_threshold(detector: str, min_confidence: float) -> float:
    """Return the minimum detection score: dlib's own threshold of 0, or a lower one if requested.

    Detections between this threshold and the minimum confidence are reported as rejected.
    """
    asked = max(min_confidence, _MIN_DETECTION_CONFIDENCE)
    return min(0.0, score_at(detector, asked)) if asked < 1 else 0.0
