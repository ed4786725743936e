from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from facerec.evaluate.rates import (
    ScoredPairs,
    accuracies,
    best_threshold,
    curve,
    miss_rates,
    rates_that_fit,
    wilson,
)


def scored(scores: NDArray[np.float64], people: int, seed: int = 0) -> ScoredPairs:
    one, other = np.random.default_rng(seed).integers(0, people, (2, len(scores)))
    return ScoredPairs(scores, one, other)


@given(st.integers(0, 500), st.integers(1, 500))
def test_an_interval_holds_its_rate(successes: int, trials: int) -> None:
    interval = wilson(min(successes, trials), trials)
    assert 0 <= interval.low <= interval.rate + 1e-12
    assert interval.rate - 1e-12 <= interval.high <= 1


def test_a_wilson_interval_is_the_published_one() -> None:
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I.
    interval = wilson(81, 263)
    assert (interval.low, interval.high) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20).high == pytest.approx(0.1611, abs=1e-4)


def test_only_rates_that_the_pairs_can_measure_are_reported() -> None:
    assert rates_that_fit(49) == []
    assert rates_that_fit(1_500) == [1e-1, 1e-2]
    assert rates_that_fit(500_000) == [1e-1, 1e-2, 1e-3, 1e-4, 1e-5]


def test_miss_rates_are_those_of_known_distributions() -> None:
    random = np.random.default_rng(3)
    impostors = scored(random.normal(0, 1, 100_000), 400)
    genuine = scored(random.normal(-3, 1, 5_000), 400)
    rates = miss_rates(genuine, impostors, np.ones(400, np.int64))
    # Phi(-2.326) = 0.01, Phi(-3.090) = 0.001; misses lie above -2.326 and -3.090.
    expected = {1e-2: 0.2503, 1e-3: 0.5359}
    for row in rates:
        if row.false_match_rate in expected:
            interval = row.false_non_match_rate
            assert interval.rate == pytest.approx(expected[row.false_match_rate], abs=0.03)
            assert interval.low <= interval.rate <= interval.high
            assert interval.high - interval.low < 0.15


def test_no_miss_among_few_pairs_is_not_certainty() -> None:
    random = np.random.default_rng(3)
    impostors = scored(random.normal(0, 1, 10_000), 40)
    genuine = scored(np.full(20, -9.0), 40)
    for row in miss_rates(genuine, impostors, np.ones(40, np.int64)):
        assert row.false_non_match_rate.rate == 0
        assert row.false_non_match_rate.high == pytest.approx(wilson(0, 20).high)


def test_the_same_pairs_have_the_same_intervals() -> None:
    random = np.random.default_rng(3)
    genuine, impostors = (scored(random.normal(mean, 1, 2_000), 50) for mean in (-2, 0))
    photos_of = np.ones(50, np.int64)
    assert miss_rates(genuine, impostors, photos_of) == miss_rates(genuine, impostors, photos_of)


def test_each_fold_is_judged_at_the_threshold_of_the_others() -> None:
    scores = np.array([0.0, 1.0, 0.0, 1.0, 2.0, 3.0])
    same = np.array([True, False] * 3)
    folds = np.array(["1", "1", "2", "2", "3", "3"])
    results = accuracies(scores, same, folds)
    assert results["1"][0] == results["2"][0] == 1
    assert results["3"] == (0.5, 0.0)


def test_a_pair_without_a_face_counts_as_different_people() -> None:
    scores = np.array([0.0, 1.0, np.inf, 1.0])
    same = np.array([True, False, True, False])
    folds = np.array(["1", "1", "2", "2"])
    assert accuracies(scores, same, folds)["2"][0] == 0.5


def test_the_best_threshold_judges_most_pairs_right() -> None:
    scores = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    same = np.array([True, True, False, True, False])
    assert best_threshold(scores, same) in (2.0, 4.0)


@given(st.integers(0, 5))
def test_a_curve_never_rises(seed: int) -> None:
    random = np.random.default_rng(seed)
    points = curve(random.normal(-2, 1, 300), random.normal(0, 1, 900))
    rates, missed = zip(*points, strict=True)
    assert list(rates) == sorted(rates)
    assert list(missed) == sorted(missed, reverse=True)
    assert missed[-1] == 0
