import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from facerec.core.options import DEFAULT_THRESHOLD
from facerec.errors import InvalidInputError
from facerec.gallery.similarity import (
    DISTANCE_AT_DEFAULT,
    DISTANCE_AT_HALF,
    checked_threshold,
    distance_of,
    similarity_of,
)

distances = st.floats(0, 2)


def test_identical_faces_have_similarity_one() -> None:
    assert similarity_of(0.0) == 1.0
    assert distance_of(1.0) == pytest.approx(0.0, abs=1e-9)


def test_similarity_goes_through_the_two_measured_points() -> None:
    assert similarity_of(DISTANCE_AT_DEFAULT) == pytest.approx(DEFAULT_THRESHOLD, abs=1e-4)
    assert similarity_of(DISTANCE_AT_HALF) == pytest.approx(0.5, abs=1e-4)


def test_any_distance_has_a_similarity() -> None:
    assert 0 <= similarity_of(1e300) < 1e-100
    assert distance_of(0.0) == math.inf


@given(distances, distances)
def test_the_nearer_of_two_faces_is_the_more_similar(nearer: float, farther: float) -> None:
    assume(farther - nearer > 1e-9)
    assert similarity_of(nearer) > similarity_of(farther)


@given(distances)
def test_a_distance_comes_back_from_its_similarity(distance: float) -> None:
    assert distance_of(similarity_of(distance)) == pytest.approx(distance, abs=1e-9)


@given(st.floats(0, 1, exclude_min=True))
def test_a_similarity_comes_back_from_its_distance(similarity: float) -> None:
    assume(similarity > 1e-12)
    assert similarity_of(distance_of(similarity)) == pytest.approx(similarity, rel=1e-9)


@pytest.mark.parametrize("threshold", [0, 0.8, 1])
def test_thresholds_from_0_to_1_are_allowed(threshold: float) -> None:
    assert checked_threshold(threshold) == threshold


@pytest.mark.parametrize("threshold", [-0.001, 1.001, 80, math.nan, math.inf])
def test_other_thresholds_are_refused(threshold: float) -> None:
    with pytest.raises(InvalidInputError, match="out of range"):
        checked_threshold(threshold)
