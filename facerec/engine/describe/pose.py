"""How a head is turned, estimated from five landmarks."""

from __future__ import annotations

import math

from facerec.core.faces import Landmarks, Point, Pose

NOSE_DROP = 0.72
"""How far the nose's base lies below the line of the eyes, in distances between the eyes' centres.

The mean of 34 people who look straight into the camera (sd 0.05).
"""

NOSE_DEPTH = 0.5
"""How far the nose's base lies before the eyes, in distances between the eyes' centres.

Chosen by eye on photos of turned heads, between estimates from 0.2 to 0.8 that disagree
(``docs/accuracy.md``): the least certain constant here.
"""


def estimate_pose(landmarks: Landmarks, width: int, height: int) -> Pose:
    """Estimate a head's pose; rough: good to 10 degrees near 0, unmeasured beyond.

    Roll is the slope of the line of the eyes. Yaw and pitch follow from where the nose's base
    appears: it lies before the eyes, so that it moves sideways and up as the head turns.

    Args:
        landmarks: ratios of the upright photo.
        width: pixels of the upright photo.
        height: pixels of the upright photo.

    Returns:
        Degrees. Roll is positive where the head leans clockwise as seen in the photo, yaw where
        it is turned to the photo's right, pitch where it looks up.
    """
    left = _middle(landmarks.left_eye_outer, landmarks.left_eye_inner, width, height)
    right = _middle(landmarks.right_eye_inner, landmarks.right_eye_outer, width, height)
    eyes = right - left
    if eyes == 0:
        return Pose(roll=0.0, yaw=90.0, pitch=0.0)
    # Complex numbers: dividing by the line of the eyes takes out roll and size at once.
    nose = (
        complex(landmarks.nose.x * width, landmarks.nose.y * height) - (left + right) / 2
    ) / eyes
    yaw = math.atan(nose.real / NOSE_DEPTH)
    # A turned head brings the eyes' centres closer together, by the cosine of yaw.
    drop = nose.imag * math.cos(yaw)
    pitch = math.atan((NOSE_DROP - drop) / NOSE_DEPTH)
    roll = math.atan2(eyes.imag, eyes.real)
    return Pose(roll=math.degrees(roll), yaw=math.degrees(yaw), pitch=math.degrees(pitch))


def _middle(first: Point, second: Point, width: int, height: int) -> complex:
    """Return the point between two landmarks in pixels, as x + iy."""
    return complex((first.x + second.x) / 2 * width, (first.y + second.y) / 2 * height)
