"""How many photos a second one vCPU of this machine indexes."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from importlib.resources import files as package_files
from pathlib import Path

import numpy as np
from PIL import Image

from facerec.core.options import FaceOptions
from facerec.core.protocols import FaceEngine
from facerec.engine.decode.formats import recognise
from facerec.errors import InvalidInputError

AT_ONCE = 8
"""Photos that the engine gets in one call, as in a job."""

JPEG_QUALITY = 90

_HEAD_SHARE = 0.25
"""Of a photo's shorter side: how tall the picture of a head is that is put into it."""

_HEAD_PIXELS = 160
"""At least, where there is room: the face is the middle three fifths of the picture."""


def measure_photos_per_second(
    engine: FaceEngine, photos: Sequence[bytes], options: FaceOptions, *, seconds: float = 3.0
) -> float:
    """Look at photos for some time and return how many a second of one vCPU's time were done.

    What is counted is the processor time of this process, so that what else the machine does
    matters little. Reading, storing and the ledger are not part of it; they take about a
    millisecond of a photo (``docs/benchmarks.md``).

    Args:
        engine: with one thread.
        photos: the bytes of image files, at least one; taken again and again.
        options: how to find and choose faces.
        seconds: of processor time that the measurement takes about.
    """
    batch = [photos[place % len(photos)] for place in range(max(AT_ONCE, len(photos)))]
    engine.analyse(batch[:1], options)
    done, began = 0, time.process_time()
    while True:
        for start in range(0, len(batch), AT_ONCE):
            done += len(engine.analyse(batch[start : start + AT_ONCE], options))
            spent = time.process_time() - began
            if spent >= seconds:
                return done / spent


def sample_photos(path: Path, most: int = 64) -> list[bytes]:
    """Return photos of a folder, spread over it, or the one photo that ``path`` is.

    Raises:
        InvalidInputError: none of its files is of a format that facerec reads.
    """
    if path.is_file():
        return [path.read_bytes()]
    files = sorted(file for file in path.rglob("*") if file.is_file())
    photos: list[bytes] = []
    for file in files[:: max(1, len(files) // most)]:
        content = file.read_bytes()
        if recognise(content) is not None:
            photos.append(content)
    if not photos:
        raise InvalidInputError(f"{path} holds no photos to measure with")
    return photos[:most]


def generated_photos(
    megapixels: float, faces_per_photo: float, count: int = AT_ONCE
) -> list[bytes]:
    """Return JPEG photos to measure with: heads before a background with detail at all scales.

    The head is Eileen Collins's, from a portrait that NASA released without known copyright
    restrictions (``examples/README.md``).

    Args:
        megapixels: of each photo, which is half as wide again as it is high.
        faces_per_photo: heads on each, on average.
        count: how many photos.
    """
    height = max(64, round((megapixels * 1e6 / 1.5) ** 0.5))
    width = round(height * 1.5)
    head = Image.open(io.BytesIO((package_files("facerec.estimate") / "face.jpg").read_bytes()))
    random = np.random.default_rng(1)
    photos = []
    for number in range(count):
        heads = round((number + 1) * faces_per_photo) - round(number * faces_per_photo)
        photo = _background(width, height, random)
        _put(photo, head, heads)
        file = io.BytesIO()
        photo.save(file, "JPEG", quality=JPEG_QUALITY)
        photos.append(file.getvalue())
    return photos


def _background(width: int, height: int, random: np.random.Generator) -> Image.Image:
    """Return noise whose power falls with its frequency, as that of photos does."""
    total = np.zeros((height, width, 3), np.float32)
    cell = 2
    while cell < height:
        size = (height // cell + 2, width // cell + 2, 3)
        noise = Image.fromarray(random.integers(0, 256, size, np.uint8))
        smooth = noise.resize((width, height), Image.Resampling.BILINEAR)
        total += (np.asarray(smooth, np.float32) - 128) * (cell / height) ** 0.5
        cell *= 2
    return Image.fromarray(np.clip(total + 128, 0, 255).astype(np.uint8))


def _put(photo: Image.Image, head: Image.Image, count: int) -> None:
    """Put a head into a photo so many times, in rows."""
    if not count:
        return
    columns = int(np.ceil((count * photo.width / photo.height) ** 0.5))
    rows = -(-count // columns)
    wanted = max(_HEAD_PIXELS, photo.height * _HEAD_SHARE)
    side = min(photo.width / columns, photo.height / rows, wanted)
    scaled = head.resize((max(1, int(side * 0.9)),) * 2, Image.Resampling.BICUBIC)
    for place in range(count):
        row, column = divmod(place, columns)
        left = int((column + 0.5) * photo.width / columns - scaled.width / 2)
        top = int((row + 0.5) * photo.height / rows - scaled.height / 2)
        photo.paste(scaled, (left, top))
