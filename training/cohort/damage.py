"""Damage to photos after which a face carries little identity.

Descriptors of such faces crowd in a few places, so that strangers among them match. The cohort has
mixtures of them, so that their distances are normalised by the crowd that they are in.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

SIDE = 128
"""Side in pixels of a photo before it is damaged. A face of FairFace then has about 107 pixels, as
many as in its chip, so that the measures of damage below are nearly pixels of the chip."""

Damage = Callable[[Image.Image, np.random.Generator], Image.Image]


def turned(degrees: int) -> Damage:
    """Return a damage that turns a photo."""
    return lambda photo, random: photo.rotate(degrees)


def grainy(low: float, high: float) -> Damage:
    """Return a damage that adds noise with a standard deviation in this range, of 255 levels."""

    def damage(photo: Image.Image, random: np.random.Generator) -> Image.Image:
        values = np.asarray(photo).astype(np.float64)
        values += random.normal(0, random.uniform(low, high), values.shape)
        return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))

    return damage


def pixelated(low: int, high: int) -> Damage:
    """Return a damage that shows squares with sides in this range."""

    def damage(photo: Image.Image, random: np.random.Generator) -> Image.Image:
        side = int(random.integers(low, high + 1))
        squares = max(1, photo.width // side)
        small = photo.resize((squares, squares), Image.Resampling.BOX)
        return small.resize((squares * side, squares * side), Image.Resampling.NEAREST)

    return damage


def stretched(across: bool, low: float, high: float) -> Damage:
    """Return a damage that stretches a photo by a factor in this range."""

    def damage(photo: Image.Image, random: np.random.Generator) -> Image.Image:
        longer = int(SIDE * random.uniform(low, high))
        return photo.resize((longer, SIDE) if across else (SIDE, longer))

    return damage


def blurred(low: float, high: float) -> Damage:
    """Return a damage that blurs with a radius in this range."""
    return lambda photo, random: photo.filter(
        ImageFilter.GaussianBlur(float(random.uniform(low, high)))
    )


DAMAGES: tuple[tuple[Damage, int], ...] = (
    (turned(90), 160),
    (turned(270), 160),
    (grainy(35, 50), 160),
    (grainy(60, 90), 160),
    (pixelated(5, 7), 160),
    (pixelated(7, 9), 160),
    (stretched(across=True, low=1.7, high=2.2), 315),
    (stretched(across=False, low=1.7, high=2.2), 245),
    (blurred(3.2, 5), 245),
)
"""Each damage with the number of its mixtures."""


def damaged(path: Path, damage: Damage, random: np.random.Generator) -> bytes:
    """Return a damaged photo as PNG."""
    with Image.open(path) as opened:
        photo = opened.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    damage(photo, random).save(content, "PNG")
    return content.getvalue()
