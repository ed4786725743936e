"""Compare whole jobs with a loop over the ``face_recognition`` library, in turns on one core.

    python -m benchmarks.pipeline [--json FILE] [--detector cnn] [--repeats 3]

Ours is a job as users run it: manifest, reading, decoding, detection, descriptors, and the store of
faces, embeddings and ledger on disk. The peer is the library with its defaults; its results stay in
memory. Both search for faces of 40 pixels and more: that is what HOG upsampled once finds, and our
default for photos up to 2000 pixels long. Ratios are of processor time, each turn against its
neighbour. A photo of 12 megapixels is compared with Pillow decoding it in full.
"""

from __future__ import annotations

import io
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.support import peer
from benchmarks.support.jobs import planned, run
from benchmarks.support.machine import use_one_core
from benchmarks.support.photos import (
    enlarged,
    example_photos,
    group_photos,
    press_photos,
    scenery_photos,
    studio_photos,
)
from benchmarks.support.results import arguments, finish, show
from benchmarks.support.turns import in_turns, ratio
from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces
from facerec.core.protocols.engine import FaceEngine
from facerec.storage.objects.local import LocalObjects

TARGETS = {
    "scenery, 0 faces": 15,
    "lfw, 1 face": 12,
    "london, 1 face": 15,
    "groups, 5 to 30 faces": 8,
}
"""How many times faster than the peer each set should be."""

FACE_PIXELS = 40
"""Smallest face of both sides, in pixels."""

LARGE_TARGET = 2.0
"""How many times as long as Pillow's full decoding a photo of 12 megapixels may take."""


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--detector", default="cnn")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    use_one_core()
    from facerec.engine.engine import open_engine

    engine = open_engine(threads=1)
    with tempfile.TemporaryDirectory() as folder:
        sets = {
            "scenery, 0 faces": scenery_photos(Path(folder), has_orientation=True),
            "scenery, orientation unknown": scenery_photos(Path(folder), has_orientation=False),
            "lfw, 1 face": press_photos(80),
            "london, 1 face": studio_photos(24),
            "groups, 5 to 30 faces": group_photos(5, 30),
            "crowds, more faces": group_photos(31, 60),
        }
        if not all(sets.values()):
            sets = {"examples": example_photos()}
        rows = [
            compare(name, photos, engine, options.detector, options.repeats)
            for name, photos in sets.items()
        ]
    show(f"whole pipeline from {FACE_PIXELS} pixels, ms of processor time for a photo", rows)
    large = compare_large(
        (studio_photos(3) or example_photos())[:3], engine, options.detector, options.repeats
    )
    show("a photo of 12 megapixels (4000x3000, JPEG quality 90), ms of processor time", [large])
    finish("pipeline", {"sets": rows, "large": large}, options.json)


def compare(
    name: str,
    photos: list[Path],
    engine: FaceEngine,
    detector: str,
    repeats: int,
) -> dict[str, Any]:
    """Index a set of photos in turns with the peer."""
    with tempfile.TemporaryDirectory() as folder:
        turn = iter(range(10_000))

        def ours() -> int:
            place = f"{folder}/{next(turn)}"
            plan = planned(
                [str(path) for path in photos], place, LocalObjects(), engine, detector=detector
            )
            return run(plan, engine, Path(place) / "faces.db")

        ways: dict[str, Any] = {"facerec": ours}
        if peer.is_installed():
            ways["peer"] = partial(peer.index, photos)
        times = in_turns(repeats, ways)
    own = 1000 * times["facerec"].processor_median / len(photos)
    results = [
        engine.analyse([path.read_bytes()], FaceOptions(detector=detector))[0] for path in photos
    ]
    faces = sum(len(result.faces) for result in results if isinstance(result, PhotoFaces))
    row: dict[str, Any] = {"photos": name, "count": len(photos), "faces": faces, "facerec ms": own}
    if "peer" in times:
        row["face_recognition ms"] = 1000 * times["peer"].processor_median / len(photos)
        row["times faster"] = ratio(times["peer"], times["facerec"])
        row["target"] = TARGETS.get(name, "")
        row["faces (peer)"] = sum(len(faces) for faces in times["peer"].result)
    row["photos a second"] = 1000 / own
    return row


def compare_large(
    photos: list[Path], engine: FaceEngine, detector: str, repeats: int
) -> dict[str, Any]:
    """Time decoding and analysis of large photos, in turns with Pillow decoding them in full."""
    from PIL import Image

    from facerec.engine.decode.decoding import decode
    from facerec.engine.detect.detectors import face_pixels

    contents = [enlarged(path) for path in photos]
    options = FaceOptions(detector=detector)

    def decode_in_full() -> None:
        for content in contents:
            with Image.open(io.BytesIO(content)) as photo:
                photo.load()

    def decode_as_needed() -> None:
        for content in contents:
            decode(
                content,
                smallest_face=None,
                max_pixels=options.max_pixels,
                face_pixels=face_pixels(detector),
            )

    times = in_turns(
        max(5, repeats),
        {
            "Pillow": decode_in_full,
            "decode": decode_as_needed,
            "facerec": lambda: engine.analyse(contents, options),
        },
    )
    medians = {name: 1000 * found.processor_median / len(contents) for name, found in times.items()}
    return {
        "Pillow, decoded in full": medians["Pillow"],
        "facerec, whole": medians["facerec"],
        "of it decoding": medians["decode"],
        "to Pillow": ratio(times["facerec"], times["Pillow"]),
        "target": LARGE_TARGET,
        "faces": sum(len(photo.faces) for photo in times["facerec"].result),
    }


if __name__ == "__main__":
    main()
