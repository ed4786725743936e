"""Photos to measure with: labelled ones if present, else the examples."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from benchmarks.support.results import DATA, EXAMPLES

QUALITY = 90


def press_photos(count: int) -> list[Path]:
    """Return photos sampled from LFW, 250x250; an empty list if it is absent."""
    return _spread(sorted((DATA / "lfw" / "images").glob("*/*.jpg")), count)


def studio_photos(count: int) -> list[Path]:
    """Return photos sampled from the London set, 1350x1350; an empty list if it is absent."""
    return _spread(sorted((DATA / "london").glob("*.jpg")), count)


def example_photos() -> list[Path]:
    """Return the example photos."""
    return sorted(EXAMPLES.glob("*.jpg"))


def any_photos(count: int) -> list[Path]:
    """Return photos of LFW, or the examples if it is absent, repeated as needed."""
    found = press_photos(count) or example_photos()
    return [found[number % len(found)] for number in range(count)]


def enlarged(path: Path, width: int = 4000, height: int = 3000) -> bytes:
    """Return a photo resized to that of a camera, as JPEG of quality 90."""
    file = io.BytesIO()
    with Image.open(path) as photo:
        large = photo.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    large.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def _spread(paths: list[Path], count: int) -> list[Path]:
    return paths[:: max(1, len(paths) // count)][:count]
