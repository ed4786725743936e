from __future__ import annotations

import math

import pytest

from facerec.errors import InvalidInputError
from facerec.gallery.scores.normalisation import similarity_at
from facerec.gallery.scores.similarity import checked_threshold, threshold_at


@pytest.mark.parametrize("threshold", [0.0, 0.8, 1.0])
def test_a_threshold_is_a_similarity(threshold: float) -> None:
    assert checked_threshold(threshold) == threshold


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan, math.inf])
def test_a_threshold_that_no_face_can_have_is_refused(threshold: float) -> None:
    with pytest.raises(InvalidInputError, match="out of range"):
        checked_threshold(threshold)


def test_a_rate_of_one_comparison_is_that_of_its_similarity() -> None:
    assert threshold_at(1e-3) == pytest.approx(0.8, abs=5e-4)
    assert threshold_at(1e-3, 0) == threshold_at(1e-3, 1)


def test_a_rate_per_search_is_shared_by_all_comparisons() -> None:
    assert threshold_at(0.01, 1_000) == pytest.approx(similarity_at(1.005e-5), rel=1e-3)


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, math.nan, math.inf])
def test_a_rate_that_no_threshold_can_have_is_refused(rate: float) -> None:
    with pytest.raises(InvalidInputError, match="is out of range"):
        threshold_at(rate)
