"""Small photos made on the spot, and checks that they were decoded correctly."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facerec.engine.decode.decoding import DecodedPhoto, decode

MAX_PIXELS = 100_000_000


def sample(width: int = 96, height: int = 64) -> Image.Image:
    """Return a smooth photo that looks different from every side."""
    x = np.linspace(0, 1, width)[None, :]
    y = np.linspace(0, 1, height)[:, None]
    red = np.broadcast_to(40 + 180 * x, (height, width))
    green = np.broadcast_to(30 + 160 * y, (height, width))
    blue = 200 - 120 * x * y
    return Image.fromarray(np.stack([red, green, blue], axis=-1).astype(np.uint8))


def saved(photo: Image.Image, format_name: str, **options: object) -> bytes:
    """Return the bytes of an image file."""
    file = BytesIO()
    photo.save(file, format_name, **options)  # type: ignore[arg-type]
    return file.getvalue()


def decoded(content: bytes, smallest_face: int | None = None) -> DecodedPhoto:
    """Decode a file that is expected to be good."""
    photo = decode(content, smallest_face=smallest_face, max_pixels=MAX_PIXELS)
    assert isinstance(photo, DecodedPhoto), photo
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.flags.c_contiguous
    return photo


def difference(pixels: NDArray[np.uint8], expected: Image.Image) -> float:
    """Return the mean absolute difference of pixels and a photo of the same size."""
    wanted = np.asarray(expected.convert("RGB"), dtype=np.int16)
    assert pixels.shape == wanted.shape
    return float(np.abs(pixels.astype(np.int16) - wanted).mean())
