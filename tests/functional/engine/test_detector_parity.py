from __future__ import annotations

from pathlib import Path

import dlib
import numpy as np
import pytest

from facerec.engine.detect import exact as exact_module
from facerec.engine.detect.detection import Detection, Pixels
from facerec.engine.detect.exact import ExactDetector
from facerec.engine.dlib.weights import Weights, find_weights
from tests.support.example_photos import EXAMPLES, load
from tests.support.long import mostly_long, mostly_long_rows
from tests.support.shared_data import shared_data

SCORE_TOLERANCE = 1e-3
BOX_TOLERANCE = 2


@pytest.fixture(scope="module")
def detector() -> ExactDetector:
    return ExactDetector(threads=1)


@pytest.fixture(scope="module")
def dlib_detector() -> dlib.cnn_face_detection_model_v1:
    return dlib.cnn_face_detection_model_v1(str(find_weights(Weights.DETECTOR)))


def edges(detection: Detection) -> tuple[float, ...]:
    right, bottom = detection.left + detection.width, detection.top + detection.height
    return detection.left, detection.top, right - 1, bottom - 1


def assert_as_dlib(
    detector: ExactDetector, dlib_detector: dlib.cnn_face_detection_model_v1, pixels: Pixels
) -> int:
    """Compare every detection; return how many there are."""
    ours = detector.detect(pixels, 80)
    theirs = sorted(dlib_detector(pixels, 0), key=lambda found: -found.confidence)
    scores = [detection.score for detection in ours]
    assert scores == pytest.approx([found.confidence for found in theirs], abs=SCORE_TOLERANCE)
    for mine, found in zip(ours, theirs, strict=True):
        box = (found.rect.left(), found.rect.top(), found.rect.right(), found.rect.bottom())
        assert edges(mine) == pytest.approx(box, abs=BOX_TOLERANCE)
    return len(ours)


@pytest.mark.parametrize("path", mostly_long(EXAMPLES, 2), ids=lambda path: path.stem)
def test_detections_in_the_examples_are_dlibs(
    detector: ExactDetector, dlib_detector: dlib.cnn_face_detection_model_v1, path: Path
) -> None:
    assert_as_dlib(detector, dlib_detector, load(path, 350))


@pytest.mark.parametrize(
    ("folder", "name", "side", "faces"),
    mostly_long_rows(
        [
            ("groups/dlib_faces", "2008_002506.jpg", 500, 3),
            ("groups/dlib_faces", "2008_001322.jpg", 500, 3),
            ("groups/people", "", 500, 0),
            ("london", "001_smiling_front.jpg", 400, 1),
        ],
        1,
    ),
)
def test_detections_in_labelled_photos_are_dlibs(
    detector: ExactDetector,
    dlib_detector: dlib.cnn_face_detection_model_v1,
    folder: str,
    name: str,
    side: int,
    faces: int,
) -> None:
    path = shared_data(folder) / name if name else sorted(shared_data(folder).glob("*.jpg"))[1]
    assert assert_as_dlib(detector, dlib_detector, load(path, side)) >= faces


@pytest.mark.parametrize("shape", [(240, 30), (30, 240), (33, 33)])
def test_narrow_photos_are_searched_as_dlib_does(
    detector: ExactDetector, dlib_detector: dlib.cnn_face_detection_model_v1, shape: tuple[int, int]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert_as_dlib(detector, dlib_detector, pixels)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (6, 4)])
def test_tiny_photos_have_no_face(detector: ExactDetector, shape: tuple[int, int]) -> None:
    assert detector.detect(np.zeros((*shape, 3), dtype=np.uint8), 80) == []


def test_blocks_give_what_one_run_gives(
    detector: ExactDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = load(EXAMPLES[0], 700)
    whole = detector.detect(pixels, 80, threshold=-1.2)
    monkeypatch.setattr(exact_module, "_BLOCK_PIXELS", 90_000)
    monkeypatch.setattr(exact_module, "_MAX_BLOCK_WIDTH", 300)
    divided = detector.detect(pixels, 80, threshold=-1.2)
    assert len(whole) > 5
    assert [found.score for found in divided] == pytest.approx([found.score for found in whole])
    assert [edges(found) for found in divided] == [edges(found) for found in whole]


def test_a_pyramid_of_bytes_finds_the_same_faces(
    detector: ExactDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = load(EXAMPLES[0], 700)
    exact = detector.detect(pixels, 80)
    monkeypatch.setattr(exact_module, "_MAX_FLOAT_PIXELS", 0)
    rounded = detector.detect(pixels, 80)
    assert exact
    assert [found.score for found in rounded] == pytest.approx(
        [found.score for found in exact], abs=0.05
    )
    for mine, found in zip(rounded, exact, strict=True):
        assert edges(mine) == pytest.approx(edges(found), abs=0.2 * found.width)
