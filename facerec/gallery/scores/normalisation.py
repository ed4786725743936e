"""Normalised scores of two faces, their false match rates, and similarities.

The score of two faces a and b at Euclidean distance d is adaptive symmetric normalisation
(s-norm; Matejka et al. 2017, "Analysis of Score Normalization in Multilingual Speaker
Recognition"), with the stats that ``facerec.engine.describe.cohort`` computes:

    score = ((d - mean_a) / deviation_a + (d - mean_b) / deviation_b) / 2

The lower the score, the more alike the faces. The share of pairs of different people that reach a
score is its false match rate, fitted to measured pairs:

    log10(rate) = INTERCEPT + SLOPE * score + CURVE * score^2

Similarity is a function of that rate alone. Whenever the rate falls to a tenth, the odds of the
similarity grow by a factor of 4:

    similarity = 1 / (1 + (rate / 0.01)^log10(4))

so that it is 0.5 at a false match rate of 1 in 100, 0.8 at 1 in 1,000, 0.94 at 1 in 10,000 and
0.985 at 1 in 100,000. ``docs/accuracy.md`` lists the people on whom the rates were fitted and
checked.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facerec.core.faces import CohortStats

INTERCEPT, SLOPE, CURVE = -2.4454, 0.34101, -0.016317
"""Coefficients of the rate, fitted by ``python -m benchmarks.calibrate_similarity``."""

STRAIGHT_FROM = 4.0
"""Score from which the fit continues as a straight line, because the parabola turns at 10.4."""

RATE_AT_HALF = 1e-2
"""False match rate at which similarity is 0.5."""

_POWER = math.log10(4)
_LOG_RATE_AT_HALF = math.log10(RATE_AT_HALF)
_STRAIGHT_SLOPE = SLOPE + 2 * CURVE * STRAIGHT_FROM
_LOG_AT_STRAIGHT = INTERCEPT + SLOPE * STRAIGHT_FROM + CURVE * STRAIGHT_FROM**2


def normalised_score(distance: float, a: CohortStats, b: CohortStats) -> float:
    """Return the normalised score of two faces; the lower, the more alike.

    Args:
        distance: Euclidean distance of the two embeddings.
        a: Cohort stats of one face.
        b: Cohort stats of the other face, of the same cohort version.
    """
    return ((distance - a.mean) / a.deviation + (distance - b.mean) / b.deviation) / 2


def similarity_of_score(score: float) -> float:
    """Return the similarity, 0 to 1, of a normalised score."""
    exponent = _POWER * (_log_rate_of_score(score) - _LOG_RATE_AT_HALF)
    return 1 / (1 + math.pow(10, min(exponent, 300.0)))


def score_of_similarity(similarity: float) -> float:
    """Return the normalised score for a similarity; infinity for 0, minus infinity for 1."""
    if similarity <= 0:
        return math.inf
    if similarity >= 1:
        return -math.inf
    return _score_of_log_rate(math.log10(1 / similarity - 1) / _POWER + _LOG_RATE_AT_HALF)


def false_match_rate_of(similarity: float) -> float:
    """Return the share of pairs of different people that have this similarity or more, 0 to 1."""
    if similarity <= similarity_at(1.0):
        return 1.0  # the power of a very small similarity exceeds the range of numbers
    return RATE_AT_HALF * math.pow(1 / similarity - 1, 1 / _POWER)


def similarity_at(false_match_rate: float) -> float:
    """Return the similarity that a given share of pairs of different people reaches.

    Args:
        false_match_rate: The share, above 0 and at most 1.
    """
    return 1 / (1 + math.pow(false_match_rate / RATE_AT_HALF, _POWER))


def _log_rate_of_score(score: float) -> float:
    """Return log10 of the false match rate of a score; above 0 for very high scores."""
    if score > STRAIGHT_FROM:
        return _LOG_AT_STRAIGHT + _STRAIGHT_SLOPE * (score - STRAIGHT_FROM)
    return INTERCEPT + SLOPE * score + CURVE * score**2


def _score_of_log_rate(log_rate: float) -> float:
    if log_rate > _LOG_AT_STRAIGHT:
        return STRAIGHT_FROM + (log_rate - _LOG_AT_STRAIGHT) / _STRAIGHT_SLOPE
    discriminant = SLOPE**2 - 4 * CURVE * (INTERCEPT - log_rate)
    return (-SLOPE + math.sqrt(discriminant)) / (2 * CURVE)
