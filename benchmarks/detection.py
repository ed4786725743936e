"""What each detector finds and what it costs, measured in turns on one core.

    python benchmarks/detection.py [--data ../shared/data] [--repeats N] [--output RESULT.json]

Three tables: faces found of those labelled in dlib's photos (smallest 37 pixels) against the time
for a megapixel; photos of LFW in which a face is found against the time for each; and the time for
a photo of 12 megapixels against that in which Pillow decodes it. Every detector looks at the same
photos in turns, with one thread. Times are medians over repeats, of processor time: that of other
work on the machine is not in it. Prints the tables, and with --output writes the same as JSON.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from facerec.vision import fast_detector
from facerec.vision.decode import DecodedPhoto, decode, effective_smallest_face
from facerec.vision.detection import Detection, Detector, Pixels
from facerec.vision.detectors import open_detector

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
LABELS = ("training.xml", "testing.xml")
SAME_FACE = 0.3
LARGE = (4000, 3000)
MAX_PIXELS = 100_000_000

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Setting:
    """A way to detect: the detector's name, the smallest face, and the first look's threshold."""

    name: str
    detector: str
    smallest_face: float
    likely: float = fast_detector.LIKELY

    def detect(self, detectors: dict[str, Detector], pixels: Pixels) -> list[Detection]:
        """Return what is found in a photo."""
        fast_detector.LIKELY = self.likely
        return detectors[self.detector].detect(pixels, self.smallest_face)


LABELLED = (
    Setting("HOG, upsampled once", "hog", 40),
    Setting("HOG", "hog", 80),
    Setting("exact, photo doubled", "cnn-exact", 40),
    Setting("exact, photo enlarged by 2.4", "cnn-exact", 33.3),
    Setting("exact", "cnn-exact", 80),
    *(
        Setting(f"fast from {smallest}, first look above {likely:g}", "cnn", smallest, likely)
        for smallest in (33, 40, 50)
        for likely in (-2.0, -1.0, 0.0, 1.0)
    ),
)
PRESS = (
    Setting("HOG, upsampled once", "hog", 40),
    Setting("exact", "cnn-exact", 80),
    *(
        Setting(f"fast, first look above {likely:g}", "cnn", 80, likely)
        for likely in (-2.0, -1.0, 0.0, 1.0)
    ),
)


@dataclass(frozen=True, slots=True)
class Result:
    """What a setting found and cost.

    Attributes:
        setting: its name.
        found: labelled faces found, or photos in which a face was found.
        of: how many there are.
        false: detections that are no labelled face; None where not all faces are labelled.
        milliseconds: for a megapixel or a photo.
        times_cheaper: than the first setting.
    """

    setting: str
    found: int
    of: int
    false: int | None
    milliseconds: float
    times_cheaper: float


def measure_labelled(
    photos: Sequence[tuple[Pixels, Sequence[Box]]], detectors: dict[str, Detector], repeats: int
) -> list[Result]:
    """Compare the settings on photos whose faces are all labelled."""
    times, found = _in_turns(
        [pixels for pixels, _ in photos],
        [
            (lambda pixels, setting=setting: setting.detect(detectors, pixels))
            for setting in LABELLED
        ],
        repeats,
    )
    megapixels = sum(pixels.shape[0] * pixels.shape[1] for pixels, _ in photos) / 1e6
    faces = sum(len(boxes) for _, boxes in photos)
    results = []
    for setting, spent, detections in zip(LABELLED, times, found, strict=True):
        right = sum(
            any(_overlap(box, detection) > SAME_FACE for detection in in_photo)
            for (_, boxes), in_photo in zip(photos, detections, strict=True)
            for box in boxes
        )
        false = sum(
            all(_overlap(box, detection) <= SAME_FACE for box in boxes)
            for (_, boxes), in_photo in zip(photos, detections, strict=True)
            for detection in in_photo
        )
        cost = spent / megapixels
        results.append(Result(setting.name, right, faces, false, cost, times[0] / spent))
    return results


def measure_press(
    photos: Sequence[Pixels], detectors: dict[str, Detector], repeats: int
) -> list[Result]:
    """Compare the settings on photos that each hold at least one face."""
    times, found = _in_turns(
        photos,
        [(lambda pixels, setting=setting: setting.detect(detectors, pixels)) for setting in PRESS],
        repeats,
    )
    return [
        Result(
            setting.name,
            sum(bool(detections) for detections in in_photos),
            len(photos),
            None,
            spent / len(photos),
            times[0] / spent,
        )
        for setting, spent, in_photos in zip(PRESS, times, found, strict=True)
    ]


def measure_large(
    photos: Sequence[bytes], detectors: dict[str, Detector], repeats: int
) -> dict[str, float]:
    """Return milliseconds for a photo of 12 megapixels: Pillow's decoding, ours, detection."""

    def decode_in_full(content: bytes) -> int:
        with Image.open(io.BytesIO(content)) as photo:
            return len(np.asarray(photo.convert("RGB")))

    def decode_reduced(content: bytes) -> DecodedPhoto:
        photo = decode(content, smallest_face=None, max_pixels=MAX_PIXELS)
        assert isinstance(photo, DecodedPhoto)
        return photo

    decoded = {content: decode_reduced(content) for content in photos}

    def detect(content: bytes) -> list[Detection]:
        photo = decoded[content]
        smallest = effective_smallest_face(photo.width, photo.height, None)
        return detectors["cnn"].detect(photo.pixels, smallest * photo.scale)

    times, results = _in_turns(photos, [decode_in_full, decode_reduced, detect], repeats)
    full, reduced, detection = (spent / len(photos) for spent in times)
    return {
        "pillow_decodes_in_full": full,
        "decoded_as_needed": reduced,
        "detection": detection,
        "both_to_pillow": (reduced + detection) / full,
        "faces_found": sum(bool(faces) for faces in results[2]),
        "photos": len(photos),
    }


def _in_turns(
    inputs: Sequence[object], ways: Sequence[Callable[..., object]], repeats: int
) -> tuple[list[float], list[list[object]]]:
    """Return for each way the median over repeats of its total time in ms, and its results."""
    spent = [[0.0] * len(ways) for _ in range(repeats)]
    results: list[list[object]] = [[] for _ in ways]
    for repeat in range(repeats):
        for given in inputs:
            for number, way in enumerate(ways):
                started = time.process_time()
                result = way(given)
                spent[repeat][number] += (time.process_time() - started) * 1e3
                if repeat == 0:
                    results[number].append(result)
    return [statistics.median(row[number] for row in spent) for number in range(len(ways))], results


def _overlap(box: Box, face: Detection) -> float:
    left, top, width, height = box
    across = min(left + width, face.left + face.width) - max(left, face.left)
    down = min(top + height, face.top + face.height) - max(top, face.top)
    shared = max(across, 0) * max(down, 0)
    return shared / (width * height + face.width * face.height - shared)


def _labelled_photos(folder: Path) -> list[tuple[Pixels, list[Box]]]:
    photos = []
    for name in LABELS:
        for image in ElementTree.parse(folder / name).iter("image"):
            boxes = [
                tuple(float(box.get(edge, "0")) for edge in ("left", "top", "width", "height"))
                for box in image.iter("box")
            ]
            photos.append((_pixels(folder / image.get("file", "")), boxes))
    return photos


def _pixels(path: Path) -> Pixels:
    with Image.open(path) as photo:
        return np.asarray(photo.convert("RGB"))


def _enlarged(path: Path) -> bytes:
    """Return a photo of one person on a wider ground, as a camera of 12 megapixels stores it."""
    with Image.open(path) as photo:
        square = photo.convert("RGB").resize((LARGE[1], LARGE[1]), Image.Resampling.BICUBIC)
    ground = Image.new("RGB", LARGE, square.getpixel((5, 5)))
    ground.paste(square, ((LARGE[0] - LARGE[1]) // 2, 0))
    file = io.BytesIO()
    ground.save(file, "JPEG", quality=90)
    return file.getvalue()


def _show(console: Console, title: str, unit: str, results: Sequence[Result]) -> None:
    table = Table("setting", "found", "false", unit, "times cheaper", title=title)
    for row in results:
        false = "" if row.false is None else str(row.false)
        found = f"{row.found} of {row.of}"
        cost, cheaper = f"{row.milliseconds:.1f}", f"{row.times_cheaper:.2f}"
        table.add_row(row.setting, found, false, cost, cheaper)
    console.print(table)


def main() -> None:
    """Measure, print, and write what --output asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--every", type=int, default=40, help="which photos of LFW: each n-th")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    detectors = {name: open_detector(name, threads=1) for name in ("hog", "cnn", "cnn-exact")}
    console = Console()
    labelled = measure_labelled(
        _labelled_photos(arguments.data / "groups" / "dlib_faces"), detectors, arguments.repeats
    )
    _show(console, "labelled faces from 37 pixels on", "ms per megapixel", labelled)
    paths = sorted((arguments.data / "lfw" / "images").rglob("*.jpg"))[:: arguments.every]
    press = measure_press([_pixels(path) for path in paths], detectors, arguments.repeats)
    _show(console, "photos of LFW, 250x250", "ms per photo", press)
    paths = sorted((arguments.data / "london").glob("*.jpg"))[::9]
    large = measure_large([_enlarged(path) for path in paths], detectors, arguments.repeats)
    console.print("a photo of 12 megapixels, in ms:", large)
    if arguments.output:
        report = {
            "machine": platform.processor() or platform.machine(),
            "labelled": [asdict(row) for row in labelled],
            "press": [asdict(row) for row in press],
            "large": large,
        }
        arguments.output.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
