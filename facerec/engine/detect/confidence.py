"""Detection scores as one scale for all detectors: how likely it is that a detection is a face."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Logistic:
    """P(face) = 1 / (1 + exp(-(slope * score + intercept))), for scores from ``lowest`` on."""

    slope: float
    intercept: float
    lowest: float


_CNN = _Logistic(slope=4.27, intercept=1.68, lowest=-1.0)

_FITS = {
    "cnn": _CNN,
    "cnn-exact": _CNN,
    "hog": _Logistic(slope=4.38, intercept=1.76, lowest=-0.6),
}
"""Fitted by ``benchmarks/calibrate_confidence.py`` to detections judged by eye."""


def confidence(detector: str, score: float) -> float:
    """Return the probability that a detection of this score is a face, 0 to 1.

    It is the share of true detections at this score, not above it, on photos of groups, crowds and
    press photographs; ``docs/accuracy.md`` has the figures.

    Args:
        detector: the name of a detector (see ``facerec.engine.detect.detectors``).
        score: as the detector gave it; -inf and inf are allowed.

    Raises:
        KeyError: the detector has no fit.
    """
    fit = _FITS[detector]
    exponent = fit.slope * score + fit.intercept
    # Both branches are the same function; each keeps exp from overflowing on its side.
    if exponent >= 0:
        return 1 / (1 + math.exp(-exponent))
    return math.exp(exponent) / (1 + math.exp(exponent))


def score_at(detector: str, wanted: float) -> float:
    """Return the score from which on detections have a confidence: a detector's threshold.

    The inverse of ``confidence``, but never below the scores that it was fitted to.

    Args:
        detector: the name of a detector (see ``facerec.engine.detect.detectors``).
        wanted: the confidence, 0 to 1; no finite score has 1.

    Raises:
        KeyError: the detector has no fit.
    """
    fit = _FITS[detector]
    if wanted <= 0:
        return fit.lowest
    if wanted >= 1:
        return math.inf
    logit = math.log(wanted / (1 - wanted))
    return max(fit.lowest, (logit - fit.intercept) / fit.slope)
