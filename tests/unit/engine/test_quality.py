"""What is said about a face's quality, and which faces the filters reject."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from facerec.core.faces import BoundingBox, Landmarks, Point, Pose, Quality
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

# A head in distances between the centres of its eyes: x to the photo's right, y down, z forward.
HEAD = {
    "left_eye_outer": (-0.75, 0.0, 0.0),
    "left_eye_inner": (-0.25, 0.0, 0.0),
    "right_eye_inner": (0.25, 0.0, 0.0),
    "right_eye_outer": (0.75, 0.0, 0.0),
    "nose": (0.0, 0.72, 0.5),
}


def landmarks(
    *, roll: float = 0, yaw: float = 0, pitch: float = 0, width: int = 400, height: int = 300
) -> Landmarks:
    """Project a head that is turned by angles in degrees."""
    rolled, yawed, pitched = (math.radians(angle) for angle in (roll, yaw, pitch))
    points = {}
    for name, (x, y, z) in HEAD.items():
        y, z = (
            y * math.cos(pitched) - z * math.sin(pitched),
            (y * math.sin(pitched) + z * math.cos(pitched)),
        )
        x = x * math.cos(yawed) + z * math.sin(yawed)
        x, y = (
            x * math.cos(rolled) - y * math.sin(rolled),
            x * math.sin(rolled) + y * math.cos(rolled),
        )
        points[name] = Point((200 + 60 * x) / width, (120 + 60 * y) / height)
    return Landmarks(**points)


def textured() -> Image.Image:
    values = np.random.default_rng(3).integers(60, 200, (150, 150, 3), dtype=np.uint8)
    return Image.fromarray(values)


def judged(chip: Image.Image | NDArray[np.uint8], marks: Landmarks | None = None) -> Quality:
    return assess(np.asarray(chip), BOX, marks or landmarks(), 400, 300)


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


def test_a_face_that_looks_into_the_camera_has_no_angles() -> None:
    pose = judged(textured()).pose
    assert (pose.roll, pose.yaw, pose.pitch) == pytest.approx((0, 0, 0), abs=0.01)


@given(st.floats(-60, 60))
def test_roll_is_the_slope_of_the_eyes_clockwise(roll: float) -> None:
    pose = judged(textured(), landmarks(roll=roll)).pose
    assert pose.roll == pytest.approx(roll, abs=0.01)
    assert (pose.yaw, pose.pitch) == pytest.approx((0, 0), abs=0.01)


@given(st.floats(-60, 60), st.floats(-40, 40))
def test_yaw_is_to_the_photos_right_whatever_the_roll(yaw: float, roll: float) -> None:
    pose = judged(textured(), landmarks(yaw=yaw, roll=roll)).pose
    assert pose.yaw == pytest.approx(yaw, abs=0.01)


@given(st.floats(-25, 25))
def test_pitch_is_upwards_and_roughly_right(pitch: float) -> None:
    pose = judged(textured(), landmarks(pitch=pitch)).pose
    assert pose.pitch == pytest.approx(pitch, abs=12)
    if abs(pitch) > 5:
        assert (pose.pitch > 0) == (pitch > 0)


def test_landmarks_that_coincide_are_no_error() -> None:
    point = Point(0.5, 0.5)
    pose = judged(textured(), Landmarks(point, point, point, point, point)).pose
    assert abs(pose.yaw) == 90


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
