"""How well a face can be recognised, and which faces to leave out for it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facerec.core.faces import BoundingBox, Landmarks, Quality
from facerec.core.options import QualityFilter
from facerec.core.photos import RejectionReason
from facerec.engine.describe.pose import estimate_pose

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in grey (ITU-R BT.601)."""

CHIP_MARGIN = 25
"""Pixels at each side of a 150x150 chip that dlib's padding of 0.25 adds around the face."""

CRISPEST = 600.0
"""Variance of the Laplacian that counts as sharpness 100: the crispest of 34 studio portraits."""


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """What a face must meet; units as in ``facerec.core.faces.Quality`` and ``Pose``.

    Roll has no limit, since alignment undoes it.
    """

    size: float
    sharpness: float
    darkest: float
    brightest: float
    yaw: float
    pitch: float


LIMITS = {
    QualityFilter.AUTO: QualityLimits(24, 15, darkest=5, brightest=97, yaw=60, pitch=50),
    QualityFilter.LOW: QualityLimits(32, 30, darkest=8, brightest=95, yaw=50, pitch=40),
    QualityFilter.MEDIUM: QualityLimits(50, 40, darkest=12, brightest=92, yaw=40, pitch=33),
    QualityFilter.HIGH: QualityLimits(80, 50, darkest=18, brightest=88, yaw=25, pitch=25),
}
"""The limits of each filter, measured in ``docs/accuracy.md``; NONE has none.

Brightness is judged leniently on purpose: it is as much a matter of skin as of light.
"""


def assess(
    chip: NDArray[np.uint8],
    box: BoundingBox,
    landmarks: Landmarks,
    width: int,
    height: int,
) -> Quality:
    """Judge one face.

    Args:
        chip: the aligned face, uint8, shape (150, 150, 3), RGB.
        box: ratios of the upright photo.
        landmarks: ratios of the upright photo.
        width: pixels of the upright photo as stored.
        height: pixels of the upright photo as stored.
    """
    grey = chip[CHIP_MARGIN:-CHIP_MARGIN, CHIP_MARGIN:-CHIP_MARGIN].astype(np.float32) @ LUMA
    return Quality(
        size=min(box.width * width, box.height * height),
        sharpness=_sharpness(grey),
        brightness=float(grey.mean()) / 255 * 100,
        pose=estimate_pose(landmarks, width, height),
    )


def rejections(quality: Quality, quality_filter: QualityFilter) -> tuple[RejectionReason, ...]:
    """Return why a face does not pass a filter; empty where it does.

    A washed-out face is LOW_FACE_QUALITY, for which Rekognition has no name of its own.
    """
    limits = LIMITS.get(quality_filter)
    if limits is None:
        return ()
    failures = {
        RejectionReason.SMALL_BOUNDING_BOX: quality.size < limits.size,
        RejectionReason.LOW_SHARPNESS: quality.sharpness < limits.sharpness,
        RejectionReason.LOW_BRIGHTNESS: quality.brightness < limits.darkest,
        RejectionReason.LOW_FACE_QUALITY: quality.brightness > limits.brightest,
        RejectionReason.EXTREME_POSE: abs(quality.pose.yaw) > limits.yaw
        or abs(quality.pose.pitch) > limits.pitch,
    }
    return tuple(reason for reason, failed in failures.items() if failed)


def _sharpness(grey: NDArray[np.float32]) -> float:
    """Map the variance of the Laplacian to 0..100 by its logarithm.

    The variance is a usual measure of focus (Pech-Pacheco et al. 2000, "Diatom autofocusing in
    brightfield microscopy"). Blur divides it, so its logarithm falls evenly as blur grows.
    """
    laplacian = (
        grey[1:-1, :-2] + grey[1:-1, 2:] + grey[:-2, 1:-1] + grey[2:, 1:-1] - 4 * grey[1:-1, 1:-1]
    )
    variance = max(1.0, float(laplacian.var()))
    return min(100.0, 100 * math.log(variance) / math.log(CRISPEST))
