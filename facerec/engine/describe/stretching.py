"""How much wider a face is than its pose explains: photos are stretched to fill a frame."""

from __future__ import annotations

import math

from facerec.core.faces import Landmarks, Point, Pose

MAX_STRETCH = 1.5
"""Estimated stretch above which a face carries little identity: more than that of any face in
4,300 faces of photos as they are (``docs/accuracy.md``)."""


def estimated_stretch(landmarks: Landmarks, pose: Pose, aspect: float) -> float:
    """Estimate by which factor a face is wider than a face in its pose; 1 if its eyes coincide.

    How far the nose is below the eyes, as a share of the distance of the eyes, becomes less if a
    head looks up and more if it turns. The network of the pose sees this beside the whole face, so
    what the pose leaves unexplained is mostly stretching. The weights were fitted by least squares,
    without outliers, to half of the people of LFW and FairFace; a photo that is twice as wide has
    an estimate of about 1.4, since its pose seems to explain a part.

    Args:
        landmarks: ratios of the upright photo.
        pose: how the head is turned.
        aspect: width of the upright photo divided by its height, in pixels.
    """
    left = _middle(landmarks.left_eye_outer, landmarks.left_eye_inner, aspect)
    right = _middle(landmarks.right_eye_inner, landmarks.right_eye_outer, aspect)
    eyes = right - left
    nose = complex(landmarks.nose.x * aspect, landmarks.nose.y) - (left + right) / 2
    below = abs((nose * eyes.conjugate()).imag)
    if not below:
        return 1.0
    yaw, pitch = pose.yaw / 30, pose.pitch / 30
    expected = math.exp(-0.35 - 0.33 * pitch - 0.18 * pitch**2 + 0.14 * yaw**2)
    return expected * abs(eyes) ** 2 / below


def _middle(first: Point, second: Point, aspect: float) -> complex:
    """Return the point between two landmarks as x + iy, in heights of the photo."""
    return complex((first.x + second.x) / 2 * aspect, (first.y + second.y) / 2)
