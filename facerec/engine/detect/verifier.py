"""A second look: what dlib's detection network makes of a place in a photo."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from facerec.engine.detect.detection import Detection, Pixels
from facerec.engine.dlib.crop_network import crop_side
from facerec.engine.dlib.detector_network import INPUT_NAME, OUTPUT_NAME, DetectorGeometry
from facerec.engine.dlib.models import crop_model
from facerec.engine.dlib.sessions import open_session

_REDUCING_GAP = 1.0
"""Pillow first takes the mean over as many whole pixels as the crop is smaller: scores change by
less than what moving the crop by a pixel does, in half of the time."""

_SAMPLES = 3
"""Of a large face only so many pixels are taken along each side of a pixel of the crop, which shows
the same and costs much less to reduce."""

_SCORE_STEP = 0.05
"""Scores that differ by less are as good as equal: around a face there are often several, and its
middle is theirs."""

_SMALLEST_PART = 8
"""Of a crop this many rows and columns must be of the photo."""


@dataclass(frozen=True, slots=True)
class _Range:
    """Where the photo lies in a crop along one side, and which part of the photo that is."""

    first: int
    last: int
    start: float
    end: float


class SecondLook:
    """The MMOD network on one crop at a time."""

    def __init__(self, *, threads: int | None = None) -> None:
        """Load the network.

        Args:
            threads: how many threads one run may use; None for all cores of this process.

        Raises:
            WeightsError: dlib's weights are missing or damaged.
        """
        self._session = open_session(crop_model(), threads)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.geometry = DetectorGeometry.from_metadata(metadata)
        side = crop_side(self.geometry)
        self._background = np.empty((side, side, 3), dtype=np.uint8)
        self._background[:] = np.rint(self.geometry.means)

    def judge(self, pixels: Pixels, x: float, y: float, side: float) -> Detection | None:
        """Return the best-scored box of one size around a place, whatever its score.

        Args:
            pixels: uint8 of shape (height, width, 3), RGB.
            x: the middle of the place, in pixels (see ``Detection``).
            y: the middle of the place.
            side: of the box, in pixels of the photo.

        Returns:
            None where nearly all of the surroundings lie outside the photo.
        """
        geometry = self.geometry
        scale = side / geometry.window
        crop = self._crop(pixels, x, y, scale)
        if crop is None:
            return None
        batch = np.ascontiguousarray(crop.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)
        (result,) = self._session.run([OUTPUT_NAME], {INPUT_NAME: batch})
        scores = result[0, 0]
        score = float(scores.max())
        weights = np.exp((scores - score) / _SCORE_STEP)
        weights /= weights.sum()
        places = geometry.stride * scale * (np.arange(len(scores)) - (len(scores) - 1) / 2)
        x += float(weights.sum(axis=0) @ places)
        y += float(weights.sum(axis=1) @ places)
        # As in ``cnn_detector``: dlib's boxes are one pixel wider than their extent.
        extent = (geometry.window - 1) * scale + 1
        return Detection(x - extent / 2, y - extent / 2, extent, extent, score)

    def _crop(self, pixels: Pixels, x: float, y: float, scale: float) -> Pixels | None:
        """Return a square around a place, with the means around the photo's edges."""
        side = len(self._background)
        across = _range(side, x, scale, pixels.shape[1])
        down = _range(side, y, scale, pixels.shape[0])
        if min(across.last - across.first, down.last - down.first) < _SMALLEST_PART:
            return None
        left, top = math.floor(across.start), math.floor(down.start)
        step = max(1, int(scale / _SAMPLES))
        part = pixels[top : math.ceil(down.end) : step, left : math.ceil(across.end) : step]
        height, width = part.shape[:2]
        box = (
            (across.start - left) / step,
            (down.start - top) / step,
            min((across.end - left) / step, width),
            min((down.end - top) / step, height),
        )
        resized = Image.fromarray(np.ascontiguousarray(part)).resize(
            (across.last - across.first, down.last - down.first),
            Image.Resampling.BILINEAR,
            box=box,
            reducing_gap=_REDUCING_GAP,
        )
        crop = self._background.copy()
        crop[down.first : down.last, across.first : across.last] = np.asarray(resized)
        return crop


def _range(side: int, middle: float, scale: float, length: int) -> _Range:
    """Return the part of one side of a crop that lies in the photo.

    Args:
        side: of the crop.
        middle: the place in the photo that the crop's middle shows.
        scale: pixels of the photo for each of the crop.
        length: of the photo.
    """
    start = middle - side / 2 * scale
    first = max(0, math.ceil(-start / scale))
    last = min(side, math.floor((length - start) / scale))
    return _Range(first, last, max(0.0, start + first * scale), min(length, start + last * scale))
