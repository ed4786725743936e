"""Estimates how much wider a face is than its pose explains: some photos are stretched."""

from __future__ import annotations

import math

from facerec.core.faces import Landmarks, Point, Pose

MAX_STRETCH = 1.5
"""Estimated stretch above which a face carries little identity: the lowest multiple of 0.1 that no
face of half of the people of LFW and FairFace exceeds (``python -m benchmarks.quality_limits``)."""


WEIGHTS = (-0.35, -0.33, -0.18, 0.14)
"""Weights of ``pose_terms``. Fitted by ``python -m benchmarks.quality_limits`` to either half of
the people, they differ from these by at most 0.02."""


def estimated_stretch(landmarks: Landmarks, pose: Pose, aspect: float) -> float:
    """Estimate the factor by which a face is wider than an unstretched one in the same pose.

    The distance from the eyes down to the nose, as a share of the distance between the eyes,
    decreases if a head looks up and increases if it turns. The pose is estimated from the whole
    face, so a difference that the pose does not explain is mostly stretching. A photo stretched to
    twice its width has an estimate of about 1.4, since its estimated pose explains a part.

    Args:
        landmarks: Ratios of the upright photo.
        pose: Rotation of the head.
        aspect: Width of the upright photo divided by its height, in pixels.

    Returns:
        The factor; 1 if the eyes coincide, or the nose is on their line.
    """
    left = _middle(landmarks.left_eye_outer, landmarks.left_eye_inner, aspect)
    right = _middle(landmarks.right_eye_inner, landmarks.right_eye_outer, aspect)
    eyes = right - left
    nose = complex(landmarks.nose.x * aspect, landmarks.nose.y) - (left + right) / 2
    below = abs((nose * eyes.conjugate()).imag)
    if not below:
        return 1.0
    expected = math.exp(
        sum(weight * term for weight, term in zip(WEIGHTS, pose_terms(pose), strict=True))
    )
    return expected * abs(eyes) ** 2 / below


def pose_terms(pose: Pose) -> tuple[float, float, float, float]:
    """Return the terms whose weighted sum is the logarithm of the expected distance to the nose."""
    yaw, pitch = pose.yaw / 30, pose.pitch / 30
    return 1.0, pitch, pitch**2, yaw**2


def _middle(first: Point, second: Point, aspect: float) -> complex:
    """Return the point between two landmarks as x + iy, in heights of the photo."""
    return complex((first.x + second.x) / 2 * aspect, (first.y + second.y) / 2)
