"""The interface of face detectors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAX_SEARCHED_PIXELS = 25_000_000
"""Maximum number of pixels of an enlarged photo, to bound memory."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Detection:
    """A detected face, in pixels of the array that was searched.

    The box may reach beyond the array. A pixel's left edge is at its index, its right edge at its
    index plus one.

    Attributes:
        left: Left edge of the box.
        top: Top edge of the box.
        width: Width of the box.
        height: Height of the box.
        score: The detector's own score; ``confidence`` maps it to a common scale.
        proposal_score: Logit of the proposal that led to the face; None if the detector has no
            proposals, or if the exact detector found the face after the proposals had failed. Faces
            with a low score often lie on their side.
    """

    left: float
    top: float
    width: float
    height: float
    score: float
    proposal_score: float | None = None

    def resized(self, across: float, down: float) -> Detection:
        """Return the same face in a photo of another size.

        Args:
            across: Pixels of the other photo per pixel of this one, along the width.
            down: Pixels of the other photo per pixel of this one, along the height.
        """
        return Detection(
            left=self.left * across,
            top=self.top * down,
            width=self.width * across,
            height=self.height * down,
            score=self.score,
            proposal_score=self.proposal_score,
        )


class Detector(Protocol):
    """Finds faces in pixels."""

    def detect(
        self, pixels: Pixels, smallest_face: float, *, threshold: float = 0.0
    ) -> list[Detection]:
        """Return the faces in a photo, best score first.

        Args:
            pixels: uint8 of shape (height, width, 3), RGB.
            smallest_face: Side in pixels of the smallest face to search for; half the side costs
                four times the work. Photos are enlarged to at most 25 megapixels.
            threshold: Minimum score of a detection, exclusive; below 0, more detections are
                false.
        """
        ...


def scale_for(pixels: Pixels, smallest_face: float, window: int) -> Pixels:
    """Resize a photo so that the smallest faces to find fill a detector's window.

    The photo is enlarged to at most ``MAX_SEARCHED_PIXELS``.

    Args:
        pixels: uint8 of shape (height, width, 3).
        smallest_face: Side of these faces in pixels.
        window: Side of the window in pixels.
    """
    height, width = pixels.shape[:2]
    limit = math.sqrt(MAX_SEARCHED_PIXELS / (height * width))
    scale = min(window / smallest_face, max(1.0, limit))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return np.ascontiguousarray(pixels)
    resized = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(resized)
