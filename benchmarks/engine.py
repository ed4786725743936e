"""How fast the networks run beside dlib's own, measured in turns on one core.

    python benchmarks/engine.py [--repeats N] [--output RESULT.json] [PHOTO...]

Prints a table, and with --output writes the same as JSON. Both sides do the same work on the same
pixels and use one thread. Times depend on the machine and on what else it does; the ratio is that
of the medians, and turns are short, so that both sides meet the same conditions.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Generic, TypeVar

import dlib
import numpy as np
from PIL import Image, ImageOps
from rich.console import Console
from rich.table import Table

from facerec.vision.alignment import Aligner
from facerec.vision.cnn_detector import CnnDetector
from facerec.vision.detection import Pixels
from facerec.vision.embedder import Embedder
from facerec.vision.weights import Weights, find_weights

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")

EXAMPLES = Path(__file__).parents[1] / "examples" / "photos"

DETECTION_PIXELS = 300_000
"""dlib takes about 6 seconds for a megapixel; the ratio hardly depends on the size."""

CHIPS = 16

GOALS = {"descriptor": 1 / 15, "CNN detector": 1 / 12}
"""What the ratio of our time to dlib's must stay under."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Median times of one unit of work in milliseconds, and how far the results are apart."""

    what: str
    unit: str
    ours_ms: float
    dlib_ms: float
    largest_difference: float
    goal: float

    @property
    def ratio(self) -> float:
        """Our time as a share of dlib's."""
        return self.ours_ms / self.dlib_ms


def compare_descriptors(photos: list[Pixels], repeats: int) -> Comparison:
    """Time the descriptors of a batch of faces; dlib is no faster in batches."""
    ours = Embedder(threads=1)
    theirs = dlib.face_recognition_model_v1(str(find_weights(Weights.DESCRIPTOR)))
    chips = face_chips(photos, CHIPS)
    own, other = in_turns(
        repeats,
        lambda: ours.embed(chips),
        lambda: [theirs.compute_face_descriptor(chip) for chip in chips],
    )
    difference = np.abs(own.result - np.array(other.result)).max()
    return Comparison(
        "descriptor",
        "face",
        own.median_ms / len(chips),
        other.median_ms / len(chips),
        float(difference),
        GOALS["descriptor"],
    )


def compare_detectors(photos: list[Pixels], repeats: int) -> Comparison:
    """Time the search of photos for faces of 80 pixels and more."""
    ours = CnnDetector(threads=1)
    theirs = dlib.cnn_face_detection_model_v1(str(find_weights(Weights.DETECTOR)))
    reduced = [reduce(photo, DETECTION_PIXELS) for photo in photos]
    megapixels = sum(photo.shape[0] * photo.shape[1] for photo in reduced) / 1e6
    own, other = in_turns(
        repeats,
        lambda: [ours.detect(photo, 80) for photo in reduced],
        lambda: [theirs(photo, 0) for photo in reduced],
    )
    difference = 0.0
    for mine, found in zip(own.result, other.result, strict=True):
        scores = sorted((face.confidence for face in found), reverse=True)
        for detection, score in zip(mine, scores, strict=True):
            difference = max(difference, abs(detection.score - score))
    return Comparison(
        "CNN detector",
        "megapixel",
        own.median_ms / megapixels,
        other.median_ms / megapixels,
        difference,
        GOALS["CNN detector"],
    )


@dataclass(frozen=True, slots=True, eq=False)
class Timing(Generic[T]):
    """The last result of a piece of work and its median time."""

    result: T
    median_ms: float


def in_turns(
    repeats: int, ours: Callable[[], A], theirs: Callable[[], B]
) -> tuple[Timing[A], Timing[B]]:
    """Run two pieces of work alternately, after one run of each that is not counted."""
    ours(), theirs()
    own_times, other_times = [], []
    for _ in range(max(1, repeats)):
        own, seconds = timed(ours)
        own_times.append(seconds)
        other, seconds = timed(theirs)
        other_times.append(seconds)
    return (
        Timing(own, statistics.median(own_times) * 1000),
        Timing(other, statistics.median(other_times) * 1000),
    )


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return a result and the seconds of processor time that it took.

    Processor time, since the wall clock would count what else the machine does.
    """
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def face_chips(photos: list[Pixels], count: int) -> Pixels:
    """Return so many aligned faces from photos, repeated as needed."""
    detector, aligner = CnnDetector(threads=1), Aligner()
    chips = [
        aligner.chip(photo, aligner.shape(photo, detection))
        for photo in photos
        for detection in detector.detect(photo, 80)
    ]
    if not chips:
        raise SystemExit("the photos show no face")
    return np.stack([chips[number % len(chips)] for number in range(count)])


def load(path: Path) -> Pixels:
    """Return a photo upright, of at most a megapixel."""
    with Image.open(path) as image:
        upright = np.asarray(ImageOps.exif_transpose(image.convert("RGB")))
    return reduce(upright, 1_000_000)


def reduce(pixels: Pixels, limit: int) -> Pixels:
    """Return a photo of at most so many pixels."""
    height, width = pixels.shape[:2]
    scale = min(1.0, (limit / (width * height)) ** 0.5)
    size = (int(width * scale), int(height * scale))
    return np.ascontiguousarray(Image.fromarray(pixels).resize(size))


def processor() -> str:
    """Return the processor's name where the system tells it."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def machine() -> dict[str, str | int]:
    """Return what the figures depend on."""
    facts: dict[str, str | int] = {"processor": processor(), "cores": os.cpu_count() or 1}
    facts["python"] = platform.python_version()
    for package in ("dlib-bin", "onnxruntime", "numpy"):
        facts[package] = version(package)
    return facts


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", nargs="*", type=Path, help="default: those of the examples")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        # dlib would resize on all cores.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    pixels = [load(path) for path in arguments.photos or sorted(EXAMPLES.glob("*.jpg"))]
    results = [
        compare_descriptors(pixels, arguments.repeats),
        compare_detectors(pixels, arguments.repeats),
    ]
    table = Table("work", "per", "facerec ms", "dlib ms", "ratio", "goal", "difference")
    for result in results:
        table.add_row(
            result.what,
            result.unit,
            f"{result.ours_ms:.2f}",
            f"{result.dlib_ms:.1f}",
            f"1/{1 / result.ratio:.1f}",
            f"< 1/{1 / result.goal:.0f}",
            f"{result.largest_difference:.1e}",
        )
    console = Console()
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in machine().items()))
    if arguments.output is not None:
        rows = [asdict(result) | {"ratio": result.ratio} for result in results]
        arguments.output.write_text(
            json.dumps({"machine": machine(), "results": rows}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
