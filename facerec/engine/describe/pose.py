"""Head pose: roll from the line of the eyes, yaw and pitch from a small network.

Five landmarks do not show how far a head is turned: if the far eye is hidden, they are placed
wrongly. The network uses the aligned face instead, even if wrong landmarks aligned it.
``training/pose`` trains it, and ``docs/accuracy.md`` lists its errors.
"""

from __future__ import annotations

import math
from pkgutil import get_data

import numpy as np
from numpy.typing import NDArray

from facerec.core.faces import Landmarks, Point, Pose
from facerec.engine.dlib.sessions import open_session

MODEL_NAME, INPUT_NAME, OUTPUT_NAME = "pose.onnx", "grey", "angles"

SHRINKING = 3
"""Factor by which a chip is reduced for the network: from 150 to 50 pixels."""

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in luminance (ITU-R BT.601)."""


class PoseEstimator:
    """Estimates how a head is turned."""

    def __init__(self, *, threads: int | None = None) -> None:
        """Load the network.

        Args:
            threads: Number of threads per network run; None for all cores of this process.
        """
        model = get_data(__package__, MODEL_NAME) or b""
        self._session = open_session(model, threads)

    def estimate(
        self, chip: NDArray[np.uint8], landmarks: Landmarks, width: int, height: int
    ) -> Pose:
        """Estimate the pose of one face.

        Args:
            chip: The aligned face, uint8 of shape (150, 150, 3), RGB.
            landmarks: Ratios of the upright photo.
            width: Width of the upright photo in pixels.
            height: Height of the upright photo in pixels.

        Returns:
            Angles in degrees. Roll is positive if the head leans clockwise as seen in the photo,
            yaw if it turns to the right of the photo, pitch if it looks up.
        """
        ((yaw, pitch),) = self._session.run([OUTPUT_NAME], {INPUT_NAME: shrunk(chip)})[0]
        return Pose(_roll(landmarks, width, height), float(yaw), float(pitch))


def shrunk(chip: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return a chip as the network expects it: grey, float32 of shape (1, 1, 50, 50)."""
    side = len(chip) // SHRINKING
    # Whole numbers are added first: a third of the time that means of grey values take.
    rows = chip.reshape(side, SHRINKING, -1).sum(axis=1, dtype=np.uint16)
    columns = rows.reshape(side, side, SHRINKING, 3)
    sums = columns[:, :, 0] + columns[:, :, 1] + columns[:, :, 2]
    grey: NDArray[np.float32] = sums @ (LUMA / SHRINKING**2)
    return grey[np.newaxis, np.newaxis]


def _roll(landmarks: Landmarks, width: int, height: int) -> float:
    """Return the slope of the line of the eyes in degrees; 0 if they coincide."""
    left = _middle(landmarks.left_eye_outer, landmarks.left_eye_inner, width, height)
    right = _middle(landmarks.right_eye_inner, landmarks.right_eye_outer, width, height)
    eyes = right - left
    return math.degrees(math.atan2(eyes.imag, eyes.real))


def _middle(first: Point, second: Point, width: int, height: int) -> complex:
    """Return the point between two landmarks in pixels, as x + iy."""
    return complex((first.x + second.x) / 2 * width, (first.y + second.y) / 2 * height)
