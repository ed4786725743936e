"""The face detectors, by name."""

from __future__ import annotations

from collections.abc import Callable

from facerec.engine.decode.decoding import FACE_PIXELS_NEEDED
from facerec.engine.detect.detection import Detector
from facerec.engine.detect.proposals import MIN_FACE_PIXELS
from facerec.errors import InvalidInputError


def open_detector(name: str, *, threads: int | None = None) -> Detector:
    """Load a detector.

    Args:
        name: One of ``DETECTORS``.
        threads: Number of threads per network run; None for all cores of this process.

    Raises:
        InvalidInputError: No detector has that name.
        WeightsError: dlib's weights are missing or cannot be used.
    """
    factory = DETECTORS.get(name)
    if factory is None:
        raise InvalidInputError(
            f"unknown detector {name!r}", f"choose one of {', '.join(sorted(DETECTORS))}"
        )
    return factory(threads)


def face_pixels(name: str) -> int:
    """Return the side in pixels of the smallest face a detector finds without enlarging a photo."""
    return MIN_FACE_PIXELS if name == "cnn" else FACE_PIXELS_NEEDED


def _open_cnn(threads: int | None) -> Detector:
    from facerec.engine.detect.cascade import CascadeDetector

    return CascadeDetector(threads=threads)


def _open_cnn_exact(threads: int | None) -> Detector:
    from facerec.engine.detect.exact import ExactDetector

    return ExactDetector(threads=threads)


def _open_hog(_threads: int | None) -> Detector:
    from facerec.engine.detect.hog import HogDetector

    return HogDetector()


DETECTORS: dict[str, Callable[[int | None], Detector]] = {
    "cnn": _open_cnn,
    "cnn-exact": _open_cnn_exact,
    "hog": _open_hog,
}
