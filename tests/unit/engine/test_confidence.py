"""Confidence: one scale for all detectors."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.engine.detect.confidence import confidence, score_at
from facerec.engine.detect.detectors import DETECTORS

detectors = st.sampled_from(sorted(DETECTORS))
scores = st.floats(-1e300, 1e300)


def test_every_detector_has_a_confidence() -> None:
    for name in DETECTORS:
        assert 0 < confidence(name, 0.0) < 1


def test_an_unknown_detector_has_none() -> None:
    with pytest.raises(KeyError):
        confidence("unknown", 1.0)


@given(detectors, scores)
def test_confidence_is_between_0_and_1(name: str, score: float) -> None:
    assert 0 <= confidence(name, score) <= 1


@given(detectors, scores, scores)
def test_a_higher_score_never_has_less_confidence(name: str, first: float, second: float) -> None:
    low, high = sorted([first, second])
    assert confidence(name, low) <= confidence(name, high)


def test_the_ends_of_the_scale_are_0_and_1() -> None:
    assert confidence("cnn", -math.inf) == 0
    assert confidence("cnn", math.inf) == 1


def test_a_good_frontal_face_is_nearly_certain() -> None:
    assert confidence("cnn", 1.05) > 0.99
    assert confidence("hog", 1.5) > 0.99


def test_a_faint_detection_is_doubtful() -> None:
    for name in DETECTORS:
        assert confidence(name, -0.6) < 0.5


@given(detectors, st.floats(0.35, 0.9999))
def test_the_threshold_for_a_confidence_has_that_confidence(name: str, wanted: float) -> None:
    assert confidence(name, score_at(name, wanted)) == pytest.approx(wanted)


@given(detectors, st.floats(0, 1))
def test_a_threshold_stays_within_the_calibrated_range(name: str, wanted: float) -> None:
    assert score_at(name, wanted) >= score_at(name, 0)


def test_no_detection_is_certain() -> None:
    assert score_at("cnn", 1) == math.inf
