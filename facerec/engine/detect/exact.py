"""dlib's CNN face detector, with its pyramid, its boxes and its choice among overlapping ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.engine.detect.detection import Detection, Pixels, scale_for
from facerec.engine.detect.pyramid import TileLayout, fill_tile, lay_out
from facerec.engine.detect.suppression import suppress_overlaps
from facerec.engine.detect.tiles import count_outputs, divide
from facerec.engine.dlib.detector_network import (
    INPUT_NAME,
    OUTPUT_NAME,
    DetectorGeometry,
)
from facerec.engine.dlib.models import detector_model
from facerec.engine.dlib.sessions import open_session

_BLOCK_PIXELS = 1_500_000
"""How much of the tile is scored in one run, which takes about 75 bytes a pixel while it lasts."""

_WIDEST_BLOCK = 1_500
"""Wider tiles are divided across too: blocks overlap by about 190 pixels, so that flat ones would
repeat much work."""

_LARGEST_EXACT_PHOTO = 4_000_000
"""Pixels up to which the pyramid is kept as float32, 40 bytes for each pixel of the photo."""


class CnnDetector:
    """The MMOD network run on dlib's tiled pyramid.

    Scores are those of ``dlib.cnn_face_detection_model_v1`` within 1e-3, and boxes within 2 pixels,
    for photos that are searched at up to 4 megapixels; in the pyramid of larger ones values are
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
        across, down = pixels.shape[1] / width, pixels.shape[0] / height
        return [
            Detection(left, top, box_width, box_height, float(score)).resized(across, down)
            for (left, top, box_width, box_height), score in zip(
                boxes[kept].tolist(), box_scores[kept], strict=True
            )
        ]

    def _score(self, tile: NDArray[Any]) -> NDArray[np.float32]:
        """Return the score of each place of a tile of shape (3, rows, columns)."""
        geometry = self._geometry
        height, width = tile.shape[1:]
        shape = (count_outputs(height, geometry), count_outputs(width, geometry))
        scores = np.empty(shape, dtype=np.float32)
        block_width = min(width, _WIDEST_BLOCK)
        across = divide(width, block_width, geometry) if scores.size else []
        for down in divide(height, _BLOCK_PIXELS // block_width, geometry):
            for span in across:
                block = tile[np.newaxis, :, down.source, span.source]
                batch = np.ascontiguousarray(block, dtype=np.float32)
                (result,) = self._session.run([OUTPUT_NAME], {INPUT_NAME: batch})
                scores[down.place, span.place] = result[0, 0, down.result, span.result]
        return scores

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
