"""The verifier: dlib's detection network on one crop of a photo."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from facerec.engine.detect.detection import Detection, Pixels
from facerec.engine.dlib.crop_network import crop_side
from facerec.engine.dlib.detector_interface import INPUT_NAME, OUTPUT_NAME, DetectorGeometry
from facerec.engine.dlib.models import crop_model
from facerec.engine.dlib.sessions import open_session

_SCORE_STEP = 0.05
"""Scores that differ by less count as equal. Around a face several places often score alike; the
box is their weighted mean."""

_MIN_VISIBLE = 0.05
"""Share of a crop's side that must lie inside the photo."""


@dataclass(frozen=True, slots=True)
class _Crop:
    """A square of a photo, resized.

    Attributes:
        pixels: uint8 of shape (side, side, 3), RGB.
        x: The centre of its middle pixel in the photo (see ``Detection``).
        y: The centre of its middle pixel in the photo.
        scale: Pixels of the photo per pixel of the crop.
    """

    pixels: Pixels
    x: float
    y: float
    scale: float


class Verifier:
    """Scores boxes with the MMOD network, one crop at a time."""

    def __init__(self, *, threads: int | None = None) -> None:
        """Load the network.

        Args:
            threads: Number of threads per network run; None for all cores of this process.

        Raises:
            WeightsError: dlib's weights are missing or cannot be used.
        """
        self._session = open_session(crop_model(), threads)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.geometry = DetectorGeometry.from_metadata(metadata)
        self._side = crop_side(self.geometry)
        # Larger than any square, to copy a part of it.
        self._background = np.empty((2 * self._side + 1, 2 * self._side + 1, 3), dtype=np.uint8)
        self._background[:] = np.rint(self.geometry.means)

    def score(self, pixels: Pixels, x: float, y: float, side: float) -> Detection | None:
        """Return the best box of one size near a point, regardless of its score.

        Args:
            pixels: uint8 of shape (height, width, 3), RGB.
            x: The point, in pixels of the photo (see ``Detection``).
            y: The point, in pixels of the photo.
            side: Side of the box, in pixels of the photo.

        Returns:
            None if nearly all of the crop lies outside the photo.
        """
        geometry = self.geometry
        crop = self._crop(pixels, x, y, side / geometry.window)
        if crop is None:
            return None
        batch = np.ascontiguousarray(crop.pixels.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)
        (result,) = self._session.run([OUTPUT_NAME], {INPUT_NAME: batch})
        scores = result[0, 0]
        score = float(scores.max())
        weights = np.exp((scores - score) / _SCORE_STEP)
        weights /= weights.sum()
        offsets = geometry.stride * crop.scale * (np.arange(len(scores)) - (len(scores) - 1) / 2)
        x = crop.x + float(weights.sum(axis=0) @ offsets)
        y = crop.y + float(weights.sum(axis=1) @ offsets)
        # dlib's boxes are one pixel wider than their extent, as in ``ExactDetector``.
        extent = (geometry.window - 1) * crop.scale + 1
        return Detection(x - extent / 2, y - extent / 2, extent, extent, score)

    def _crop(self, pixels: Pixels, x: float, y: float, scale: float) -> _Crop | None:
        """Return a square around a point, with the mean colour outside the photo.

        The result is None if nearly all of the square is outside the photo.

        dlib resizes in half of Pillow's time. It reads only the four nearest pixels for each pixel
        of the crop, so rows and columns between them are skipped first. Reading more pixels of a
        large face would give the same scores.
        """
        import dlib

        step = max(1, int(scale))
        steps = max(1, math.floor((self._side - 1) * scale / step))
        # The square has whole pixels: of two sizes, the one that fits the point better is used.
        extent = min((steps * step, (steps + 1) * step), key=lambda size: _shift(x, y, size))
        samples = extent // step + 1
        left, top = round(x - 0.5 - extent / 2), round(y - 0.5 - extent / 2)
        across = _inside(left, samples, step, pixels.shape[1])
        down = _inside(top, samples, step, pixels.shape[0])
        if min(len(across), len(down)) < _MIN_VISIBLE * samples:
            return None
        square = self._background[:samples, :samples].copy()
        square[down.start : down.stop, across.start : across.stop] = pixels[
            top + down.start * step : top + down.stop * step : step,
            left + across.start * step : left + across.stop * step : step,
        ]
        middle = extent / 2 + 0.5
        resized = dlib.resize_image(square, self._side, self._side)
        return _Crop(resized, left + middle, top + middle, extent / (self._side - 1))


def _shift(x: float, y: float, extent: int) -> float:
    """Return how far the centre of a square of whole pixels is from a point, in pixels.

    This is the sum of the distances along both axes.
    """
    left, top = x - 0.5 - extent / 2, y - 0.5 - extent / 2
    return abs(left - round(left)) + abs(top - round(top))


def _inside(first: int, samples: int, step: int, length: int) -> range:
    """Return the indices of the samples of a line that lie inside the photo.

    Args:
        first: Photo coordinate of the first sample.
        samples: Number of samples.
        step: Photo pixels between two samples.
        length: Length of the photo along this line.
    """
    start = min(samples, max(0, math.ceil(-first / step)))
    end = min(samples, max(start, math.ceil((length - first) / step)))
    return range(start, end)
