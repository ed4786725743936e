"""The interface of the detection network as a model: its input, its output and its layout.

This is a separate module because ``detector_network`` converts the weights once and is not imported
after that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

INPUT_NAME = "tile"
OUTPUT_NAME = "scores"

_METADATA_KEY = "geometry"


@dataclass(frozen=True, slots=True)
class DetectorGeometry:
    """The layout of the network's input and the meaning of its output; stored in the model.

    Attributes:
        means: Colour around and between the levels of the pyramid.
        padding: Pixels between two levels of the pyramid.
        outer_padding: Pixels around all levels.
        window: Side in pixels of the square that each output scores.
        stride: Input pixels from one output to the next.
        origin: Input row and column at the centre of the first output.
        reach: Neighbouring outputs that a score depends on, in each direction.
        overlap: Two boxes whose intersection is more than this share of the smallest box around
            both are the same face.
        cover: Two boxes whose intersection is more than this share of either are the same face.
    """

    means: tuple[float, float, float]
    padding: int
    outer_padding: int
    window: int
    stride: int
    origin: int
    reach: int
    overlap: float
    cover: float

    def to_metadata(self) -> dict[str, str]:
        """Return the model metadata that stores this geometry."""
        return {_METADATA_KEY: json.dumps(asdict(self))}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> DetectorGeometry:
        """Return the geometry stored in a model's metadata."""
        values = json.loads(metadata[_METADATA_KEY])
        return cls(**values | {"means": tuple(values["means"])})
