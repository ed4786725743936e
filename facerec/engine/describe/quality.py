"""Face quality, and the limits of the quality filters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facerec.core.faces import BoundingBox, Pose, Quality
from facerec.core.options import QualityFilter
from facerec.core.photos import RejectionReason
from facerec.engine.describe.pose import LUMA

CHIP_MARGIN = 25
"""Margin of a 150x150 chip, in pixels: dlib's padding of 0.25 around the face."""

MAX_VARIANCE = 600.0
"""Variance of the Laplacian that counts as sharpness 100: the sharpest of 34 studio portraits."""

NO_GRAIN = 6.0
"""Grain, in grey levels, up to which sharpness is not lowered: 5 of 1,972 faces of FairFace have
more, and none of 1,271 of LFW (``python -m benchmarks.quality_limits``)."""

MAX_GRAIN = 13.0
"""Grain that counts as sharpness 0. AUTO rejects from a grain of 12, the limit that judges the
fewest grainy faces wrongly (``python -m benchmarks.quality_limits``)."""

LOW_CONTRAST = 24.0
"""``contrast`` of a face, in grey levels, below which grain counts for more: noise can be as strong
as the contrast of such a face. A quarter of the faces of LFW and FairFace have less. AUTO judges
21 % of grainy faces wrongly, and would judge 34 % wrongly without this rule
(``python -m benchmarks.quality_limits``)."""


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """Limits of one quality filter; units as in ``facerec.core.faces.Quality`` and ``Pose``.

    Roll has no limit because alignment removes it.
    """

    min_size: float
    min_sharpness: float
    min_brightness: float
    max_brightness: float
    max_yaw: float
    max_pitch: float


LIMITS = {
    QualityFilter.AUTO: QualityLimits(
        24, 15, min_brightness=5, max_brightness=97, max_yaw=60, max_pitch=50
    ),
    QualityFilter.LOW: QualityLimits(
        32, 30, min_brightness=8, max_brightness=95, max_yaw=50, max_pitch=40
    ),
    QualityFilter.MEDIUM: QualityLimits(
        50, 40, min_brightness=12, max_brightness=92, max_yaw=40, max_pitch=33
    ),
    QualityFilter.HIGH: QualityLimits(
        80, 50, min_brightness=18, max_brightness=88, max_yaw=30, max_pitch=25
    ),
}
"""Limits of each filter, measured in ``docs/accuracy.md``; NONE has no limits.

The limits of brightness are lenient on purpose: brightness depends on skin as much as on light.
"""


def assess(
    chip: NDArray[np.uint8],
    box: BoundingBox,
    pose: Pose,
    width: int,
    height: int,
) -> Quality:
    """Measure the quality of one face.

    Args:
        chip: The aligned face, uint8 of shape (150, 150, 3), RGB.
        box: Ratios of the upright photo.
        pose: Rotation of the head.
        width: Width of the upright photo as stored, in pixels.
        height: Height of the upright photo as stored, in pixels.
    """
    grey = in_grey(chip)
    return Quality(
        size=min(box.width * width, box.height * height),
        sharpness=min(_crispness(grey), _freedom_from_grain(grey)),
        brightness=float(grey.mean()) / 255 * 100,
        pose=pose,
    )


def rejections(quality: Quality, quality_filter: QualityFilter) -> tuple[RejectionReason, ...]:
    """Return the reasons why a face fails a filter; empty if it passes.

    A face that is too bright is LOW_FACE_QUALITY: Rekognition has no separate reason for it.
    """
    limits = LIMITS.get(quality_filter)
    if limits is None:
        return ()
    failures = {
        RejectionReason.SMALL_BOUNDING_BOX: quality.size < limits.min_size,
        RejectionReason.LOW_SHARPNESS: quality.sharpness < limits.min_sharpness,
        RejectionReason.LOW_BRIGHTNESS: quality.brightness < limits.min_brightness,
        RejectionReason.LOW_FACE_QUALITY: quality.brightness > limits.max_brightness,
        RejectionReason.EXTREME_POSE: abs(quality.pose.yaw) > limits.max_yaw
        or abs(quality.pose.pitch) > limits.max_pitch,
    }
    return tuple(reason for reason, failed in failures.items() if failed)


def in_grey(chip: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the face of a chip without its margin, in grey levels, shape (100, 100)."""
    return chip[CHIP_MARGIN:-CHIP_MARGIN, CHIP_MARGIN:-CHIP_MARGIN].astype(np.float32) @ LUMA


def _crispness(grey: NDArray[np.float32]) -> float:
    """Return the logarithm of the variance of the Laplacian, scaled to 0 to 100.

    The variance is a common measure of focus (Pech-Pacheco et al. 2000, "Diatom autofocusing in
    brightfield microscopy"). Blur divides it, so its logarithm falls evenly with blur.
    """
    laplacian = (
        grey[1:-1, :-2] + grey[1:-1, 2:] + grey[:-2, 1:-1] + grey[2:, 1:-1] - 4 * grey[1:-1, 1:-1]
    )
    variance = max(1.0, float(laplacian.var()))
    return min(100.0, 100 * math.log(variance) / math.log(MAX_VARIANCE))


def grain(grey: NDArray[np.float32], *, low_contrast: float = LOW_CONTRAST) -> float:
    """Estimate the noise of a face in grey levels; it counts for more in a face of low contrast.

    Grain is the deviation of noise at half the size, where the interpolation of the chip has no
    influence. It is estimated as by Immerkaer 1996, "Fast noise variance estimation" (Computer
    Vision and Image Understanding 64): this operator, with weights whose squares add up to 36, is 0
    on even slopes. The median of its absolute value, divided by 0.6745 as for a normal
    distribution, ignores edges. Noise of faces whose ``contrast`` is below ``low_contrast`` is
    multiplied by ``low_contrast / contrast``.

    Args:
        grey: The face without the margin of its chip (see ``in_grey``).
        low_contrast: Contrast below which noise counts for more, in grey levels.
    """
    small = _halved(grey)
    across = small[:, :-2] + small[:, 2:] - 2 * small[:, 1:-1]
    residual = np.abs(across[:-2] + across[2:] - 2 * across[1:-1])
    # This takes an eighth of the time of numpy's median.
    middle = residual.size // 2
    noise = float(np.partition(residual, middle, axis=None)[middle]) / (6 * 0.6745)
    return noise * max(1.0, low_contrast / max(1.0, contrast(grey)))


def contrast(grey: NDArray[np.float32]) -> float:
    """Return the standard deviation of the means of blocks of 8 by 8 pixels, in grey levels."""
    return float(_halved(_halved(_halved(grey))).std())


def _freedom_from_grain(grey: NDArray[np.float32]) -> float:
    """Return 100 up to a grain of ``NO_GRAIN``, falling evenly to 0 at ``MAX_GRAIN``.

    ``_crispness`` alone would take grain for detail.
    """
    return 100 * min(1.0, max(0.0, (MAX_GRAIN - grain(grey)) / (MAX_GRAIN - NO_GRAIN)))


def _halved(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of blocks of 2 by 2 pixels; an odd row or column at the end is dropped."""
    height, width = (length // 2 * 2 for length in grey.shape)
    rows = grey[:height:2, :width] + grey[1:height:2, :width]
    halved: NDArray[np.float32] = (rows[:, ::2] + rows[:, 1::2]) * np.float32(0.25)
    return halved
