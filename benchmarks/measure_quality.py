"""Print the quality measures of real faces, and how well degraded faces match.

    python -m benchmarks.measure_quality [--data ../shared/data]

docs/accuracy.md has these figures.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from benchmarks.support.results import DATA
from facerec.core.faces import BoundingBox, Quality
from facerec.core.options import QualityFilter
from facerec.engine.decode.decoding import DecodedPhoto, decode
from facerec.engine.describe.alignment import Aligner
from facerec.engine.describe.embedder import Embedder
from facerec.engine.describe.pose import PoseEstimator
from facerec.engine.describe.quality import assess, rejections
from facerec.engine.detect.detectors import open_detector
from facerec.engine.smallest_face import effective_smallest_face

EVERY = 6
"""One photo in this many of LFW is measured."""

MATCH = 0.558
"""Distance at a false match rate of 1 in 1,000 on LFW."""

SIZES = (100, 80, 60, 50, 40, 32, 24, 20, 16)
"""Sides of faces in pixels."""

BRIGHTNESS = (1.0, 0.5, 0.25, 0.12, 0.06)
BLURS = (0, 1, 2, 3, 4, 6)
"""Radii of Gaussian blur in pixels of the chip."""


class QualityMeter:
    """Finds the face in the middle of a photo and measures its quality."""

    def __init__(self) -> None:
        self.detector = open_detector("cnn", threads=1)
        self.aligner = Aligner()
        self.poses = PoseEstimator(threads=1)

    def main_face(self, path: Path) -> tuple[NDArray[np.uint8], Quality]:
        """Return the chip and quality of the face nearest to the middle."""
        photo = decode(path.read_bytes(), smallest_face=None, max_pixels=10**8)
        if not isinstance(photo, DecodedPhoto):
            raise SystemExit(f"{path} cannot be read: {photo.detail}")
        height, width = photo.pixels.shape[:2]
        smallest = effective_smallest_face(photo.width, photo.height, None) * photo.scale
        face = min(
            self.detector.detect(photo.pixels, smallest),
            key=lambda found: (
                abs(found.left + found.width / 2 - width / 2)
                + abs(found.top + found.height / 2 - height / 2)
            ),
        )
        box = BoundingBox(
            face.left / width, face.top / height, face.width / width, face.height / height
        )
        shape = self.aligner.shape(photo.pixels, face)
        landmarks = self.aligner.landmarks(photo.pixels, shape)
        chip = self.aligner.chip(photo.pixels, shape)
        pose = self.poses.estimate(chip, landmarks, photo.width, photo.height)
        return chip, assess(chip, box, pose, photo.width, photo.height)


def main() -> None:
    """Run the benchmark and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    data = parser.parse_args().data
    meter = QualityMeter()
    neutral = [meter.main_face(path) for path in photos(data / "london", "*_neutral_front.jpg")]
    smiling = [meter.main_face(path) for path in photos(data / "london", "*_smiling_front.jpg")]
    lfw = [meter.main_face(path) for path in photos(data / "lfw" / "images", "*.jpg")[::EVERY]]
    for name, faces in (("london", neutral + smiling), ("lfw", lfw)):
        describe(name, [quality for _, quality in faces])
    degrade([chip for chip, _ in neutral], smiling)


def photos(folder: Path, pattern: str) -> list[Path]:
    """Return the photos of a folder in order."""
    return sorted(folder.rglob(pattern))


def describe(name: str, qualities: list[Quality]) -> None:
    """Print percentiles of each measure and the share of faces that each filter rejects."""
    print(f"\n{name}: {len(qualities)} faces\n| measure | 1 % | 5 % | median | 95 % | 99 % |")
    print("| --- | --- | --- | --- | --- | --- |")
    measures: dict[str, Callable[[Quality], float]] = {
        "sharpness": lambda quality: quality.sharpness,
        "brightness": lambda quality: quality.brightness,
        "yaw": lambda quality: quality.pose.yaw,
        "pitch": lambda quality: quality.pose.pitch,
        "roll": lambda quality: quality.pose.roll,
    }
    for measure, value in measures.items():
        spread = np.percentile([value(quality) for quality in qualities], [1, 5, 50, 95, 99])
        print(f"| {measure} | {' | '.join(f'{point:.0f}' for point in spread)} |")
    for quality_filter in QualityFilter:
        reasons = [rejections(quality, quality_filter) for quality in qualities]
        share = np.mean([bool(own) for own in reasons])
        counts = Counter(str(reason) for own in reasons for reason in own)
        print(f"{quality_filter}: {share:.1%} rejected {dict(counts) or ''}")


def degrade(
    gallery: list[NDArray[np.uint8]],
    probes: list[tuple[NDArray[np.uint8], Quality]],
) -> None:
    """Print how well degraded smiling faces match the neutral faces of the same people."""
    embedder = Embedder(threads=1)
    known = embedder.embed(np.stack(gallery))
    print("\n| face | sharpness | brightness | right person first | and within the threshold |")
    print("| --- | --- | --- | --- | --- |")
    for name, change in changes():
        chips = [np.asarray(change(Image.fromarray(chip))) for chip, _ in probes]
        judged = [
            assess(chip, BoundingBox(0, 0, 1, 1), quality.pose, 100, 100)
            for chip, (_, quality) in zip(chips, probes, strict=True)
        ]
        distances = np.linalg.norm(embedder.embed(np.stack(chips))[:, None] - known[None], axis=2)
        first = distances.argmin(axis=1) == np.arange(len(probes))
        sharpness = np.median([quality.sharpness for quality in judged])
        brightness = np.median([quality.brightness for quality in judged])
        matched = (first & (np.diag(distances) < MATCH)).sum()
        print(f"| {name} | {sharpness:.0f} | {brightness:.0f} | {first.sum()} | {matched} |")


def changes() -> Iterable[tuple[str, Callable[[Image.Image], Image.Image]]]:
    """Yield the degradations of chips, by name."""
    for size in SIZES:
        side = round(size * 1.5)
        yield (
            f"{size} pixels",
            lambda chip, side=side: chip.resize((side, side), Image.Resampling.BOX).resize(
                chip.size, Image.Resampling.BILINEAR
            ),
        )
    for radius in BLURS:
        yield (
            f"blurred by {radius} pixels of the chip",
            lambda chip, radius=radius: chip.filter(ImageFilter.GaussianBlur(radius)),
        )
    for factor in BRIGHTNESS:
        yield (
            f"darkened to {factor:.0%}",
            lambda chip, factor=factor: chip.point(lambda value: round(value * factor)),
        )


if __name__ == "__main__":
    main()
