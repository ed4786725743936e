"""What a face detector is and what it finds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAX_SEARCHED_PIXELS = 25_000_000
"""A photo is never enlarged beyond this, so that memory stays bounded."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Detection:
    """A face that was found, in pixels of the array that was searched.

    The box may reach beyond the array. A pixel's left edge is at its index, its right edge at its
    index plus one.

    Attributes:
        left: where the box begins.
        top: where the box begins.
        width: the box's extent.
        height: the box's extent.
        score: how sure the detector is, on its own scale; see ``confidence`` for a common one.
    """

    left: float
    top: float
    width: float
    height: float
    score: float

    def resized(self, across: float, down: float) -> Detection:
        """Return the same face in a photo of another size.

        Args:
            across: pixels of the other photo for each of this one, along its width.
            down: the same along its height.
        """
        return Detection(
            left=self.left * across,
            top=self.top * down,
            width=self.width * across,
            height=self.height * down,
            score=self.score,
        )


class Detector(Protocol):
    """Finds faces in pixels."""

    def detect(
        self, pixels: Pixels, smallest_face: float, *, threshold: float = 0.0
    ) -> list[Detection]:
        """Return the faces in a photo, the best score first.

        Args:
            pixels: uint8 of shape (height, width, 3), RGB.
            smallest_face: the side in pixels of the smallest faces to look for; half of it costs
                four times the work. Enlarging ends at 25 megapixels.
            threshold: scores above it are detections; below 0 more of what is found is false.
        """
        ...


def scale_for(pixels: Pixels, smallest_face: float, window: int) -> Pixels:
    """Resize a photo so that its smallest faces of interest fill a detector's window.

    Args:
        pixels: uint8 of shape (height, width, 3).
        smallest_face: the side of these faces in pixels.
        window: the side of the window in pixels.
    """
    height, width = pixels.shape[:2]
    limit = math.sqrt(MAX_SEARCHED_PIXELS / (height * width))
    scale = min(window / smallest_face, max(1.0, limit))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return np.ascontiguousarray(pixels)
    resized = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(resized)
