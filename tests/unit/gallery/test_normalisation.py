from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.core.faces import CohortStats
from facerec.gallery.scores.normalisation import (
    STRAIGHT_FROM,
    false_match_rate_of,
    normalised_score,
    score_of_similarity,
    similarity_at,
    similarity_of_score,
)

SCORES = st.floats(-30, 30)


@pytest.mark.parametrize(
    ("rate", "similarity"), [(1e-2, 0.5), (1e-3, 0.8), (1e-4, 0.941), (1e-5, 0.985)]
)
def test_similarity_follows_from_the_false_match_rate(rate: float, similarity: float) -> None:
    assert similarity_at(rate) == pytest.approx(similarity, abs=5e-4)
    assert false_match_rate_of(similarity_at(rate)) == pytest.approx(rate)


@given(SCORES, SCORES)
def test_a_lower_score_never_has_less_similarity(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert similarity_of_score(low) >= similarity_of_score(high)


@given(st.floats(1e-6, 1 - 1e-9))
def test_a_similarity_has_one_score(similarity: float) -> None:
    assert similarity_of_score(score_of_similarity(similarity)) == pytest.approx(similarity)


def test_the_fit_continues_without_a_step() -> None:
    below = similarity_of_score(STRAIGHT_FROM - 1e-9)
    above = similarity_of_score(STRAIGHT_FROM + 1e-9)
    assert below == pytest.approx(above)


def test_similarities_at_both_ends_have_infinite_scores() -> None:
    assert score_of_similarity(0) == math.inf
    assert score_of_similarity(1) == -math.inf
    assert similarity_of_score(-1000) == 1
    assert similarity_of_score(1000) == pytest.approx(0)
    assert false_match_rate_of(0) == 1
    assert false_match_rate_of(1) == 0


@given(st.floats(0, 2), st.floats(0.4, 0.8), st.floats(0.4, 0.8))
def test_the_score_of_two_faces_has_no_order(distance: float, one: float, other: float) -> None:
    a, b = CohortStats(one, 0.02, "v"), CohortStats(other, 0.03, "v")
    assert normalised_score(distance, a, b) == pytest.approx(normalised_score(distance, b, a))


def test_a_face_in_a_crowded_place_needs_a_smaller_distance() -> None:
    lonely, crowded = CohortStats(0.7, 0.025, "v"), CohortStats(0.55, 0.025, "v")
    assert normalised_score(0.5, crowded, crowded) > normalised_score(0.5, lonely, lonely)


def test_the_score_is_the_average_of_both_faces_own() -> None:
    a, b = CohortStats(0.6, 0.02, "v"), CohortStats(0.7, 0.05, "v")
    assert normalised_score(0.5, a, b) == pytest.approx((-5 - 4) / 2)


@given(similarity=st.floats(0, 1), rate=st.floats(0, 1, exclude_min=True))
def test_every_similarity_has_a_rate_and_a_score(similarity: float, rate: float) -> None:
    assert 0 <= false_match_rate_of(similarity) <= 1
    assert not math.isnan(score_of_similarity(similarity))
    assert 0 <= similarity_at(rate) <= 1
