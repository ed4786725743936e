"""Compare the speed of the networks with dlib's own, in turns on one core.

    python -m benchmarks.engine [--repeats N] [--json FILE] [PHOTO...]

Both sides do the same work on the same pixels with one thread. Ratios are of processor time, each
turn against its neighbour. The difference is the maximum difference of both sides' results.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlib
import numpy as np
from PIL import Image, ImageOps

from benchmarks.support.machine import use_one_core
from benchmarks.support.photos import example_photos
from benchmarks.support.results import arguments, finish, show
from benchmarks.support.turns import Times, in_turns, ratio
from facerec.engine.describe.alignment import Aligner
from facerec.engine.describe.embedder import Embedder
from facerec.engine.detect.detection import Pixels
from facerec.engine.detect.exact import ExactDetector
from facerec.engine.dlib.weights import Weights, find_weights

DETECTION_PHOTOS = 2
"""Number of photos for detection, the largest ones: dlib takes about 6 seconds per megapixel."""

CHIPS = 16
TARGETS = {"descriptor": 20, "CNN detector": 18}
"""Targets for the speedup over dlib."""


def compare_descriptors(photos: list[Pixels], repeats: int) -> dict[str, Any]:
    """Time the descriptors of a batch of faces; batches do not make dlib faster."""
    ours = Embedder(threads=1)
    theirs = dlib.face_recognition_model_v1(str(find_weights(Weights.DESCRIPTOR)))
    chips = face_chips(photos, CHIPS)
    times = in_turns(
        repeats,
        {
            "facerec": lambda: ours.embed(chips),
            "dlib": lambda: [theirs.compute_face_descriptor(chip) for chip in chips],
        },
    )
    difference = np.abs(times["facerec"].result - np.array(times["dlib"].result)).max()
    return _row("descriptor", "face", times, len(chips), float(difference))


def compare_detectors(photos: list[Pixels], repeats: int) -> dict[str, Any]:
    """Time the detection of faces of 80 pixels and more."""
    ours = ExactDetector(threads=1)
    theirs = dlib.cnn_face_detection_model_v1(str(find_weights(Weights.DETECTOR)))
    largest = sorted(photos, key=lambda photo: photo.size)[-DETECTION_PHOTOS:]
    times = in_turns(
        repeats,
        {
            "facerec": lambda: [ours.detect(photo, 80) for photo in largest],
            "dlib": lambda: [theirs(photo, 0) for photo in largest],
        },
    )
    difference = 0.0
    for mine, found in zip(times["facerec"].result, times["dlib"].result, strict=True):
        scores = sorted((face.confidence for face in found), reverse=True)
        for detection, score in zip(mine, scores, strict=True):
            difference = max(difference, abs(detection.score - score))
    megapixels = sum(photo.shape[0] * photo.shape[1] for photo in largest) / 1e6
    return _row("CNN detector", "megapixel", times, megapixels, difference)


def _row(
    what: str, unit: str, times: dict[str, Times], units: float, difference: float
) -> dict[str, Any]:
    return {
        "work": what,
        "per": unit,
        "facerec ms": 1000 * times["facerec"].processor_median / units,
        "dlib ms": 1000 * times["dlib"].processor_median / units,
        "times faster": ratio(times["dlib"], times["facerec"]),
        "target": TARGETS[what],
        "difference": difference,
    }


def face_chips(photos: list[Pixels], count: int) -> Pixels:
    """Return ``count`` aligned faces from photos, repeated as needed."""
    detector, aligner = ExactDetector(threads=1), Aligner()
    chips = [
        aligner.chip(photo, aligner.shape(photo, detection))
        for photo in photos
        for detection in detector.detect(photo, 80)
    ]
    if not chips:
        raise SystemExit("the photos have no face")
    return np.stack([chips[number % len(chips)] for number in range(count)])


def load(path: Path) -> Pixels:
    """Return an upright photo of at most a megapixel."""
    with Image.open(path) as image:
        upright = np.asarray(ImageOps.exif_transpose(image.convert("RGB")))
    return reduce(upright, 1_000_000)


def reduce(pixels: Pixels, limit: int) -> Pixels:
    """Return a photo reduced to at most ``limit`` pixels."""
    height, width = pixels.shape[:2]
    scale = min(1.0, (limit / (width * height)) ** 0.5)
    size = (int(width * scale), int(height * scale))
    return np.ascontiguousarray(Image.fromarray(pixels).resize(size))


def main() -> None:
    """Run the benchmark and print its results."""
    parser = arguments(__doc__)
    parser.add_argument(
        "photos", nargs="*", type=Path, help="photos to use (default: the examples)"
    )
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    # Otherwise dlib resizes on all cores.
    use_one_core()
    pixels = [load(path) for path in options.photos or example_photos()]
    rows = [
        compare_descriptors(pixels, options.repeats),
        compare_detectors(pixels, options.repeats),
    ]
    show("networks compared with dlib's", rows)
    finish("engine", {"networks": rows}, options.json)


if __name__ == "__main__":
    main()
