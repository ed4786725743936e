"""What is said about a face's quality, and which faces the filters reject."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from facerec.core.faces import BoundingBox, Pose, Quality
from facerec.core.options import QualityFilter
from facerec.core.photos import RejectionReason
from facerec.engine.describe.quality import assess, rejections

BOX = BoundingBox(0.25, 0.25, 0.5, 0.4)
GOOD = Quality(size=150, sharpness=80, brightness=50, pose=Pose(0, 0, 0))
STRICTER = [
    QualityFilter.NONE,
    QualityFilter.AUTO,
    QualityFilter.LOW,
    QualityFilter.MEDIUM,
    QualityFilter.HIGH,
]


def textured() -> Image.Image:
    """Return an image with edges, and smooth between them as a face is."""
    values = np.random.default_rng(3).integers(60, 200, (15, 15, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((150, 150), Image.Resampling.NEAREST)


def grainy(chip: Image.Image, deviation: float) -> NDArray[np.uint8]:
    noise = np.random.default_rng(4).normal(0, deviation, (150, 150, 1))
    return np.clip(np.asarray(chip) + noise, 0, 255).astype(np.uint8)


def judged(chip: Image.Image | NDArray[np.uint8]) -> Quality:
    return assess(np.asarray(chip), BOX, Pose(0, 0, 0), 400, 300)


def test_size_is_the_shorter_side_in_stored_pixels() -> None:
    assert judged(textured()).size == pytest.approx(120)


@pytest.mark.parametrize(("value", "brightness"), [(0, 0), (255, 100), (51, 20)])
def test_brightness_goes_from_black_to_white(value: int, brightness: float) -> None:
    chip = np.full((150, 150, 3), value, dtype=np.uint8)
    assert judged(chip).brightness == pytest.approx(brightness, abs=0.01)


def test_a_blank_face_has_no_sharpness() -> None:
    assert judged(np.full((150, 150, 3), 128, dtype=np.uint8)).sharpness == 0


def test_the_more_a_face_is_blurred_the_less_sharp_it_is() -> None:
    blurred = [textured().filter(ImageFilter.GaussianBlur(radius)) for radius in (0, 1, 2, 4)]
    values = [judged(chip).sharpness for chip in blurred]
    assert values == sorted(values, reverse=True)
    assert values[0] == 100
    assert values[-1] < 50


def test_grain_does_not_count_as_sharpness() -> None:
    values = [judged(grainy(textured(), deviation)).sharpness for deviation in (8, 16, 22, 40)]
    assert values[0] == 100
    assert values == sorted(values, reverse=True)
    assert rejections(judged(grainy(textured(), 40)), QualityFilter.AUTO) == (
        RejectionReason.LOW_SHARPNESS,
    )


def test_grain_counts_for_more_in_a_face_of_low_contrast() -> None:
    flat = textured().point(lambda value: 100 + value // 8)
    assert judged(grainy(flat, 12)).sharpness < judged(grainy(textured(), 12)).sharpness


def test_what_surrounds_the_face_does_not_count() -> None:
    chip = np.full((150, 150, 3), 128, dtype=np.uint8)
    framed = np.asarray(textured()).copy()
    framed[25:125, 25:125] = chip[25:125, 25:125]
    assert judged(framed) == judged(chip)


@given(st.integers(0, 2**32 - 1), st.floats(0, 4))
def test_measures_stay_within_0_and_100(seed: int, contrast: float) -> None:
    noise = np.random.default_rng(seed).normal(128, 64 * contrast, (150, 150, 3))
    quality = judged(np.clip(noise, 0, 255).astype(np.uint8))
    assert 0 <= quality.sharpness <= 100
    assert 0 <= quality.brightness <= 100


def test_a_good_face_passes_every_filter() -> None:
    for quality_filter in QualityFilter:
        assert rejections(GOOD, quality_filter) == ()


@pytest.mark.parametrize(
    ("poor", "reason"),
    [
        (Quality(10, 80, 50, Pose(0, 0, 0)), RejectionReason.SMALL_BOUNDING_BOX),
        (Quality(150, 3, 50, Pose(0, 0, 0)), RejectionReason.LOW_SHARPNESS),
        (Quality(150, 80, 2, Pose(0, 0, 0)), RejectionReason.LOW_BRIGHTNESS),
        (Quality(150, 80, 99, Pose(0, 0, 0)), RejectionReason.LOW_FACE_QUALITY),
        (Quality(150, 80, 50, Pose(0, -75, 0)), RejectionReason.EXTREME_POSE),
        (Quality(150, 80, 50, Pose(0, 0, 60)), RejectionReason.EXTREME_POSE),
    ],
)
def test_a_poor_face_is_rejected_for_its_poor_measure(
    poor: Quality, reason: RejectionReason
) -> None:
    assert rejections(poor, QualityFilter.AUTO) == (reason,)
    assert rejections(poor, QualityFilter.NONE) == ()


def test_all_reasons_are_given() -> None:
    poor = Quality(10, 3, 2, Pose(0, 80, 0))
    assert set(rejections(poor, QualityFilter.AUTO)) == {
        RejectionReason.SMALL_BOUNDING_BOX,
        RejectionReason.LOW_SHARPNESS,
        RejectionReason.LOW_BRIGHTNESS,
        RejectionReason.EXTREME_POSE,
    }


def test_a_face_that_lies_on_its_side_passes() -> None:
    assert rejections(Quality(150, 80, 50, Pose(90, 0, 0)), QualityFilter.HIGH) == ()


angles = st.floats(-90, 90)
qualities = st.builds(
    Quality,
    size=st.floats(0, 300),
    sharpness=st.floats(0, 100),
    brightness=st.floats(0, 100),
    pose=st.builds(Pose, roll=angles, yaw=angles, pitch=angles),
)


@given(qualities)
def test_a_stricter_filter_rejects_at_least_as_much(quality: Quality) -> None:
    reasons = [set(rejections(quality, quality_filter)) for quality_filter in STRICTER]
    for lenient, strict in pairwise(reasons):
        assert lenient <= strict
