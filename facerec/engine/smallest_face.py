"""The default size of the smallest face to search for."""

from __future__ import annotations

MIN_DEFAULT = 40
"""Smallest face, in pixels, of photos up to 2000 pixels long; HOG finds it after one upsampling."""

MIN_KEPT_SHARE = 0.65
"""Detections below this share of the smallest face are rejected as too small. It is less than 1
because sizes are coarse: dlib's detector finds faces from 0.75 of its window, and the sizes of
proposals are within 15 %."""

SHARE_OF_LONGER_SIDE = 1 / 50
"""Smallest face as a share of the longer side. Rekognition documents 40 pixels in a photo of
1920x1080, about 2 % of the longer side
(https://docs.aws.amazon.com/rekognition/latest/dg/limits.html)."""

SHARE_OF_SHORTER_SIDE = 1 / 25
"""Maximum of the smallest face as a share of the shorter side, for panoramas: the size of their
faces does not depend on their longer side."""


def effective_smallest_face(width: int, height: int, requested: int | None) -> int:
    """Return the side in pixels of the smallest face to search for.

    By default this is 2 % of the longer side, but at most 4 % of the shorter one, and at least 40
    pixels. So the work does not grow with the resolution of the camera. ``docs/detection.md`` shows
    what other rules find and cost.

    Args:
        width: Width of the photo as stored, in pixels.
        height: Height of the photo as stored, in pixels.
        requested: The size that the caller requested; None for the default.
    """
    if requested is not None:
        return requested
    share = min(
        max(width, height) * SHARE_OF_LONGER_SIDE, min(width, height) * SHARE_OF_SHORTER_SIDE
    )
    return max(MIN_DEFAULT, round(share))
