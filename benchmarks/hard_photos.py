"""Count faces found in photos on their side, dark photos and LFW, compared with the peer.

    python -m benchmarks.hard_photos [--photos 100] [--json FILE]

None of these photos were used to train the proposal network, except some of the groups. Faces are
those that the engine returns at its defaults; the first table uses the filter of indexing, the
others none, to compare with the peer (``face_recognition.face_locations``). The photos have one
clear face or more, but not every face is labelled: the figures count faces, right or wrong. Needs
the photos of ``../shared/data``.
"""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from benchmarks.support import peer
from benchmarks.support.labelled import labelled_photos
from benchmarks.support.machine import use_one_core
from benchmarks.support.results import DATA, arguments, finish, show
from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import PhotoFaces
from facerec.core.protocols.engine import FaceEngine
from facerec.engine.engine import open_engine

ANY = FaceOptions(quality_filter=QualityFilter.NONE, rotate=False)

BRIGHTNESS = (1.0, 0.4, 0.25)
"""Factors for the brightness of photos."""


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--photos", type=int, default=100, help="number of photos of each set")
    options = parser.parse_args()
    use_one_core()
    chosen = random.Random(3)
    press = sorted((DATA / "lfw" / "images").glob("*/*.jpg"))
    portraits = sorted((DATA / "fairface").rglob("*.jpg"))
    if not press or not portraits:
        raise SystemExit("needs the photos of ../shared/data")
    press = chosen.sample(press, options.photos)
    portraits = chosen.sample(portraits, options.photos)
    groups = [photo.path for photo in labelled_photos() if len(photo.faces) > 1]
    engine = open_engine(threads=1)
    turned = [*turn(engine, "lfw", press), *turn(engine, "groups", groups)]
    show("photos turned, without an orientation in their file", turned)
    dark = [darken(engine, portraits, brightness) for brightness in BRIGHTNESS]
    show("portraits of FairFace in low light: photos with a face", dark)
    held_back = [count(engine, press)]
    show("photos of LFW: faces found from 40 pixels", held_back)
    finish("hard_photos", {"turned": turned, "dark": dark, "lfw": held_back}, options.json)


def turn(engine: FaceEngine, name: str, paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Return a row for each turn: photos turned back, and the share of the upright faces found."""
    photos = [_photo(path) for path in paths]
    upright = [len(_analyse(engine, photo, FaceOptions()).faces) for photo in photos]
    pairs = [(photo, faces) for photo, faces in zip(photos, upright, strict=True) if faces]
    rows = []
    for degrees in (90, 180, 270):
        results = [
            _analyse(engine, photo.rotate(degrees, expand=True), FaceOptions())
            for photo, _ in pairs
        ]
        right = [result for result in results if result.rotation == degrees]
        rows.append(
            {
                "photos": name,
                "turned by": degrees,
                "turned back": f"{len(right)} of {len(pairs)}",
                "faces": f"{sum(len(r.faces) for r in right)} of {sum(n for _, n in pairs)}",
                "kept the wrong way with a face": sum(
                    bool(r.faces) for r in results if r.rotation != degrees
                ),
            }
        )
    return rows


def darken(engine: FaceEngine, paths: Sequence[Path], brightness: float) -> dict[str, Any]:
    """Return how many darkened photos have a face."""
    photos = [ImageEnhance.Brightness(_photo(path)).enhance(brightness) for path in paths]
    own = [bool(_analyse(engine, photo, ANY).faces) for photo in photos]
    exact = [bool(_analyse(engine, photo, _exact()).faces) for photo in photos]
    theirs = [bool(_located(photo)) for photo in photos]
    return {
        "brightness": brightness,
        "photos": len(paths),
        "cnn": sum(own),
        "cnn-exact": sum(exact),
        "peer": sum(theirs),
        "peer only": sum(b and not a for a, b in zip(own, theirs, strict=True)),
        "cnn only": sum(a and not b for a, b in zip(own, theirs, strict=True)),
    }


def count(engine: FaceEngine, paths: Sequence[Path]) -> dict[str, Any]:
    """Return how many faces are found in all photos."""
    photos = [_photo(path) for path in paths]
    return {
        "photos": len(paths),
        "cnn": sum(len(_analyse(engine, photo, ANY).faces) for photo in photos),
        "cnn-exact": sum(len(_analyse(engine, photo, _exact()).faces) for photo in photos),
        "peer": sum(len(_located(photo)) for photo in photos),
    }


def _exact() -> FaceOptions:
    return replace(ANY, detector="cnn-exact", smallest_face=40)


def _photo(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return (ImageOps.exif_transpose(image) or image).convert("RGB")


def _analyse(engine: FaceEngine, photo: Image.Image, options: FaceOptions) -> PhotoFaces:
    (result,) = engine.analyse([_file(photo)], options)
    assert isinstance(result, PhotoFaces)
    return result


def _located(photo: Image.Image) -> list[Any]:
    with Image.open(io.BytesIO(_file(photo))) as image:
        found: list[Any] = peer.load().face_locations(np.asarray(image))
    return found


def _file(photo: Image.Image) -> bytes:
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=92)
    return file.getvalue()


if __name__ == "__main__":
    main()
