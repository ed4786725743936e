"""Converts pixels of any colour mode to 8-bit RGB.

Embedded ICC profiles are ignored: the networks were trained on photos read without them, and
a profile changes colours far less than lighting does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

STRIP_PIXELS = 4_000_000
"""Number of pixels to convert at a time, so that a large photo is never in memory twice."""

MIN_RED_SHARE = 0.12
"""Minimum share of red in a photo's light; a photo with less was taken in light of one colour. The
lowest share in 242 ordinary photos is 0.24."""

MIN_GREEN_SHARE = 0.09
"""The same for green, which red and magenta light lack. The lowest share in 1,534 ordinary
photos is 0.095, the next 0.156."""

MAX_DARK_RATIO = 0.4
"""Ratio of the darker of red and green to the brightest channel, below which an overexposed photo
was taken in light of mostly one colour."""

MIN_OVEREXPOSED = 0.1
"""Share of overexposed pixels from which a photo below ``MAX_DARK_RATIO`` becomes grey. The highest
share in 3,224 ordinary photos below that ratio is 0.03, the lowest in 30 photos in light of mostly
one colour 0.19."""

_FULL, _DARK = 250, 128
"""Values from which a channel counts as full, and below which as dark."""

_TINT_STEP = 8
"""Step between sampled pixels and rows when the tint of a photo is measured."""

_Conversion = Callable[[Image.Image], Image.Image]


def rgb_pixels(photo: Image.Image, reduction: int) -> NDArray[np.uint8]:
    """Convert a loaded photo to RGB, reduced by an integer factor.

    Transparent pixels become white. Grey with more than 8 bits is scaled by the range that it uses:
    cameras and scanners store 10 or 12 bits in 16, and the header does not show this.

    Args:
        photo: An image of any mode that Pillow's decoders return.
        reduction: 1 for the full size, n for the mean over squares of n by n pixels.

    Returns:
        Uint8, shape (ceil(height / reduction), ceil(width / reduction), 3), C-contiguous.
    """
    to_rgb = _conversion(photo)
    width, height = photo.size
    if width * height <= STRIP_PIXELS:
        whole = to_rgb(photo)
        return np.asarray(whole.reduce(reduction) if reduction > 1 else whole)
    pixels = np.empty((-(-height // reduction), -(-width // reduction), 3), dtype=np.uint8)
    rows = max(1, STRIP_PIXELS // (width * reduction)) * reduction
    for top in range(0, height, rows):
        strip = to_rgb(photo.crop((0, top, width, min(top + rows, height))))
        if reduction > 1:
            strip = strip.reduce(reduction)
        first = top // reduction
        pixels[first : first + strip.height] = np.asarray(strip)
    return pixels


def without_tint(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a photo in light of one colour as grey, and any other photo unchanged.

    Stage light, aquaria and night cameras leave almost nothing in the red or the green channel, on
    which the networks depend. In 40 photos of LFW tinted green, they find no face; after conversion
    to grey, they find all. Yellow light does not disturb them, and red and magenta light only in
    photos of more than about 250 by 250 pixels.

    An overexposed photo in light of mostly one colour becomes grey too: the channel of that colour
    is full, and red or green is dark. In 34 photos with red tripled and the other channels
    multiplied by 0.3, faces were found in 9. After conversion to grey, they were found in all 34,
    at a mean distance of 0.31 from the embeddings of the unchanged photos. Grey is the sum of the
    channels, scaled to the brightest.

    Args:
        pixels: uint8, shape (height, width, 3), RGB.
    """
    sample = pixels[::_TINT_STEP, ::_TINT_STEP].reshape(-1, 3)
    means = sample.mean(axis=0)
    red, green, _ = means
    total, brightest = means.sum(), means.max()
    if (
        red >= MIN_RED_SHARE * total
        and green >= MIN_GREEN_SHARE * total
        and not (
            min(red, green) < MAX_DARK_RATIO * brightest
            and _overexposed(sample, int(means.argmax())) >= MIN_OVEREXPOSED
        )
    ):
        return pixels
    # In other channels, faces remain visible where the brightest is overexposed.
    light = np.percentile(sample.sum(axis=1), 99)
    scale = min(brightest / total, 255 / light) if light else 1.0
    grey = np.empty(pixels.shape[:2], dtype=np.uint8)
    rows = max(1, STRIP_PIXELS // pixels.shape[1])
    for top in range(0, len(pixels), rows):
        strip = pixels[top : top + rows].sum(axis=2, dtype=np.uint16)
        grey[top : top + rows] = np.minimum(np.rint(strip * np.float32(scale)), 255)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _overexposed(sample: NDArray[np.uint8], brightest: int) -> float:
    """Return the share of pixels with one channel full, while red or green is dark.

    Args:
        sample: uint8, shape (pixels, 3), RGB.
        brightest: Index of that channel, the brightest of the photo.
    """
    full = sample[:, brightest] >= _FULL
    return float((full & (sample[:, :2].min(axis=1) < _DARK)).mean())


def _conversion(photo: Image.Image) -> _Conversion:
    if photo.mode.startswith("I;16"):
        return _used_bits(photo)
    if photo.mode in ("I", "F"):
        return _spread(photo)
    if photo.mode == "LAB":
        return _lab_to_rgb()
    if photo.has_transparency_data:
        return _on_white
    return _convert


def _convert(strip: Image.Image) -> Image.Image:
    # Pillow would copy a photo that is already RGB.
    return strip if strip.mode == "RGB" else strip.convert("RGB")


def _on_white(strip: Image.Image) -> Image.Image:
    transparent = strip.convert("RGBA")
    white = Image.new("RGBA", strip.size, "white")
    return Image.alpha_composite(white, transparent).convert("RGB")


def _used_bits(photo: Image.Image) -> _Conversion:
    """Return a conversion that keeps the upper 8 of the bits that the photo's values use."""
    brightest = 0
    for top in range(0, photo.height, rows := max(1, STRIP_PIXELS // photo.width)):
        strip = photo.crop((0, top, photo.width, min(top + rows, photo.height)))
        brightest = max(brightest, int(np.asarray(strip).max()))
    excess = max(0, brightest.bit_length() - 8)

    def convert(strip: Image.Image) -> Image.Image:
        return _grey((np.asarray(strip) >> excess).astype(np.uint8))

    return convert


def _spread(photo: Image.Image) -> _Conversion:
    """Return a conversion from the smallest usual range that contains the photo's values."""
    lowest, highest = (float(value) for value in _extrema(photo))
    ranges = (1.0, 255.0, 65535.0) if photo.mode == "F" else (255.0, 65535.0)
    white = next((top for top in ranges if highest <= top), highest)
    black = min(0.0, lowest)

    def spread(strip: Image.Image) -> Image.Image:
        values = np.nan_to_num(np.asarray(strip, dtype=np.float64), nan=black)
        share = (np.clip(values, black, white) - black) / (white - black)
        return _grey(np.rint(share * 255).astype(np.uint8))

    return spread


def _extrema(photo: Image.Image) -> tuple[Any, Any]:
    lowest, highest = photo.getextrema()
    if np.isfinite([lowest, highest]).all():
        return lowest, highest
    return 0.0, 1.0


def _lab_to_rgb() -> _Conversion:
    from PIL import ImageCms

    transform = ImageCms.buildTransform(
        ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
    )

    def convert(strip: Image.Image) -> Image.Image:
        converted = ImageCms.applyTransform(strip, transform)
        if converted is None:
            raise ValueError("the LAB colours cannot be converted")
        return converted

    return convert


def _grey(values: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(values).convert("RGB")
