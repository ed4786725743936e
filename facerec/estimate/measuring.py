"""Measures how many photos per second one vCPU of this machine indexes."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from facerec.core.batches import batches
from facerec.core.input_files import read_input
from facerec.core.limits import MAX_PHOTO_BYTES
from facerec.core.options import FaceOptions
from facerec.core.protocols.engine import FaceEngine
from facerec.engine.decode.formats import recognise
from facerec.engine.self_check import known_face
from facerec.errors import InputFileError, InvalidInputError

BATCH_SIZE = 8
"""Number of photos per call of the engine, as in a job."""

JPEG_QUALITY = 90

_HEAD_SHARE = 0.25
"""Height of a pasted head, as a ratio of the height of the photo."""

_HEAD_PIXELS = 160
"""Minimum size of a pasted head in pixels, if there is room; the face has three fifths of it."""


def measure_photos_per_second(
    engine: FaceEngine, photos: Sequence[bytes], options: FaceOptions, *, seconds: float = 3.0
) -> float:
    """Return the number of photos that the engine analyses per second of processor time.

    Only the processor time of this process counts, so other load on the machine matters little.
    Reading, storing and the ledger are not included; they take about a millisecond per photo
    (``docs/benchmarks.md``).

    Args:
        engine: An engine with one thread.
        photos: Bytes of image files, at least one; they are repeated as needed.
        options: Options that determine how faces are found and chosen.
        seconds: Approximate processor time of the measurement.

    Raises:
        WeightsError: A file of weights is missing or cannot be used.
    """
    sample = [photos[index % len(photos)] for index in range(max(BATCH_SIZE, len(photos)))]
    engine.analyse(sample[:1], options)
    done, began = 0, time.process_time()
    while True:
        for batch in batches(sample, BATCH_SIZE):
            done += len(engine.analyse(batch, options))
            spent = time.process_time() - began
            if spent >= seconds:
                return done / spent


def sample_photos(path: Path, limit: int = 64) -> list[bytes]:
    """Return up to ``limit`` photos of a folder; or the file at ``path``, in any format.

    Raises:
        InvalidInputError: The file at ``path`` cannot be read or is larger than
            ``MAX_PHOTO_BYTES``, or no file of the sample has a format that facerec reads.
        ReadTimedOutError: The file system does not answer.
    """
    if not path.is_dir():
        return [read_input(path, MAX_PHOTO_BYTES)]
    files = sorted(file for file in path.rglob("*") if file.is_file())
    photos: list[bytes] = []
    for file in files[:: max(1, len(files) // limit)]:
        try:
            content = read_input(file, MAX_PHOTO_BYTES)
        except InputFileError:
            # The file is a video, for example.
            continue
        if recognise(content) is not None:
            photos.append(content)
    if not photos:
        raise InvalidInputError(
            f"{path} contains no photos to measure with",
            "choose a folder of photos that are representative",
        )
    return photos[:limit]


def generated_photos(
    megapixels: float, faces_per_photo: float, count: int = BATCH_SIZE
) -> list[bytes]:
    """Return JPEG photos to measure with: heads in front of a background with detail at all scales.

    The head is Eileen Collins's, from a portrait that NASA released without known copyright
    restrictions (``examples/README.md``).

    Args:
        megapixels: Size of each photo; its sides are in a ratio of 3 to 2.
        faces_per_photo: Mean number of heads per photo.
        count: Number of photos.
    """
    height = max(64, round((megapixels * 1e6 / 1.5) ** 0.5))
    width = round(height * 1.5)
    head = Image.open(io.BytesIO(known_face()))
    random = np.random.default_rng(1)
    photos = []
    for number in range(count):
        heads = round((number + 1) * faces_per_photo) - round(number * faces_per_photo)
        photo = _background(width, height, random)
        _paste(photo, head, heads)
        file = io.BytesIO()
        photo.save(file, "JPEG", quality=JPEG_QUALITY)
        photos.append(file.getvalue())
    return photos


def _background(width: int, height: int, random: np.random.Generator) -> Image.Image:
    """Return noise whose power falls with its frequency, as in photos."""
    total = np.zeros((height, width, 3), np.float32)
    cell = 2
    while cell < height:
        size = (height // cell + 2, width // cell + 2, 3)
        noise = Image.fromarray(random.integers(0, 256, size, np.uint8))
        smooth = noise.resize((width, height), Image.Resampling.BILINEAR)
        total += (np.asarray(smooth, np.float32) - 128) * (cell / height) ** 0.5
        cell *= 2
    return Image.fromarray(np.clip(total + 128, 0, 255).astype(np.uint8))


def _paste(photo: Image.Image, head: Image.Image, count: int) -> None:
    """Paste ``count`` copies of a head into a photo, in rows."""
    if not count:
        return
    columns = int(np.ceil((count * photo.width / photo.height) ** 0.5))
    rows = -(-count // columns)
    largest = max(_HEAD_PIXELS, photo.height * _HEAD_SHARE)
    side = min(photo.width / columns, photo.height / rows, largest)
    scaled = head.resize((max(1, int(side * 0.9)),) * 2, Image.Resampling.BICUBIC)
    for index in range(count):
        row, column = divmod(index, columns)
        left = int((column + 0.5) * photo.width / columns - scaled.width / 2)
        top = int((row + 0.5) * photo.height / rows - scaled.height / 2)
        photo.paste(scaled, (left, top))
