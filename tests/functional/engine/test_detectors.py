from __future__ import annotations

import pytest

from facerec.engine.detect.cascade import CascadeDetector
from facerec.engine.detect.detection import Detection, Detector
from facerec.engine.detect.detectors import DETECTORS, open_detector
from tests.support.example_photos import EXAMPLES, load

PORTRAIT = next(path for path in EXAMPLES if path.stem == "barack-obama-1")


@pytest.fixture(scope="module", params=sorted(DETECTORS))
def detector(request: pytest.FixtureRequest) -> Detector:
    return open_detector(request.param, threads=1)


def center(detection: Detection) -> tuple[float, float]:
    return detection.left + detection.width / 2, detection.top + detection.height / 2


def test_the_face_of_a_portrait_is_found(detector: Detector) -> None:
    pixels = load(PORTRAIT, 512)
    (face,) = detector.detect(pixels, 80)
    # Measured by hand: the middle of the face, in pixels of 410 x 512.
    assert center(face) == pytest.approx((224, 120), abs=25)
    assert 100 <= face.width <= 140
    assert face.score > 0


def test_a_face_below_the_window_is_found_when_asked_for(detector: Detector) -> None:
    pixels = load(PORTRAIT, 220)
    assert detector.detect(pixels, 110) == []
    (face,) = detector.detect(pixels, 40)
    assert center(face) == pytest.approx((224 * 220 / 512, 120 * 220 / 512), abs=12)


def test_a_search_for_larger_faces_finds_the_same_place(detector: Detector) -> None:
    pixels = load(PORTRAIT, 512)
    (face,) = detector.detect(pixels, 80)
    (coarse,) = detector.detect(pixels, 100)
    assert center(coarse) == pytest.approx(center(face), abs=10)
    assert coarse.width == pytest.approx(face.width, rel=0.25)


def test_a_lower_threshold_adds_doubtful_detections_below_the_sure_ones(
    detector: Detector,
) -> None:
    pixels = load(PORTRAIT, 700)
    sure = detector.detect(pixels, 80)
    doubtful = detector.detect(pixels, 80, threshold=-1.1)
    # The cascade verifies few places, so it may have no doubtful detections.
    assert len(doubtful) > len(sure) or isinstance(detector, CascadeDetector)
    assert doubtful[: len(sure)] == sure
    scores = [found.score for found in doubtful]
    assert scores == sorted(scores, reverse=True)
    assert all(-1.1 < score <= 0 for score in scores[len(sure) :])
