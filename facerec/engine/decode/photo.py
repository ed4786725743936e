"""A decoded photo, and how large it has to be for its faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SMALLEST_FACE = 80
"""The side in pixels of the CNN detector's window: smaller faces cost an enlarged photo."""

FACE_PIXELS_NEEDED = 80
"""The side of the smallest face that must be left after decoding: the window of the detector.

A chip shows a face with 100 pixels, so that the very smallest faces lose a little. The descriptors
of faces decoded to 80 pixels are 0.09 from those of the full photo, where two photos of a person
are 0.25 apart, and to 100 pixels 0.07 (``benchmarks/reduced_decoding.py``).
"""


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPhoto:
    """A photo as pixels.

    Attributes:
        pixels: upright, uint8, shape (height * scale, width * scale, 3) rounded up, RGB,
            C-contiguous.
        width: pixels of the upright photo as stored.
        height: pixels of the upright photo as stored.
        scale: decoded pixels for each stored pixel along a side: 1, 1/2, 1/3 and so on.
        is_preview: whether the smallest faces have fewer than ``FACE_PIXELS_NEEDED``, since the
            caller asked for fewer, and could have had them.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    scale: float
    is_preview: bool = False


def effective_smallest_face(width: int, height: int, requested: int | None) -> int:
    """Return from which size on faces are looked for, in pixels of the photo as stored.

    Unless requested otherwise it is a 24th of the longer side, so that the work does not grow
    with the resolution of the camera; but no more than an 8th of the shorter side, which keeps the
    faces in a panorama, and no less than 80 pixels.

    Args:
        width: pixels of the photo as stored.
        height: pixels of the photo as stored.
        requested: what the caller asked for, None to let it follow from the photo.
    """
    if requested is not None:
        return requested
    share = min(max(width, height) / 24, min(width, height) / 8)
    return max(SMALLEST_FACE, round(share))


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """How to decode a photo; see ``decode`` for what each option does."""

    smallest_face: int | None
    max_pixels: int
    face_pixels: int = FACE_PIXELS_NEEDED
