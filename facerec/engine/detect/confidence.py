"""Confidence: detection scores mapped to the probability that a detection is a face."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Logistic:
    """P(face) = 1 / (1 + exp(-(slope * score + intercept))), for scores from ``min_score``."""

    slope: float
    intercept: float
    min_score: float


_CNN = _Logistic(slope=4.27, intercept=1.68, min_score=-1.0)

_FITS = {
    "cnn": _CNN,
    "cnn-exact": _CNN,
    "hog": _Logistic(slope=4.38, intercept=1.76, min_score=-0.6),
}
"""Functions by detector, fitted to detections judged by eye
(``benchmarks/calibrate_confidence.py``)."""


def confidence(detector: str, score: float) -> float:
    """Return the probability that a detection of this score is a face, 0 to 1.

    This is the share of true detections at this score, not above it, in photos of groups and
    crowds and in press photographs. See ``docs/accuracy.md`` for the figures.

    Args:
        detector: The name of a detector (see ``facerec.engine.detect.detectors``).
        score: The detector's score; -inf and inf are allowed.

    Raises:
        KeyError: No confidence was fitted for the detector.
    """
    fit = _FITS[detector]
    exponent = fit.slope * score + fit.intercept
    # Both branches compute the same function; each avoids overflow of exp for its sign.
    if exponent >= 0:
        return 1 / (1 + math.exp(-exponent))
    return math.exp(exponent) / (1 + math.exp(exponent))


def score_at(detector: str, target: float) -> float:
    """Return the minimum score of detections with at least a given confidence.

    This is the inverse of ``confidence``, but never below the lowest score that it was fitted to.

    Args:
        detector: The name of a detector (see ``facerec.engine.detect.detectors``).
        target: The confidence, 0 to 1.

    Returns:
        The score; infinity for a confidence of 1, which no score reaches.

    Raises:
        KeyError: No confidence was fitted for the detector.
    """
    fit = _FITS[detector]
    if target <= 0:
        return fit.min_score
    if target >= 1:
        return math.inf
    logit = math.log(target / (1 - target))
    return max(fit.min_score, (logit - fit.intercept) / fit.slope)
