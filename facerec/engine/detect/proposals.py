"""A first look at a photo: where faces may be, for a fiftieth of what knowing it costs.

A small network, in ``proposals.onnx``, was taught by dlib's detector to tell faces of 26 to 64
pixels from everything else, in shades of grey (``benchmarks/first_look``). It looks at the photo,
at half of it, at a quarter and so on. What it points at is for the large network to judge, so that
it may be wrong about many places, as long as it misses no face.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facerec.engine.detect.detection import MAX_SEARCHED_PIXELS, Pixels
from facerec.engine.detect.tiles import divide
from facerec.engine.dlib.detector_network import DetectorGeometry
from facerec.engine.dlib.sessions import open_session

MODEL_NAME = "proposals.onnx"
INPUT_NAME = "grey"
OUTPUT_NAME = "places"
SIDES_KEY = "sides"

_GREEN = 1
"""The channel taken for grey: most of luminance, at no cost. The network saw many mixtures."""

FACE_PIXELS = 40
"""The side of the smallest faces for which a photo need not be enlarged."""

LOWEST_SCORE = -3.5
"""Logits below it are no candidates: fewer than one of ten thousand of them is a face."""

_BLOCK_ROWS = 1_024
"""Rows that are looked at in one run, which takes about 10 bytes a pixel while it lasts."""

_SMALLEST_LEVEL = 28
"""Levels are halved while their shorter side stays at least so many pixels: the largest faces that
the network tells, of 64, then fill it."""

_SAME_PLACE = 0.4
"""Candidates are the same if their centres are nearer than this share of the smaller side"""

_SAME_SIZE = 1.75
"""and neither side is this many times the other."""

_CLOSE_ENOUGH = 1.25
"""A photo that is larger than needed by no more than this is looked at as it is: to resize a pixel
costs as much as to look at it."""

_SAMPLES = 2
"""Of a photo to be reduced only so many pixels are taken along each side of one of the result."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that may hold a face, in pixels of the photo (see ``Detection``).

    Attributes:
        x: the face's centre.
        y: the face's centre.
        side: of the box that the large network would give.
        score: the logit of the small network.
    """

    x: float
    y: float
    side: float
    score: float


class FirstLook:
    """The small network, run over a photo at every half of its size."""

    def __init__(self, *, threads: int | None = None) -> None:
        """Load the network.

        Args:
            threads: how many threads one run may use; None for all cores of this process.
        """
        model = resources.files("facerec.engine.detect").joinpath(MODEL_NAME).read_bytes()
        self._session = open_session(model, threads)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._geometry = DetectorGeometry.from_metadata(metadata)
        self._sides = np.array(json.loads(metadata[SIDES_KEY]), dtype=np.float32)

    def candidates(self, pixels: Pixels, smallest_face: float) -> Iterator[Candidate]:
        """Yield the places that may hold a face, the most likely first.

        Args:
            pixels: uint8 of shape (height, width, 3), RGB.
            smallest_face: the side in pixels of the smallest faces to look for.
        """
        height, width = pixels.shape[:2]
        found = [
            self._look(level, width / level.width, height / level.height)
            for level in _halvings(self._first_level(pixels, smallest_face))
        ]
        return _best_first(np.concatenate(found))

    def _first_level(self, pixels: Pixels, smallest_face: float) -> Image.Image:
        """Return the photo in grey, with its smallest faces as large as the network needs."""
        height, width = pixels.shape[:2]
        limit = math.sqrt(MAX_SEARCHED_PIXELS / (height * width))
        scale = min(FACE_PIXELS / smallest_face, max(1.0, limit))
        step = max(1, int(1 / (scale * _SAMPLES)))
        grey = Image.fromarray(np.ascontiguousarray(pixels[::step, ::step, _GREEN]))
        reduction = int(1 / (scale * step))
        if reduction > 1:
            grey = grey.reduce(reduction)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        if size[0] <= grey.width <= _CLOSE_ENOUGH * size[0]:
            return grey
        return grey.resize(size, Image.Resampling.BILINEAR)

    def _look(self, level: Image.Image, across: float, down: float) -> NDArray[np.float32]:
        """Return x, y, side and score of places in one level, as rows of an array.

        Args:
            level: the photo at some size, in grey.
            across: pixels of the photo for each of the level, along its width.
            down: the same along its height.
        """
        geometry = self._geometry
        margin = geometry.outer_padding
        shape = (level.height + 2 * margin, level.width + 2 * margin)
        padded = np.full(shape, geometry.means[_GREEN], dtype=np.float32)
        padded[margin:-margin, margin:-margin] = np.asarray(level)
        found = [np.empty((0, 4), dtype=np.float32)]
        for span in divide(shape[0], _BLOCK_ROWS, geometry):
            block = padded[np.newaxis, np.newaxis, span.source]
            (result,) = self._session.run([OUTPUT_NAME], {INPUT_NAME: block})
            scores, offsets = np.split(result[0, :, span.result], [len(self._sides)])
            row, column = np.nonzero(scores.max(axis=0) > LOWEST_SCORE)
            kind = scores[:, row, column].argmax(axis=0)
            offsets = offsets.reshape(len(self._sides), 3, *scores.shape[1:])
            right, below, octaves = offsets[kind, :, row, column].T
            place = geometry.origin - margin + 0.5
            x = (geometry.stride * (column + right) + place) * across
            y = (geometry.stride * (row + span.place.start + below) + place) * down
            side = self._sides[kind] * np.exp2(octaves) * across
            found.append(np.stack([x, y, side, scores[kind, row, column]], axis=1))
        return np.concatenate(found)


def _halvings(level: Image.Image) -> Iterator[Image.Image]:
    yield level
    while min(level.size) >= 2 * _SMALLEST_LEVEL:
        level = level.reduce(2)
        yield level


def _best_first(places: NDArray[np.float32]) -> Iterator[Candidate]:
    """Yield places that differ, as the caller asks for them: most photos need only a few."""
    remaining = places[np.argsort(-places[:, 3], kind="stable")].T
    while remaining.size:
        x, y, side, score = remaining[:, 0].tolist()
        yield Candidate(x, y, side, score)
        right, below, sides, _ = remaining
        reach = _SAME_PLACE * np.minimum(sides, side)
        differs = (right - x) ** 2 + (below - y) ** 2 >= reach**2
        differs |= sides >= side * _SAME_SIZE
        differs |= sides * _SAME_SIZE <= side
        remaining = remaining[:, differs]
