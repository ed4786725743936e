from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from facerec.engine.describe.alignment import Aligner
from facerec.engine.detect.detectors import open_detector
from facerec.engine.dlib.weights import Weights
from facerec.errors import WeightsError
from tests.support.example_photos import EXAMPLES, load

PORTRAIT = next(path for path in EXAMPLES if path.stem == "barack-obama-1")


def test_landmarks_are_named_as_seen_in_the_photo() -> None:
    pixels, aligner = load(PORTRAIT, 512), Aligner()
    (face,) = open_detector("hog").detect(pixels, 80)
    points = aligner.landmarks(pixels, aligner.shape(pixels, face))
    across = [
        points.left_eye_outer.x,
        points.left_eye_inner.x,
        points.right_eye_inner.x,
        points.right_eye_outer.x,
    ]
    assert across == sorted(across)
    assert points.left_eye_inner.x < points.nose.x < points.right_eye_inner.x
    assert points.nose.y > max(points.left_eye_inner.y, points.right_eye_inner.y)
    # Measured by hand: the tip of the nose, in pixels of 410 x 512.
    height, width = pixels.shape[:2]
    assert points.nose.x * width == pytest.approx(224, abs=8)
    assert points.nose.y * height == pytest.approx(132, abs=8)


@pytest.mark.parametrize("angle", [-25, 0, 25])
def test_a_turned_face_has_an_upright_chip(angle: int) -> None:
    turned = np.asarray(Image.fromarray(load(PORTRAIT, 512)).rotate(angle))
    aligner, detector = Aligner(), open_detector("cnn", threads=1)
    face = detector.detect(turned, 80)[0]
    chip = aligner.chip(turned, aligner.shape(turned, face))
    assert chip.shape == (150, 150, 3)
    assert chip.dtype == np.uint8
    points = aligner.landmarks(chip, aligner.shape(chip, detector.detect(chip, 60)[0]))
    assert points.left_eye_outer.y == pytest.approx(points.right_eye_outer.y, abs=0.05)
    assert points.left_eye_outer.x < points.right_eye_outer.x


def test_a_damaged_predictor_is_a_weights_error(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("weights")
    (folder / Weights.LANDMARKS.value).write_bytes(b"\x01\x01")
    monkeypatch.setenv("FACEREC_MODELS", str(folder))
    with pytest.raises(WeightsError, match="damaged"):
        Aligner()
