"""What each detector finds and what it costs, measured in turns on one core.

    python -m benchmarks.detection [--repeats 3] [--every 40] [--json FILE] [--chart FILE]

Two tables: faces found of those labelled in dlib's photos (smallest 37 pixels) against the time for
a megapixel, and photos of LFW in which a face is found against the time for each. Every setting
looks at a photo in turns with the others, with one thread; times are processor time, medians over
repeats of the sum over all photos. Needs the labelled photos in ``../shared/data``; with --chart
matplotlib too, which draws the first table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from benchmarks.support.machine import use_one_core
from benchmarks.support.results import DATA, arguments, finish, show
from benchmarks.support.turns import Times, clock
from facerec.engine.detect import cascade
from facerec.engine.detect.detection import Detection, Detector, Pixels
from facerec.engine.detect.detectors import open_detector

LABELS = ("training.xml", "testing.xml")
SAME_FACE = 0.3
"""A detection is a labelled face if the intersection of both is more than this of their union."""

REACH = 4
"""How many times cheaper than HOG, upsampled once, the default detector shall be from 40 pixels."""

PROPOSAL_SCORES = (-2.0, -1.0, cascade.MIN_PROPOSAL_SCORE, 1.0)
"""Minimum proposal scores to measure, the default among them."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A detector with its smallest face and minimum proposal score."""

    name: str
    detector: str
    smallest_face: float
    min_proposal_score: float = cascade.MIN_PROPOSAL_SCORE

    def detect(self, detectors: dict[str, Detector], pixels: Pixels) -> list[Detection]:
        """Return the detections in a photo."""
        cascade.MIN_PROPOSAL_SCORE = self.min_proposal_score
        return detectors[self.detector].detect(pixels, self.smallest_face)


def cascade_settings(smallest_face: float) -> list[Setting]:
    """Return the default detector with several minimum proposal scores."""
    return [
        Setting(
            f"cascade from {smallest_face:g}, proposals from {score:g}",
            "cnn",
            smallest_face,
            score,
        )
        for score in PROPOSAL_SCORES
    ]


LABELLED = (
    Setting("HOG, upsampled once", "hog", 40),
    Setting("HOG", "hog", 80),
    Setting("exact, photo doubled", "cnn-exact", 40),
    Setting("exact, photo enlarged by 2.4", "cnn-exact", 33.3),
    Setting("exact", "cnn-exact", 80),
    *(setting for smallest in (33, 40, 50) for setting in cascade_settings(smallest)),
)
PRESS = (
    Setting("HOG, upsampled once", "hog", 40),
    Setting("exact", "cnn-exact", 80),
    *cascade_settings(80),
)


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A photo all of whose faces are known, as boxes."""

    pixels: Pixels
    faces: tuple[Detection, ...]

    def found(self, detections: Sequence[Detection]) -> int:
        """Return how many of the faces are among the detections."""
        return sum(any(_is_same(face, found) for found in detections) for face in self.faces)

    def false(self, detections: Sequence[Detection]) -> int:
        """Return how many of the detections are no face."""
        return sum(not any(_is_same(face, found) for face in self.faces) for found in detections)


def measure_labelled(
    photos: Sequence[LabelledPhoto], detectors: dict[str, Detector], repeats: int
) -> list[dict[str, Any]]:
    """Compare the settings on photos whose faces are all labelled."""
    pixels = [photo.pixels for photo in photos]
    megapixels = sum(photo.shape[0] * photo.shape[1] for photo in pixels) / 1e6
    rows = []
    for row, detections in _measure(LABELLED, pixels, detectors, repeats):
        each = list(zip(photos, detections, strict=True))
        rows.append(
            {
                "setting": row["setting"],
                "found": sum(photo.found(faces) for photo, faces in each),
                "of": sum(len(photo.faces) for photo in photos),
                "false": sum(photo.false(faces) for photo, faces in each),
                "ms a megapixel": row["ms"] / megapixels,
                "times cheaper": row["times cheaper"],
            }
        )
    return rows


def measure_press(
    photos: Sequence[Pixels], detectors: dict[str, Detector], repeats: int
) -> list[dict[str, Any]]:
    """Compare the settings on photos that each hold at least one face."""
    return [
        {
            "setting": row["setting"],
            "found": sum(bool(faces) for faces in detections),
            "of": len(photos),
            "ms a photo": row["ms"] / len(photos),
            "times cheaper": row["times cheaper"],
        }
        for row, detections in _measure(PRESS, photos, detectors, repeats)
    ]


def _measure(
    settings: Sequence[Setting],
    photos: Sequence[Pixels],
    detectors: dict[str, Detector],
    repeats: int,
) -> list[tuple[dict[str, Any], list[list[Detection]]]]:
    """Return for each setting its cost, also beside the first one's, and what it found."""
    ways: list[Callable[[Pixels], list[Detection]]] = [
        partial(setting.detect, detectors) for setting in settings
    ]
    for way in ways:
        way(photos[0])
    spent = [[0.0] * len(ways) for _ in range(repeats)]
    found: list[list[list[Detection]]] = [[] for _ in ways]
    for repeat in range(repeats):
        for photo in photos:
            for number, way in enumerate(ways):
                times = Times()
                clock(times, partial(way, photo))
                spent[repeat][number] += 1000 * times.processor[0]
                if repeat == 0:
                    found[number].append(times.result)
    return [
        (
            {
                "setting": setting.name,
                "ms": median(turn[number] for turn in spent),
                "times cheaper": median(turn[0] / turn[number] for turn in spent),
            },
            found[number],
        )
        for number, setting in enumerate(settings)
    ]


def _is_same(one: Detection, other: Detection) -> bool:
    across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    shared = max(across, 0) * max(down, 0)
    return shared > SAME_FACE * (one.width * one.height + other.width * other.height - shared)


def labelled_photos(folder: Path) -> list[LabelledPhoto]:
    """Return dlib's photos of several people, with the boxes of their XML files."""
    photos = []
    for name in LABELS:
        for image in ElementTree.parse(folder / name).iter("image"):
            faces = [
                Detection(
                    *(float(box.get(edge, "0")) for edge in ("left", "top", "width", "height")),
                    score=1.0,
                )
                for box in image.iter("box")
            ]
            photos.append(LabelledPhoto(_pixels(folder / image.get("file", "")), tuple(faces)))
    return photos


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw faces found against cost; settings of one detector are joined."""
    from matplotlib import rcParams
    from matplotlib.figure import Figure

    rcParams["svg.hashsalt"] = "facerec"
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    families: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row["ms a megapixel"]):
        families.setdefault(row["setting"].split(",")[0], []).append(row)
    for name, settings in families.items():
        costs = [row["ms a megapixel"] for row in settings]
        axes.plot(costs, [row["found"] for row in settings], marker="o", label=name)
    axes.set_xscale("log")
    ticks = (50, 100, 200, 400, 800)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xlabel("milliseconds of processor time a megapixel")
    axes.set_ylabel(f"faces found, of {rows[0]['of']}")
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    figure.savefig(path, metadata={"Date": None})


def _pixels(path: Path) -> Pixels:
    with Image.open(path) as photo:
        return np.asarray(photo.convert("RGB"))


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--every", type=int, default=40, help="which photos of LFW: each n-th")
    parser.add_argument("--chart", type=Path, help="where to draw the first table, such as a.svg")
    options = parser.parse_args()
    use_one_core()
    detectors = {name: open_detector(name, threads=1) for name in ("hog", "cnn", "cnn-exact")}
    photos = labelled_photos(DATA / "groups" / "dlib_faces")
    labelled = measure_labelled(photos, detectors, options.repeats)
    show(f"labelled faces from 37 pixels on (to reach: {REACH} times cheaper)", labelled)
    paths = sorted((DATA / "lfw" / "images").rglob("*.jpg"))[:: options.every]
    press = measure_press([_pixels(path) for path in paths], detectors, options.repeats)
    show("photos of LFW, 250x250", press)
    if options.chart is not None:
        draw(labelled, options.chart)
    finish("detection", {"labelled": labelled, "press": press}, options.json)


if __name__ == "__main__":
    main()
