"""dlib's CNN face detector: the whole pyramid, with dlib's boxes and overlap suppression."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.engine.detect.detection import Detection, Pixels, scale_for
from facerec.engine.detect.pyramid import TileLayout, fill_tile, lay_out
from facerec.engine.detect.suppression import suppress_overlaps
from facerec.engine.detect.tiles import count_outputs, divide
from facerec.engine.dlib.detector_interface import (
    INPUT_NAME,
    OUTPUT_NAME,
    DetectorGeometry,
)
from facerec.engine.dlib.models import detector_model
from facerec.engine.dlib.sessions import open_session

_BLOCK_PIXELS = 1_500_000
"""Number of pixels of the tile to score in one run, which needs about 75 bytes of memory each."""

_MAX_BLOCK_WIDTH = 1_500
"""Maximum width of a block in pixels; wider tiles are also divided along their width. Blocks
overlap by about 190 pixels, so wide flat blocks would repeat much work."""

_MAX_FLOAT_PIXELS = 4_000_000
"""Maximum number of pixels of a photo with a pyramid of float32, which takes 40 bytes for each
pixel of the photo; the pyramids of larger photos are uint8."""


class ExactDetector:
    """Runs the MMOD network on dlib's tiled pyramid.

    Scores equal those of ``dlib.cnn_face_detection_model_v1`` within 1e-3, and boxes within
    2 pixels, for photos searched at up to 4 megapixels. Larger pyramids are rounded to bytes,
    which changes scores by up to 0.03.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        """Load the network.

        Args:
            threads: Number of threads per network run; None for all cores of this process.

        Raises:
            WeightsError: dlib's weights are missing or cannot be used.
        """
        self._session = open_session(detector_model(), threads)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._geometry = DetectorGeometry.from_metadata(metadata)

    def detect(
        self, pixels: Pixels, smallest_face: float, *, threshold: float = 0.0
    ) -> list[Detection]:
        """Return the faces in a photo, best score first (see ``Detector``)."""
        geometry = self._geometry
        scaled = scale_for(pixels, smallest_face, geometry.window)
        height, width = scaled.shape[:2]
        layout = lay_out(width, height, geometry.padding, geometry.outer_padding)
        dtype = np.float32 if width * height <= _MAX_FLOAT_PIXELS else np.uint8
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
        """Return the scores of a tile of shape (3, rows, columns), one for each stride."""
        geometry = self._geometry
        height, width = tile.shape[1:]
        shape = (count_outputs(height, geometry), count_outputs(width, geometry))
        scores = np.empty(shape, dtype=np.float32)
        block_width = min(width, _MAX_BLOCK_WIDTH)
        across = divide(width, block_width, geometry) if scores.size else []
        for down in divide(height, _BLOCK_PIXELS // block_width, geometry):
            for span in across:
                block = tile[np.newaxis, :, down.source, span.source]
                batch = np.ascontiguousarray(block, dtype=np.float32)
                (result,) = self._session.run([OUTPUT_NAME], {INPUT_NAME: batch})
                scores[down.outputs, span.outputs] = result[0, 0, down.result, span.result]
        return scores

    def _boxes(
        self, scores: NDArray[np.float32], layout: TileLayout, threshold: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Return boxes (left, top, width, height) in the scaled photo, and their scores."""
        geometry = self._geometry
        positions = np.argwhere(scores > threshold)
        boxes = np.empty((len(positions), 4))
        half = (geometry.window - 1) / 2
        for box, position in zip(boxes, positions, strict=True):
            y, x = (float(center) for center in position * geometry.stride + geometry.origin)
            center_x, center_y, scale = layout.to_photo(x, y)
            side = 2 * half * scale
            # dlib's boxes include their last pixel, so they are one pixel wider than their extent.
            box[:] = (center_x - side / 2, center_y - side / 2, side + 1, side + 1)
        return boxes, scores[positions[:, 0], positions[:, 1]]
