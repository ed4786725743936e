from __future__ import annotations

import math

import pytest

from facerec.errors import InvalidInputError
from facerec.gallery.similarity import checked_threshold


@pytest.mark.parametrize("threshold", [0.0, 0.8, 1.0])
def test_a_threshold_is_a_similarity(threshold: float) -> None:
    assert checked_threshold(threshold) == threshold


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan, math.inf])
def test_a_threshold_that_no_face_can_have_is_refused(threshold: float) -> None:
    with pytest.raises(InvalidInputError, match="out of range"):
        checked_threshold(threshold)
