"""Sizes: what is refused, and how far a photo is reduced."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from facerec.core.photos import UnreadablePhoto, UnreadableReason
from facerec.engine.decode.decoding import (
    MAX_PIXELS_HANDED_ON,
    DecodedPhoto,
    decode,
)
from tests.support.sample_photos import MAX_PIXELS, decoded, difference, sample, saved


def png_header(width: int, height: int) -> bytes:
    """Return a PNG file that claims a size and holds next to nothing."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0")
    chunks = (
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in (header, data, b"IEND")
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def refusal(content: bytes, max_pixels: int = MAX_PIXELS) -> UnreadablePhoto:
    outcome = decode(content, smallest_face=None, max_pixels=max_pixels)
    assert isinstance(outcome, UnreadablePhoto)
    return outcome


def test_a_photo_beyond_the_limit_is_refused_from_its_header() -> None:
    outcome = refusal(png_header(2_000_000_000, 2_000_000_000))
    assert outcome.reason is UnreadableReason.TOO_LARGE
    assert "2000000000x2000000000" in outcome.detail


def test_the_limit_is_configurable_and_inclusive() -> None:
    content = saved(sample(100, 100), "PNG")
    assert isinstance(decode(content, smallest_face=None, max_pixels=10_000), DecodedPhoto)
    assert refusal(content, max_pixels=9_999).reason is UnreadableReason.TOO_LARGE


def test_a_jpeg_beyond_the_limit_is_decoded_smaller() -> None:
    content = saved(sample(400, 400), "JPEG", quality=95)
    photo = decode(content, smallest_face=None, max_pixels=10_000)
    assert isinstance(photo, DecodedPhoto)
    assert (photo.width, photo.height, photo.scale) == (400, 400, 0.25)
    assert difference(photo.pixels, sample(400, 400).reduce(4)) <= 2


def test_a_jpeg_beyond_the_limit_at_its_smallest_scale_is_refused() -> None:
    content = saved(sample(400, 400), "JPEG")
    assert refusal(content, max_pixels=2_499).reason is UnreadableReason.TOO_LARGE


def test_a_progressive_jpeg_counts_in_full_because_it_is_held_in_full() -> None:
    content = saved(sample(400, 400), "JPEG", progressive=True)
    assert refusal(content, max_pixels=100_000).reason is UnreadableReason.TOO_LARGE


def test_a_jpeg_of_one_scan_a_component_counts_in_full_too() -> None:
    content = saved(sample(400, 400), "JPEG")
    scan = content.index(b"\xff\xda")
    first_component_only = b"\xff\xda\0\x08\x01" + content[scan + 5 : scan + 7] + b"\0\x3f\0"
    content = content[:scan] + first_component_only + content[scan + 14 :]
    assert refusal(content, max_pixels=100_000).reason is UnreadableReason.TOO_LARGE


@pytest.mark.parametrize("size", [(31, 500), (500, 31), (1, 1)])
def test_a_photo_too_small_for_a_face_is_an_outcome(size: tuple[int, int]) -> None:
    outcome = refusal(saved(sample(*size), "PNG"))
    assert outcome.reason is UnreadableReason.TOO_SMALL


def test_a_photo_of_the_smallest_size_is_read() -> None:
    assert decoded(saved(sample(32, 32), "PNG")).pixels.shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("format_name", "smallest_face", "scale"),
    [
        ("JPEG", 80, 1),
        ("JPEG", 159, 1),
        ("JPEG", 160, 1 / 2),
        ("JPEG", 319, 1 / 2),
        ("JPEG", 320, 1 / 4),
        ("JPEG", 640, 1 / 8),
        ("JPEG", 1280, 1 / 16),
        ("PNG", 159, 1),
        ("PNG", 300, 1 / 3),
    ],
)
def test_the_smallest_face_decides_the_scale(
    format_name: str, smallest_face: int, scale: float
) -> None:
    photo = decoded(saved(sample(1920, 1440), format_name, quality=95), smallest_face)
    assert photo.scale == pytest.approx(scale)
    assert photo.pixels.shape == (1440 * scale, 1920 * scale, 3)
    assert difference(photo.pixels, sample(1920, 1440).reduce(round(1 / scale))) <= 2


@pytest.mark.parametrize(
    ("format_name", "size", "smallest_face", "scale", "is_preview"),
    [
        ("JPEG", (1200, 900), 80, 1 / 2, True),
        ("JPEG", (1200, 900), 40, 1, False),
        # Powers of two only: the full scale is 1/2 for both.
        ("JPEG", (1200, 900), 130, 1 / 2, True),
        ("JPEG", (1200, 900), 320, 1 / 8, True),
        # As small as JPEG can be decoded; the rest is the mean over pixels.
        ("JPEG", (1200, 900), 640, 1 / 16, True),
        ("JPEG", (1000, 900), 80, 1, False),
        ("PNG", (1200, 900), 80, 1, False),
        ("PNG", (1200, 900), 240, 1 / 3, False),
    ],
)
def test_a_large_jpeg_is_decoded_to_what_a_detector_needs(
    format_name: str, size: tuple[int, int], smallest_face: int, scale: float, is_preview: bool
) -> None:
    content = saved(sample(*size), format_name)
    photo = decode(content, smallest_face=smallest_face, max_pixels=MAX_PIXELS, face_pixels=40)
    assert isinstance(photo, DecodedPhoto)
    assert photo.scale == pytest.approx(scale)
    assert photo.is_preview == is_preview
    full = decoded(content, smallest_face)
    assert not full.is_preview
    assert (full.scale > photo.scale) == is_preview


def test_a_reduction_covers_pixels_that_do_not_divide_evenly() -> None:
    photo = decoded(saved(sample(955, 721), "PNG"), 300)
    assert photo.pixels.shape == (241, 319, 3)


def test_reducing_a_photo_in_strips_equals_reducing_it_whole() -> None:
    large = sample(3001, 2003)
    photo = decoded(saved(large, "BMP"), 300)
    assert np.array_equal(photo.pixels, np.asarray(large.reduce(3)))


def test_the_decoded_size_is_bounded_for_any_request() -> None:
    content = saved(Image.new("L", (9000, 6000)), "PNG")
    photo = decoded(content, smallest_face=20)
    assert photo.pixels.shape[0] * photo.pixels.shape[1] <= MAX_PIXELS_HANDED_ON
    assert (photo.width, photo.height) == (9000, 6000)
