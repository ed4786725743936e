"""A small network that proposes where faces may be, at a fiftieth of the cost of verifying.

The network in ``proposals.onnx`` learned from dlib's detector to tell faces of 26 to 64 pixels from
everything else, in greyscale (``training/proposals``). It runs at full size, at half size, at a
quarter and so on. The verifier judges every proposal, so the network may propose many places
without a face, as long as it misses no face.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pkgutil import get_data
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facerec.engine.detect.detection import MAX_SEARCHED_PIXELS, Detection, Detector, Pixels
from facerec.engine.detect.tiles import divide
from facerec.engine.dlib.detector_interface import DetectorGeometry
from facerec.engine.dlib.sessions import open_session

MODEL_NAME = "proposals.onnx"
INPUT_NAME = "grey"
OUTPUT_NAME = "places"
SIDES_KEY = "sides"

GREEN = 1
"""The channel used as greyscale: it has most of the luminance, and needs no conversion. The network
was trained on many mixtures of the channels."""

MIN_FACE_PIXELS = 40
"""Side of the smallest face that the network finds without enlarging the photo."""

_LARGE_PHOTO = 2_000_000
"""Photos with more pixels are searched at a smaller size: their smallest faces have more pixels."""

_MIN_FACE_PIXELS_IF_LARGE = 28
"""Side of the smallest face in the search of a large photo. ``docs/detection.md`` shows that this
halves the work and loses no face."""

MIN_SCORE = -3.5
"""Places with a lower logit are not proposed: fewer than one in 10,000 of them is a face."""

_BLOCK_ROWS = 1_024
"""Number of rows per network run, which needs about 10 bytes of memory per pixel."""

_MIN_LEVEL_SIDE = 28
"""Levels are halved while their shorter side keeps this many pixels: the largest faces that the
network knows, of 64 pixels, then fill the level."""

_SAME_FACE_OVERLAP_DISTANCE = 0.4
"""Maximum distance of the centres of two proposals of one face, as a share of the smaller side."""

_SAME_FACE_OVERLAP_RATIO = 1.75
"""Maximum ratio of the sides of two proposals of one face."""

_MAX_EXCESS = 1.1
"""A photo that is at most this many times larger than needed is not resized."""

_SAMPLES = 2
"""Number of source pixels read along each side of a pixel of a reduced photo."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A place that may hold a face, in pixels of the photo (see ``Detection``).

    Attributes:
        x: The face's centre, from the left.
        y: The face's centre, from the top.
        side: Side of the box that the verifier would return.
        score: The network's logit.
    """

    x: float
    y: float
    side: float
    score: float


@runtime_checkable
class ProposingDetector(Detector, Protocol):
    """A detector that also returns the positions at which faces may be."""

    def search(
        self,
        pixels: Pixels,
        smallest_face: float,
        *,
        threshold: float = 0.0,
        only_proposed: bool = False,
    ) -> tuple[list[Detection], Iterator[Proposal]]:
        """Return the faces in a photo as ``detect`` does, and the places that may hold a face.

        Places are ordered, most likely first. With ``only_proposed``, faces that were found without
        a proposal are omitted.
        """
        ...


class ProposalNetwork:
    """Runs the proposal network over an image pyramid whose levels halve in size."""

    def __init__(self, *, threads: int | None = None) -> None:
        """Load the network.

        Args:
            threads: Number of threads per network run; None for all cores of this process.
        """
        model = get_data(__package__, MODEL_NAME) or b""
        self._session = open_session(model, threads)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._geometry = DetectorGeometry.from_metadata(metadata)
        self._sides = np.array(json.loads(metadata[SIDES_KEY]), dtype=np.float32)

    def propose(self, pixels: Pixels, smallest_face: float) -> Iterator[Proposal]:
        """Yield the places that may hold a face, most likely first.

        Args:
            pixels: uint8 of shape (height, width, 3), RGB.
            smallest_face: Side in pixels of the smallest face to search for.
        """
        height, width = pixels.shape[:2]
        return self.propose_in(first_level(pixels, smallest_face), width, height)

    def propose_in(self, level: Image.Image, width: int, height: int) -> Iterator[Proposal]:
        """Yield the places that may hold a face, most likely first.

        Args:
            level: Result of ``first_level`` for a photo, perhaps turned.
            width: Width of the photo, in the pixels of the places to return.
            height: Height of the photo, in these pixels.
        """
        places = [
            self.search_level(each, width / each.width, height / each.height)
            for each in _halvings(level)
        ]
        return _best_first(np.concatenate(places))

    def search_level(
        self, level: Image.Image, across: float = 1.0, down: float = 1.0
    ) -> NDArray[np.float32]:
        """Return the places of one level: float32 of shape (n, 4) with x, y, side and score.

        Args:
            level: The photo in greyscale, at some size.
            across: Photo pixels per level pixel along the width.
            down: Photo pixels per level pixel along the height.
        """
        geometry = self._geometry
        margin = geometry.outer_padding
        shape = (level.height + 2 * margin, level.width + 2 * margin)
        padded = np.full(shape, geometry.means[GREEN], dtype=np.float32)
        padded[margin:-margin, margin:-margin] = np.asarray(level)
        places = [np.empty((0, 4), dtype=np.float32)]
        for span in divide(shape[0], _BLOCK_ROWS, geometry):
            block = padded[np.newaxis, np.newaxis, span.source]
            (result,) = self._session.run([OUTPUT_NAME], {INPUT_NAME: block})
            scores, offsets = np.split(result[0, :, span.result], [len(self._sides)])
            row, column = np.nonzero(scores.max(axis=0) > MIN_SCORE)
            kind = scores[:, row, column].argmax(axis=0)
            offsets = offsets.reshape(len(self._sides), 3, *scores.shape[1:])
            right, below, octaves = offsets[kind, :, row, column].T
            origin = geometry.origin - margin + 0.5
            x = (geometry.stride * (column + right) + origin) * across
            y = (geometry.stride * (row + span.outputs.start + below) + origin) * down
            side = self._sides[kind] * np.exp2(octaves) * across
            places.append(np.stack([x, y, side, scores[kind, row, column]], axis=1))
        return np.concatenate(places)


def first_level(pixels: Pixels, smallest_face: float) -> Image.Image:
    """Return a photo in greyscale, with its smallest faces as large as the network needs.

    It is enlarged to at most ``MAX_SEARCHED_PIXELS``, so the smallest faces of a large photo may
    stay smaller.

    Args:
        pixels: uint8 of shape (height, width, 3), RGB.
        smallest_face: Side in pixels of the smallest face to search for.
    """
    import dlib

    height, width = pixels.shape[:2]
    limit = math.sqrt(MAX_SEARCHED_PIXELS / (height * width))
    is_large = height * width > _LARGE_PHOTO
    face_pixels = _MIN_FACE_PIXELS_IF_LARGE if is_large else MIN_FACE_PIXELS
    scale = min(face_pixels / smallest_face, max(1.0, limit))
    step = max(1, int(1 / (scale * _SAMPLES)))
    grey = Image.fromarray(np.ascontiguousarray(pixels[::step, ::step, GREEN]))
    reduction = int(1 / (scale * step))
    if reduction > 1:
        grey = grey.reduce(reduction)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size[0] <= grey.width <= _MAX_EXCESS * size[0]:
        return grey
    # This takes a third of the time of Pillow.
    return Image.fromarray(dlib.resize_image(np.asarray(grey), rows=size[1], cols=size[0]))


def _halvings(level: Image.Image) -> Iterator[Image.Image]:
    yield level
    while min(level.size) >= 2 * _MIN_LEVEL_SIDE:
        level = level.reduce(2)
        yield level


def _best_first(places: NDArray[np.float32]) -> Iterator[Proposal]:
    """Yield distinct places, best first and lazily: most photos need only a few of them."""
    remaining = places[np.argsort(-places[:, 3], kind="stable")].T
    while remaining.size:
        x, y, side, score = remaining[:, 0].tolist()
        yield Proposal(x, y, side, score)
        right, below, sides, _ = remaining
        reach = _SAME_FACE_OVERLAP_DISTANCE * np.minimum(sides, side)
        differs = (right - x) ** 2 + (below - y) ** 2 >= reach**2
        differs |= sides >= side * _SAME_FACE_OVERLAP_RATIO
        differs |= sides * _SAME_FACE_OVERLAP_RATIO <= side
        remaining = remaining[:, differs]
