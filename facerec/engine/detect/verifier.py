"""The verifier: dlib's detection network on one crop of a photo."""

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
"""Pillow first averages whole blocks of pixels. That changes scores by less than moving the crop by
one pixel does, and takes half the time."""

_MAX_SAMPLES = 3
"""Source pixels read along each side of a crop's pixel. Reading more of a large face costs more and
shows the same."""

_SCORE_STEP = 0.05
"""Scores that differ by less count as equal. Around a face several places often score alike; the
box is their weighted mean."""

_MIN_VISIBLE = 8
"""Rows and columns of a crop that must lie inside the photo."""


@dataclass(frozen=True, slots=True)
class _Range:
    """The part of a crop's side that lies inside the photo.

    Attributes:
        first: first pixel of the crop.
        last: pixel of the crop after the last.
        start: where the part starts in the photo, in pixels.
        end: where the part ends in the photo, in pixels.
    """

    first: int
    last: int
    start: float
    end: float


class Verifier:
    """Scores boxes with the MMOD network, one crop at a time."""

    def __init__(self, *, threads: int | None = None) -> None:
        """Load the network.

        Args:
            threads: threads per network run; None for all cores of this process.

        Raises:
            WeightsError: dlib's weights are missing or damaged.
        """
        self._session = open_session(crop_model(), threads)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.geometry = DetectorGeometry.from_metadata(metadata)
        side = crop_side(self.geometry)
        self._background = np.empty((side, side, 3), dtype=np.uint8)
        self._background[:] = np.rint(self.geometry.means)

    def score(self, pixels: Pixels, x: float, y: float, side: float) -> Detection | None:
        """Return the best box of one size near a point, whatever its score.

        Args:
            pixels: uint8 of shape (height, width, 3), RGB.
            x: the point, in pixels of the photo (see ``Detection``).
            y: the point, in pixels of the photo.
            side: side of the box, in pixels of the photo.

        Returns:
            None if nearly all of the crop lies outside the photo.
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
        offsets = geometry.stride * scale * (np.arange(len(scores)) - (len(scores) - 1) / 2)
        x += float(weights.sum(axis=0) @ offsets)
        y += float(weights.sum(axis=1) @ offsets)
        # dlib's boxes are one pixel wider than their extent, as in ``ExactDetector``.
        extent = (geometry.window - 1) * scale + 1
        return Detection(x - extent / 2, y - extent / 2, extent, extent, score)

    def _crop(self, pixels: Pixels, x: float, y: float, scale: float) -> Pixels | None:
        """Return a square around a point, with the mean colour outside the photo."""
        side = len(self._background)
        across = _range_inside(side, x, scale, pixels.shape[1])
        down = _range_inside(side, y, scale, pixels.shape[0])
        if min(across.last - across.first, down.last - down.first) < _MIN_VISIBLE:
            return None
        left, top = math.floor(across.start), math.floor(down.start)
        step = max(1, int(scale / _MAX_SAMPLES))
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


def _range_inside(side: int, center: float, scale: float, length: int) -> _Range:
    """Return the part of a crop's side that lies inside the photo.

    Args:
        side: side of the crop in pixels.
        center: the photo coordinate at the crop's centre.
        scale: photo pixels per crop pixel.
        length: length of the photo along this side.
    """
    start = center - side / 2 * scale
    first = max(0, math.ceil(-start / scale))
    last = min(side, math.floor((length - start) / scale))
    return _Range(first, last, max(0.0, start + first * scale), min(length, start + last * scale))
