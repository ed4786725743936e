"""Measure how decoding a JPEG at half its size changes the descriptors of small faces.

    python -m benchmarks.reduced_decoding [--photos 40] [--json FILE]

Portraits (``london``, two photos per person) are resized so that their faces have a given side
after decoding at half the size. The tables show the distances between the descriptors of the full
and the halved photo, and those between two photos of a person at either size.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.support.machine import use_one_core
from benchmarks.support.photos import QUALITY
from benchmarks.support.results import DATA, arguments, finish, show

SIDES = (80, 100, 120)
"""Sides of faces after decoding, in pixels."""


def main() -> None:
    """Run the benchmark and print its results."""
    parser = arguments(__doc__)
    parser.add_argument("--photos", type=int, default=40, help="number of photos, two per person")
    options = parser.parse_args()
    use_one_core()
    paths = sorted((DATA / "london").glob("*.jpg"))[: options.photos]
    if not paths:
        raise SystemExit(f"needs the portraits in {DATA / 'london'}, which are absent")
    rows = measure(paths)
    show("descriptors of faces decoded at half their size (medians of distances)", rows)
    finish("reduced_decoding", {"sides": rows}, options.json)


def measure(paths: list[Path]) -> list[dict[str, Any]]:
    """Compare the descriptors for each side of faces."""
    from facerec.engine.describe.alignment import Aligner
    from facerec.engine.describe.embedder import Embedder
    from facerec.engine.detect.detectors import open_detector

    detector, aligner = open_detector("cnn-exact", threads=1), Aligner()
    embedder = Embedder(threads=1)

    def descriptor(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Describe the best face of a photo whose faces have at least 70 pixels."""
        best = detector.detect(pixels, 70)[0]
        chip = aligner.chip(pixels, aligner.shape(pixels, best))
        return embedder.embed(chip[None])[0]

    portraits = [Image.open(path).convert("RGB") for path in paths]
    sides = []
    for portrait in portraits:
        half = np.asarray(portrait.resize((portrait.width // 3, portrait.height // 3)))
        sides.append(3 * detector.detect(half, 80)[0].width)
    rows = []
    for side in SIDES:
        photos = [
            _jpeg(portrait, 2 * side / own) for portrait, own in zip(portraits, sides, strict=True)
        ]
        full, half = (
            np.stack([descriptor(_decoded(photo, reduction)) for photo in photos])
            for reduction in (1, 2)
        )
        rows.append(
            {
                "face after decoding": side,
                "full to half": float(np.median(np.linalg.norm(full - half, axis=1))),
                "same person, full": _median_of_pairs(full),
                "same person, half": _median_of_pairs(half),
                "largest, full to half": float(np.linalg.norm(full - half, axis=1).max()),
            }
        )
    return rows


def _median_of_pairs(descriptors: NDArray[np.float32]) -> float:
    """Return the median distance between the first and second photo of each person."""
    return float(np.median(np.linalg.norm(descriptors[::2] - descriptors[1::2], axis=1)))


def _jpeg(portrait: Image.Image, scale: float) -> bytes:
    file = io.BytesIO()
    size = (round(portrait.width * scale), round(portrait.height * scale))
    portrait.resize(size, Image.Resampling.LANCZOS).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def _decoded(content: bytes, reduction: int) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(content)) as photo:
        if reduction > 1:
            photo.draft(None, (photo.width // reduction, photo.height // reduction))
        return np.asarray(photo.convert("RGB"))


if __name__ == "__main__":
    main()
