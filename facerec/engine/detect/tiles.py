"""Dividing the input of a convolutional network, so that a run of it takes bounded memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

from facerec.engine.dlib.detector_network import DetectorGeometry


@dataclass(frozen=True, slots=True)
class Span:
    """A part of one side of the input, with what its outputs depend on around it.

    Attributes:
        source: the pixels of the input.
        result: the outputs to take from what the network makes of these pixels.
        place: where they belong among the outputs of the whole side.
    """

    source: slice
    result: slice
    place: slice


def count_outputs(side: int, geometry: DetectorGeometry) -> int:
    """Return how many outputs fit a side of so many pixels, at least 0.

    The convolutions that shrink the input have no padding; the others keep its size.
    """
    return max(0, (side - _extent(geometry)) // geometry.stride + 1)


def divide(side: int, longest: int, geometry: DetectorGeometry) -> list[Span]:
    """Divide a side of the input into spans that overlap.

    A span reaches as far beyond its own outputs as these depend on, so that together the spans
    give what one run on everything would give.

    Args:
        side: pixels of the whole side.
        longest: pixels of a span, at most; should be several times what spans overlap by.
        geometry: of the network.
    """
    outputs = count_outputs(side, geometry)
    own = outputs
    if own > count_outputs(longest, geometry):
        longest_own = count_outputs(longest, geometry) - 2 * geometry.reach
        if longest_own < 1:
            raise ValueError(f"spans of {longest} pixels are all overlap")
        # Of equal length, so that each run takes the same memory.
        own = math.ceil(outputs / math.ceil(outputs / longest_own))
    spans = []
    for start in range(0, outputs, max(own, 1)):
        end = min(start + own, outputs)
        first, last = max(start - geometry.reach, 0), min(end + geometry.reach, outputs)
        source_end = (last - 1) * geometry.stride + _extent(geometry)
        spans.append(
            Span(
                source=slice(first * geometry.stride, source_end),
                result=slice(start - first, end - first),
                place=slice(start, end),
            )
        )
    return spans


def _extent(geometry: DetectorGeometry) -> int:
    """Return how many pixels one output depends on, but for the layers that keep the size."""
    return 2 * geometry.origin + 1
