"""Head pose, estimated from five landmarks."""

from __future__ import annotations

import math

from facerec.core.faces import Landmarks, Point, Pose

NOSE_DROP = 0.72
"""Distance of the nose's base below the line of the eyes, in distances between the eyes' centres.

Mean of 34 people who look straight into the camera (sd 0.05).
"""

NOSE_DEPTH = 0.5
"""Distance of the nose's base in front of the eyes, in distances between the eyes' centres.

Chosen by eye on photos of turned heads. Estimates range from 0.2 to 0.8 (``docs/accuracy.md``), so
this is the least certain constant here.
"""


def estimate_pose(landmarks: Landmarks, width: int, height: int) -> Pose:
    """Estimate a head's pose: accurate to about 10 degrees near 0, not measured beyond.

    Roll is the slope of the line of the eyes. Yaw and pitch follow from the position of the nose's
    base, which lies in front of the eyes and so moves sideways and up as the head turns.
    Landmarks of profiles, of which one eye is hidden, are wrong, and so is their yaw: it is far too
    small, even of the wrong sign.

    Args:
        landmarks: ratios of the upright photo.
        width: width of the upright photo in pixels.
        height: height of the upright photo in pixels.

    Returns:
        Angles in degrees. Roll is positive if the head leans clockwise as seen in the photo, yaw if
        it turns to the right of the photo, pitch if it looks up.
    """
    left = _middle(landmarks.left_eye_outer, landmarks.left_eye_inner, width, height)
    right = _middle(landmarks.right_eye_inner, landmarks.right_eye_outer, width, height)
    eyes = right - left
    if eyes == 0:
        return Pose(roll=0.0, yaw=90.0, pitch=0.0)
    # Dividing by the complex line of the eyes removes roll and size in one step.
    nose = (
        complex(landmarks.nose.x * width, landmarks.nose.y * height) - (left + right) / 2
    ) / eyes
    yaw = math.atan(nose.real / NOSE_DEPTH)
    # Turning the head shortens the distance between the eyes by the cosine of yaw.
    drop = nose.imag * math.cos(yaw)
    pitch = math.atan((NOSE_DROP - drop) / NOSE_DEPTH)
    roll = math.atan2(eyes.imag, eyes.real)
    return Pose(roll=math.degrees(roll), yaw=math.degrees(yaw), pitch=math.degrees(pitch))


def _middle(first: Point, second: Point, width: int, height: int) -> complex:
    """Return the point between two landmarks in pixels, as x + iy."""
    return complex((first.x + second.x) / 2 * width, (first.y + second.y) / 2 * height)
