"""The detectors by name."""

from __future__ import annotations

from collections.abc import Callable

from facerec.engine.decode.decoding import FACE_PIXELS_NEEDED
from facerec.engine.detect.detection import Detector
from facerec.engine.detect.proposals import FACE_PIXELS
from facerec.errors import InvalidInputError


def open_detector(name: str, *, threads: int | None = None) -> Detector:
    """Load a detector.

    Args:
        name: one of ``DETECTORS``.
        threads: how many threads it may use; None for all cores of this process.

    Raises:
        InvalidInputError: there is no detector of that name.
        WeightsError: dlib's weights are missing or damaged.
    """
    factory = DETECTORS.get(name)
    if factory is None:
        raise InvalidInputError(
            f"there is no detector {name!r}", f"choose one of {', '.join(sorted(DETECTORS))}"
        )
    return factory(threads)


def face_pixels(name: str) -> int:
    """Return the side of the smallest faces that a detector finds without enlarging a photo."""
    return FACE_PIXELS if name == "cnn" else FACE_PIXELS_NEEDED


def _open_cnn(threads: int | None) -> Detector:
    from facerec.engine.detect.cascade import FastDetector

    return FastDetector(threads=threads)


def _open_cnn_exact(threads: int | None) -> Detector:
    from facerec.engine.detect.exact import CnnDetector

    return CnnDetector(threads=threads)


def _open_hog(_threads: int | None) -> Detector:
    from facerec.engine.detect.hog import HogDetector

    return HogDetector()


DETECTORS: dict[str, Callable[[int | None], Detector]] = {
    "cnn": _open_cnn,
    "cnn-exact": _open_cnn_exact,
    "hog": _open_hog,
}
