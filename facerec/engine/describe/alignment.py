"""Finds the landmarks of a face and its chip, the upright face at a fixed size, using dlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facerec.core.faces import Landmarks, Point
from facerec.engine.detect.detection import Detection, Pixels
from facerec.engine.dlib.descriptor_interface import CHIP_SIZE
from facerec.engine.dlib.weights import REPAIR, Weights, find_weights
from facerec.errors import WeightsError

if TYPE_CHECKING:
    import dlib

CHIP_PADDING = 0.25
"""Margin around a face as a share of its size, as in the descriptor network's training."""

FACE_IN_CHIP = round(CHIP_SIZE / (1 + 2 * CHIP_PADDING))
"""Side of a face in its chip, in pixels. Smaller faces are enlarged."""


class Aligner:
    """dlib's 5-point shape predictor."""

    def __init__(self) -> None:
        """Load the predictor.

        Raises:
            WeightsError: dlib's weights are missing or cannot be used.
        """
        import dlib

        path = find_weights(Weights.LANDMARKS)
        try:
            self._predictor = dlib.shape_predictor(str(path))
        except RuntimeError as error:
            raise WeightsError(
                f"the weights {path} cannot be read or are damaged", REPAIR
            ) from error

    def shape(self, pixels: Pixels, detection: Detection) -> dlib.full_object_detection:
        """Find the landmarks of a face.

        Args:
            pixels: uint8 of shape (height, width, 3), RGB.
            detection: The face, in these pixels.

        Returns:
            Dlib's five points in pixels, as ``landmarks`` and ``chip`` expect them.
        """
        import dlib

        # dlib's rectangles include their last pixel.
        box = dlib.rectangle(
            round(detection.left),
            round(detection.top),
            round(detection.left + detection.width - 1),
            round(detection.top + detection.height - 1),
        )
        return self._predictor(pixels, box)

    @staticmethod
    def landmarks(pixels: Pixels, shape: dlib.full_object_detection) -> Landmarks:
        """Return landmarks as ratios of a photo's width and height."""
        height, width = pixels.shape[:2]
        # dlib's coordinates are pixel centres.
        points = [Point((part.x + 0.5) / width, (part.y + 0.5) / height) for part in shape.parts()]
        # dlib starts with the eye on the right of the photo, and with the outer corner of each eye.
        right_outer, right_inner, left_outer, left_inner, nose = points
        return Landmarks(
            left_eye_outer=left_outer,
            left_eye_inner=left_inner,
            right_eye_inner=right_inner,
            right_eye_outer=right_outer,
            nose=nose,
        )

    @staticmethod
    def chip(
        pixels: Pixels, shape: dlib.full_object_detection, padding: float = CHIP_PADDING
    ) -> Pixels:
        """Return the aligned face: uint8 of shape (150, 150, 3), RGB.

        Args:
            pixels: uint8 of shape (height, width, 3), RGB.
            shape: The face's points in these pixels.
            padding: The margin around the face as a share of its size.
        """
        import dlib

        chip: Pixels = np.asarray(
            dlib.get_face_chip(pixels, shape, size=CHIP_SIZE, padding=padding)
        )
        return chip
