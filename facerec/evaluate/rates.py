"""Error rates of scores, with confidence intervals. The lower a score, the more alike the faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FALSE_MATCH_RATES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)

MIN_MATCHES = 5
"""Minimum number of matching pairs of different people that measure a rate."""

MIN_IMPOSTORS = 50
"""Minimum number of pairs of different people that measure the highest of
``FALSE_MATCH_RATES``."""

RESAMPLES = 200
BOOTSTRAP_SHARE = 0.12
"""Share of the impostor pairs, those with the lowest scores, that resampling uses. It is enough for
a false match rate of 0.1 in nearly every resample; in the others, the rate is cut off."""

CURVE_POINTS = 200
"""Number of points of a plotted curve."""

_Z = 1.96
"""Standard deviations on either side of the mean that hold 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A rate with its 95 % confidence interval."""

    rate: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return the rate and the interval in percent."""
        return f"{self.rate:.2%} ({self.low:.2%} to {self.high:.2%})"


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPairs:
    """Pairs of faces with scores, and the two people of each.

    Attributes:
        scores: float64 of shape (n,).
        one: Number of the person in one photo, int64 of shape (n,).
        other: Number of the person in the other photo.
    """

    scores: NDArray[np.float64]
    one: NDArray[np.int64]
    other: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def lowest(self, share: float) -> ScoredPairs:
        """Return a share of the pairs, those with the lowest scores."""
        count = min(len(self), max(1, round(share * len(self))))
        kept = np.argpartition(self.scores, count - 1)[:count]
        return ScoredPairs(self.scores[kept], self.one[kept], self.other[kept])


@dataclass(frozen=True, slots=True)
class MissRate:
    """The share of pairs of one person that are missed at a false match rate.

    Attributes:
        false_match_rate: The share of pairs of different people that match.
        threshold: The score at which this rate is reached.
        false_non_match_rate: The share of pairs of one person that do not match, with its interval.
    """

    false_match_rate: float
    threshold: float
    false_non_match_rate: Interval


def wilson(successes: int, trials: int) -> Interval:
    """Return a share with its 95 % interval (Wilson 1927), for independent trials.

    Without trials, the share is 0 and the interval 0 to 1.
    """
    if not trials:
        return Interval(0.0, 0.0, 1.0)
    share, square = successes / trials, _Z**2
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    half = _Z * np.sqrt(share * (1 - share) / trials + square / 4 / trials / trials)
    half = float(half) / (1 + square / trials)
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))


def rates_that_fit(impostors: int) -> list[float]:
    """Return the rates at which at least ``MIN_MATCHES`` of this number of impostor pairs match."""
    return [rate for rate in FALSE_MATCH_RATES if impostors * rate >= MIN_MATCHES]


def miss_rates(
    genuine: ScoredPairs, impostors: ScoredPairs, photos_of: NDArray[np.int64]
) -> list[MissRate]:
    """Return the false non-match rate at each false match rate that the pairs can measure.

    The intervals resample people, since pairs that share a person are not independent.

    Args:
        genuine: Pairs of one person.
        impostors: Pairs of different people.
        photos_of: Number of photos of each person, shape (people,).
    """
    ordered = np.sort(impostors.scores)
    rates = rates_that_fit(len(impostors))
    thresholds = [float(ordered[round(rate * len(ordered)) - 1]) for rate in rates]
    misses = [float(np.mean(genuine.scores > threshold)) for threshold in thresholds]
    resampled = _resampled(genuine, impostors, photos_of, rates)
    results = []
    for rate, threshold, missed, own in zip(rates, thresholds, misses, resampled.T, strict=True):
        low, high = np.percentile(own, [2.5, 97.5])
        if missed in (0.0, 1.0):
            # Every resample has the same rate here, so the interval would be empty.
            bound = wilson(round(missed * len(genuine)), len(genuine))
            low, high = bound.low, bound.high
        interval = Interval(missed, float(low), float(high))
        results.append(MissRate(rate, threshold, interval))
    return results


def _resampled(
    genuine: ScoredPairs,
    impostors: ScoredPairs,
    photos_of: NDArray[np.int64],
    rates: list[float],
) -> NDArray[np.float64]:
    """Return the false non-match rate at each false match rate, for each resample of the people.

    The shape is (RESAMPLES, len(rates)).
    """
    random = np.random.default_rng(0)
    lowest = impostors.lowest(BOOTSTRAP_SHARE)
    order = np.argsort(lowest.scores)
    scores, one, other = lowest.scores[order], lowest.one[order], lowest.other[order]
    share_kept = len(lowest) / len(impostors)
    results = np.empty((RESAMPLES, len(rates)))
    people = len(photos_of)
    for resample in range(RESAMPLES):
        weights = np.bincount(random.integers(0, people, people), minlength=people).astype(float)
        cumulated = np.cumsum(weights[one] * weights[other])
        total = cumulated[-1] / share_kept if len(cumulated) else 0.0
        positions = np.searchsorted(cumulated, np.array(rates) * total)
        thresholds = scores[np.minimum(positions, len(scores) - 1)]
        own = weights[genuine.one]
        missed = genuine.scores[:, None] > thresholds
        results[resample] = own @ missed / max(own.sum(), 1.0)
    return results


def accuracies(
    scores: NDArray[np.float64], same: NDArray[np.bool_], folds: NDArray[np.str_]
) -> dict[str, tuple[float, float]]:
    """Return the accuracy and the threshold of each fold: the best threshold of the other folds.

    Args:
        scores: Infinite where a face was not found; such a pair counts as different people.
        same: Whether a pair is of one person.
        folds: Name of each pair's fold; there are at least two.
    """
    results = {}
    for fold in np.unique(folds):
        others = folds != fold
        threshold = best_threshold(scores[others], same[others])
        right = (scores[~others] <= threshold) == same[~others]
        results[str(fold)] = (float(right.mean()), threshold)
    return results


def best_threshold(scores: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """Return the threshold that judges the largest number of pairs correctly."""
    candidates = np.unique(scores[np.isfinite(scores)])
    genuine, impostors = np.sort(scores[same]), np.sort(scores[~same])
    right = np.searchsorted(genuine, candidates, "right") + len(impostors)
    right -= np.searchsorted(impostors, candidates, "right")
    return float(candidates[np.argmax(right)])


def curve(
    genuine: NDArray[np.float64], impostors: NDArray[np.float64]
) -> list[tuple[float, float]]:
    """Return false match rates with their false non-match rates, for ROC and DET plots."""
    ordered, own = np.sort(impostors), np.sort(genuine)
    lowest = -np.log10(len(ordered))
    rates = np.logspace(lowest, 0, CURVE_POINTS)
    thresholds = ordered[np.clip(np.round(rates * len(ordered)).astype(int) - 1, 0, None)]
    missed = 1 - np.searchsorted(own, thresholds, "right") / len(own)
    return list(zip(rates.tolist(), missed.tolist(), strict=True))
