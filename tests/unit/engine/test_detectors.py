from __future__ import annotations

import numpy as np
import pytest

from facerec.core.options import DETECTOR_NAMES, FaceOptions
from facerec.engine.detect.detection import MAX_SEARCHED_PIXELS, scale_for
from facerec.engine.detect.detectors import DETECTORS, open_detector
from facerec.errors import InvalidInputError

PHOTO = np.zeros((300, 400, 3), dtype=np.uint8)


def test_an_unknown_detector_is_refused_with_a_list_of_names() -> None:
    with pytest.raises(InvalidInputError, match="'eyes'") as raised:
        open_detector("eyes")
    assert raised.value.hint == f"choose one of {', '.join(sorted(DETECTORS))}"


def test_the_default_detector_exists() -> None:
    assert FaceOptions().detector in DETECTORS


def test_faces_of_the_windows_size_need_no_resizing() -> None:
    assert scale_for(PHOTO, 80, window=80) is PHOTO


@pytest.mark.parametrize(("smallest", "shape"), [(40, (600, 800)), (160, (150, 200))])
def test_the_photo_is_resized_until_its_smallest_faces_fill_the_window(
    smallest: int, shape: tuple[int, int]
) -> None:
    assert scale_for(PHOTO, smallest, window=80).shape == (*shape, 3)


def test_enlarging_ends_where_memory_would_not_be_bounded() -> None:
    large = np.zeros((2000, 3000, 3), dtype=np.uint8)
    height, width, _ = scale_for(large, 10, window=80).shape
    assert height * width == pytest.approx(MAX_SEARCHED_PIXELS, rel=0.01)
    assert width / height == pytest.approx(1.5, rel=0.01)


def test_a_photo_above_the_limit_is_not_shrunk_for_it() -> None:
    huge = np.zeros((5100, 5100, 3), dtype=np.uint8)
    assert scale_for(huge, 80, window=80).shape == huge.shape


def test_a_photo_shrinks_to_no_less_than_a_pixel() -> None:
    assert scale_for(PHOTO, 10**6, window=80).shape == (1, 1, 3)


def test_every_detector_has_an_opener() -> None:
    assert tuple(DETECTORS) == DETECTOR_NAMES
