"""Real photos as pixels, for tests that compare with dlib."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from facerec.engine.detect.detection import Pixels

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "photos").glob("*.jpg"))


def load(path: Path, longest_side: int) -> Pixels:
    """Return a photo upright, reduced so that dlib's own detector takes a second for it."""
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image.convert("RGB"))
    upright.thumbnail((longest_side, longest_side))
    return np.ascontiguousarray(upright)
