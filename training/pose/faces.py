"""Cut the faces out of labelled photos, as the network and its teacher take them.

python -m training.pose.faces DATA OUT.npz
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facerec.engine.decode.decoding import DecodedPhoto, decode
from facerec.engine.describe.alignment import Aligner
from facerec.engine.detect.detectors import open_detector

SQUARE = 256
"""Side of the teacher's picture, which shows twice the size of the face."""

MIN_FACE = 40


def main() -> None:
    """Write the chips and squares of all photos, and their names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with london, lfw and fairface")
    parser.add_argument("out", type=Path, help="file to write")
    options = parser.parse_args()
    data, out = options.data, options.out
    detector, aligner = open_detector("cnn", threads=1), Aligner()
    names, chips, squares = [], [], []
    for folder in ("london", "lfw/images", "fairface"):
        for path in sorted((data / folder).rglob("*.jpg")):
            photo = decode(path.read_bytes(), smallest_face=None, max_pixels=10**8)
            if not isinstance(photo, DecodedPhoto):
                continue
            height, width = photo.pixels.shape[:2]
            found = detector.detect(photo.pixels, MIN_FACE)
            if not found:
                continue
            face = min(
                found,
                key=lambda each: (
                    abs(each.left + each.width / 2 - width / 2)
                    + abs(each.top + each.height / 2 - height / 2)
                ),
            )
            names.append(str(path.relative_to(data)))
            chips.append(aligner.chip(photo.pixels, aligner.shape(photo.pixels, face)))
            middle = (face.left + face.width / 2, face.top + face.height / 2)
            squares.append(_square(photo.pixels, middle, face.width))
    np.savez(out, names=np.array(names), chips=np.stack(chips), squares=np.stack(squares))


def _square(
    pixels: NDArray[np.uint8], middle: tuple[float, float], reach: float
) -> NDArray[np.uint8]:
    """Return the surroundings of a face, uint8 of shape (256, 256, 3)."""
    x, y = middle
    box = (x - reach, y - reach, x + reach, y + reach)
    image = Image.fromarray(pixels)
    extent, smooth = Image.Transform.EXTENT, Image.Resampling.BILINEAR
    return np.asarray(image.transform((SQUARE, SQUARE), extent, box, smooth))


if __name__ == "__main__":
    main()
