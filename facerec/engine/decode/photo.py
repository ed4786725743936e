"""A decoded photo, and the size that its faces need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FACE_PIXELS_NEEDED = 80
"""Minimum side of the smallest face after decoding, in pixels: the window of the detector.

A chip shows a face with 100 pixels, so the very smallest faces lose some detail. The embeddings of
faces decoded to 80 pixels differ by 0.09 from those of the full photo, and by 0.07 if decoded to
100 pixels. Embeddings of two photos of a person differ by 0.25
(``benchmarks/reduced_decoding.py``).
"""


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPhoto:
    """A photo as pixels.

    Attributes:
        pixels: Upright, uint8, shape (height * scale, width * scale, 3) rounded up, RGB,
            C-contiguous.
        width: Width of the upright photo as stored, in pixels.
        height: Height of the upright photo as stored, in pixels.
        scale: Decoded pixels for each stored pixel along a side: 1, 1/2, 1/3 and so on.
        is_preview: Whether the smallest faces have fewer than ``FACE_PIXELS_NEEDED`` pixels only
            because the caller asked for fewer.
        has_orientation: Whether the file specifies which way up the photo is.
        is_animated: Whether the file contains more frames than the first, which was decoded.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    scale: float
    is_preview: bool = False
    has_orientation: bool = False
    is_animated: bool = False


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """Options for decoding a photo; ``decode`` describes each of them."""

    smallest_face: int | None
    max_pixels: int
    face_pixels: int = FACE_PIXELS_NEEDED
