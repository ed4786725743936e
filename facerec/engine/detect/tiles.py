"""Divides the input of a convolutional network, to bound the memory of one run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from facerec.engine.dlib.detector_interface import DetectorGeometry


@dataclass(frozen=True, slots=True)
class Span:
    """A part of one side of the input, including the surroundings that its outputs depend on.

    Attributes:
        source: The pixels of the input.
        result: The outputs of a run on these pixels to keep.
        outputs: The position of these outputs among the outputs of the whole side.
    """

    source: slice
    result: slice
    outputs: slice


def count_outputs(side: int, geometry: DetectorGeometry) -> int:
    """Return the number of outputs of a side of ``side`` pixels, at least 0.

    The convolutions that shrink the input have no padding; the others keep its size.
    """
    return max(0, (side - _extent(geometry)) // geometry.stride + 1)


def divide(side: int, max_pixels: int, geometry: DetectorGeometry) -> list[Span]:
    """Divide a side of the input into overlapping spans.

    Each span includes everything that its outputs depend on, so the spans together give the same
    outputs as one run on the whole side.

    Args:
        side: Length of the whole side in pixels.
        max_pixels: Maximum length of a span in pixels; should be several times the overlap.
        geometry: Geometry of the network.

    Raises:
        ValueError: Spans of ``max_pixels`` have no outputs of their own.
    """
    outputs = count_outputs(side, geometry)
    own = outputs
    if own > count_outputs(max_pixels, geometry):
        max_own = count_outputs(max_pixels, geometry) - 2 * geometry.reach
        if max_own < 1:
            raise ValueError(f"spans of {max_pixels} pixels are not longer than their overlap")
        # Spans of equal length, so that every run needs the same memory.
        own = math.ceil(outputs / math.ceil(outputs / max_own))
    spans = []
    for start in range(0, outputs, max(own, 1)):
        end = min(start + own, outputs)
        first, last = max(start - geometry.reach, 0), min(end + geometry.reach, outputs)
        source_end = (last - 1) * geometry.stride + _extent(geometry)
        spans.append(
            Span(
                source=slice(first * geometry.stride, source_end),
                result=slice(start - first, end - first),
                outputs=slice(start, end),
            )
        )
    return spans


def _extent(geometry: DetectorGeometry) -> int:
    """Return how many pixels one output depends on, not counting the layers that keep the size."""
    return 2 * geometry.origin + 1
