"""dlib's CNN face detector, with its pyramid, its boxes and its choice among overlapping ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.vision.detection import Detection, Pixels, scale_for
from facerec.vision.detector_network import (
    INPUT_NAME,
    OUTPUT_NAME,
    DetectorGeometry,
)
from facerec.vision.models import detector_model
from facerec.vision.pyramid import TileLayout, fill_tile, lay_out
from facerec.vision.runtime import open_session
from facerec.vision.suppression import suppress_overlaps

_STRIP_PIXELS = 2_000_000
"""How much of the tile is scored in one run, which takes about 75 bytes a pixel while it lasts."""

_SHORTEST_STRIP = 800
"""Rows of the tile: strips overlap by about 190, so that shorter ones would repeat much work."""

_LARGEST_EXACT_PHOTO = 5_000_000
"""Pixels up to which the pyramid is kept as float32, 40 bytes for each pixel of the photo."""


class CnnDetector:
    """The MMOD network run on dlib's tiled pyramid.

    Scores are those of ``dlib.cnn_face_detection_model_v1`` within 1e-3, and boxes within 2 pixels,
    for photos that are searched at up to 5 megapixels; in the pyramid of larger ones values are
    rounded to bytes, which changes scores by up to 0.03.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        """Load the network.

        Args:
            threads: how many threads one run may use; None for all cores of this process.

        Raises:
            WeightsError: dlib's weights are missing or damaged.
        """
        self._session = open_session(detector_model(), threads)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._geometry = DetectorGeometry.from_metadata(metadata)

    def detect(
        self, pixels: Pixels, smallest_face: float, *, threshold: float = 0.0
    ) -> list[Detection]:
        """Return the faces in a photo, the best score first (see ``Detector``)."""
        geometry = self._geometry
        scaled = scale_for(pixels, smallest_face, geometry.window)
        height, width = scaled.shape[:2]
        layout = lay_out(width, height, geometry.padding, geometry.outer_padding)
        dtype = np.float32 if width * height <= _LARGEST_EXACT_PHOTO else np.uint8
        scores = self._score(fill_tile(scaled, layout, geometry.means, dtype))
        boxes, box_scores = self._boxes(scores, layout, threshold)
        kept = suppress_overlaps(boxes, box_scores, geometry.overlap, geometry.cover)
        shrunk_by = np.array([pixels.shape[1] / width, pixels.shape[0] / height] * 2)
        return [
            Detection(left, top, box_width, box_height, score=float(box_scores[number]))
            for number in kept
            for left, top, box_width, box_height in [(boxes[number] * shrunk_by).tolist()]
        ]

    def _score(self, tile: NDArray[Any]) -> NDArray[np.float32]:
        """Return the score of each place of a tile, computed in strips that overlap.

        A strip reaches as far beyond its own outputs as these depend on, so that the result is
        that of one run on the whole tile.
        """
        geometry = self._geometry
        rows, columns = (self._outputs(side) for side in tile.shape[1:])
        scores = np.empty((rows, columns), dtype=np.float32)
        if not scores.size:
            return scores
        context = 2 * geometry.reach * geometry.stride
        strip_height = max(_STRIP_PIXELS // tile.shape[2], _SHORTEST_STRIP)
        strip_rows = (strip_height - context) // geometry.stride
        for start in range(0, rows, strip_rows):
            end = min(start + strip_rows, rows)
            first, last = max(start - geometry.reach, 0), min(end + geometry.reach, rows)
            strip = tile[:, first * geometry.stride : self._input_end(last), :]
            batch = strip[np.newaxis].astype(np.float32, copy=False)
            (result,) = self._session.run([OUTPUT_NAME], {INPUT_NAME: batch})
            scores[start:end] = result[0, 0, start - first : end - first]
        return scores

    def _outputs(self, side: int) -> int:
        """Return how many outputs fit a side of the tile: the convolutions have no padding."""
        uncovered = 2 * self._geometry.origin + 1
        return max(0, (side - uncovered) // self._geometry.stride + 1)

    def _input_end(self, outputs: int) -> int:
        """Return where the input of the first so many outputs ends."""
        return (outputs - 1) * self._geometry.stride + 2 * self._geometry.origin + 1

    def _boxes(
        self, scores: NDArray[np.float32], layout: TileLayout, threshold: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Return boxes (left, top, width, height) in the scaled photo, and their scores."""
        geometry = self._geometry
        places = np.argwhere(scores > threshold)
        boxes = np.empty((len(places), 4))
        half = (geometry.window - 1) / 2
        for box, place in zip(boxes, places, strict=True):
            y, x = (float(center) for center in place * geometry.stride + geometry.origin)
            center_x, center_y, scale = layout.to_photo(x, y)
            side = 2 * half * scale
            # dlib's boxes name their last pixel, so they are one pixel wider than their extent.
            box[:] = (center_x - side / 2, center_y - side / 2, side + 1, side + 1)
        return boxes, scores[places[:, 0], places[:, 1]]
