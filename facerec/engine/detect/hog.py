"""dlib's frontal face detector on histograms of oriented gradients."""

from __future__ import annotations

import threading

from facerec.engine.detect.detection import Detection, Pixels, scale_for

WINDOW = 80
"""Side of the detector's window in pixels (``dlib/image_processing``)."""


class HogDetector:
    """Finds frontal faces; misses more turned faces than the CNN detectors."""

    def __init__(self) -> None:
        import dlib

        self._detector = dlib.get_frontal_face_detector()
        # The detector stores its current pyramid in itself.
        self._lock = threading.Lock()

    def detect(
        self, pixels: Pixels, smallest_face: float, *, threshold: float = 0.0
    ) -> list[Detection]:
        """Return the faces in a photo, best score first (see ``Detector``)."""
        scaled = scale_for(pixels, smallest_face, WINDOW)
        with self._lock:
            boxes, scores, _ = self._detector.run(scaled, 0, threshold)
        across, down = pixels.shape[1] / scaled.shape[1], pixels.shape[0] / scaled.shape[0]
        found = [
            Detection(box.left(), box.top(), box.width(), box.height(), float(score)).resized(
                across, down
            )
            for box, score in zip(boxes, scores, strict=True)
        ]
        return sorted(found, key=lambda detection: -detection.score)
