"""Every format and colour mode ends as the same upright RGB pixels."""

from __future__ import annotations

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from facerec.core.photos import UnreadablePhoto, UnreadableReason
from tests.support.sample_photos import MAX_PIXELS, decode, decoded, difference, sample, saved

pillow_heif.register_heif_opener()

EXIF_ORIENTATION = 0x0112

TURNED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How an upright photo is turned before it is stored under an orientation."""


def stored_sideways(orientation: int, format_name: str, **options: object) -> bytes:
    turn = TURNED[orientation]
    photo = sample() if turn is None else sample().transpose(turn)
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    return saved(photo, format_name, exif=exif, **options)


@pytest.mark.parametrize(
    ("format_name", "options", "tolerance"),
    [
        ("JPEG", {"quality": 95}, 2),
        ("JPEG", {"quality": 95, "progressive": True}, 2),
        ("PNG", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("WEBP", {"quality": 90}, 4),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("TIFF", {"compression": "tiff_adobe_deflate"}, 0),
        ("AVIF", {"quality": 95}, 4),
        ("HEIF", {"quality": 95}, 4),
    ],
)
def test_a_photo_of_any_format_is_read(
    format_name: str, options: dict[str, object], tolerance: float
) -> None:
    photo = decoded(saved(sample(), format_name, **options))
    assert (photo.width, photo.height, photo.scale) == (96, 64, 1.0)
    assert difference(photo.pixels, sample()) <= tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_photo_stored_under_any_orientation_is_upright(
    format_name: str, orientation: int
) -> None:
    lossless = {"lossless": True} if format_name == "WEBP" else {"quality": 95}
    photo = decoded(stored_sideways(orientation, format_name, **lossless))
    assert (photo.width, photo.height) == (96, 64)
    assert difference(photo.pixels, sample()) <= 4


@pytest.mark.parametrize(
    ("quarters", "turn"),
    [
        (1, Image.Transpose.ROTATE_270),
        (2, Image.Transpose.ROTATE_180),
        (3, Image.Transpose.ROTATE_90),
    ],
)
def test_a_heic_photo_is_turned_once_by_its_own_property_and_not_again_by_exif(
    quarters: int, turn: Image.Transpose
) -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    content = saved(sample().transpose(turn), "HEIF", quality=95, exif=exif)
    # No encoder at hand writes the rotation property: let it take the place of the colour profile.
    assert content.count(b"colrnclx") == 1
    content = content.replace(b"colrnclx", b"irot" + bytes([quarters]) + b"clx")
    photo = decoded(content)
    assert (photo.width, photo.height) == (96, 64)
    assert difference(photo.pixels, sample()) <= 4


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int) -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    photo = decoded(saved(sample(), "PNG", exif=exif))
    assert difference(photo.pixels, sample()) == 0


def test_broken_metadata_does_not_hide_the_pixels() -> None:
    photo = decoded(saved(sample(), "JPEG", quality=95, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"))
    assert difference(photo.pixels, sample()) <= 2


@pytest.mark.parametrize(
    ("format_name", "options"),
    [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {}), ("AVIF", {})],
)
def test_the_first_frame_of_several_is_read(format_name: str, options: dict[str, object]) -> None:
    black = Image.new("RGB", (96, 64))
    white = Image.new("RGB", (96, 64), "white")
    content = saved(white, format_name, save_all=True, append_images=[black, black], **options)
    assert decoded(content).pixels.min() > 250


def test_the_primary_image_of_several_in_a_heic_file_is_read() -> None:
    black = Image.new("RGB", (96, 64))
    white = Image.new("RGB", (96, 64), "white")
    content = saved(black, "HEIF", save_all=True, append_images=[white], primary_index=1)
    assert decoded(content).pixels.min() > 250


def test_a_jpeg_with_a_second_picture_is_read_as_its_first() -> None:
    black = Image.new("RGB", (96, 64))
    white = Image.new("RGB", (96, 64), "white")
    content = saved(white, "MPO", save_all=True, append_images=[black])
    assert decoded(content).pixels.min() > 250


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_every_mode_becomes_rgb(mode: str, format_name: str) -> None:
    photo = sample().convert("L").convert("I").point(lambda v: v * 257) if mode == "I;16" else None
    stored = sample().convert(mode) if photo is None else photo.convert("I;16")
    if (mode, format_name) == ("P", "PNG"):
        stored = sample().quantize(256)
    expected = sample().convert("L") if mode in ("L", "LA", "I;16") else stored.convert("RGB")
    assert difference(decoded(saved(stored, format_name)).pixels, expected) <= 2


def test_floating_point_and_32_bit_grey_become_rgb() -> None:
    grey = sample().convert("L")
    share = np.asarray(grey, dtype=np.float32) / 255
    for values in (share, share * 255, (share * 65535).astype(np.int32)):
        content = saved(Image.fromarray(values), "TIFF")
        assert difference(decoded(content).pixels, grey) <= 1


def test_nan_values_do_not_affect_other_pixels() -> None:
    share = np.asarray(sample().convert("L"), dtype=np.float32) / 255
    share[0, 0], share[1, 1] = np.nan, np.inf
    pixels = decoded(saved(Image.fromarray(share), "TIFF")).pixels
    assert difference(pixels, sample().convert("L")) <= 1


@pytest.mark.parametrize("format_name", ["JPEG", "TIFF"])
def test_cmyk_is_not_inverted(format_name: str) -> None:
    content = saved(sample().convert("CMYK"), format_name, quality=95)
    assert difference(decoded(content).pixels, sample()) <= 3


def test_lab_colours_become_rgb() -> None:
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    lab = ImageCms.applyTransform(sample(), to_lab)
    assert lab is not None
    assert difference(decoded(saved(lab, "TIFF")).pixels, sample()) <= 3


def test_transparent_pixels_become_white() -> None:
    photo = sample().convert("RGBA")
    photo.putalpha(Image.new("L", photo.size, 0))
    for format_name in ("PNG", "WEBP", "TIFF", "AVIF", "HEIF"):
        assert decoded(saved(photo, format_name)).pixels.min() >= 250


def test_half_transparent_pixels_are_mixed_with_white() -> None:
    photo = Image.new("RGBA", (64, 64), (0, 0, 0, 128))
    assert np.abs(decoded(saved(photo, "PNG")).pixels.astype(int) - 127).max() <= 1


def test_a_transparent_colour_of_a_palette_becomes_white() -> None:
    photo = Image.new("P", (64, 64), 1)
    photo.putpalette([0, 0, 0, 10, 20, 30])
    for format_name in ("PNG", "GIF"):
        opaque = decoded(saved(photo, format_name))
        assert opaque.pixels[0, 0].tolist() == [10, 20, 30]
        transparent = decoded(saved(photo, format_name, transparency=1))
        assert transparent.pixels.min() == 255


@pytest.mark.parametrize(
    "content",
    [b"hello", b"%PDF-1.7\n", b"\0" * 1000, b"\0\0\0\x18ftypisom", saved(sample(), "PPM")],
)
def test_a_file_of_another_format_is_an_outcome(content: bytes) -> None:
    outcome = decode(content, smallest_face=None, max_pixels=MAX_PIXELS)
    assert isinstance(outcome, UnreadablePhoto)
    assert outcome.reason is UnreadableReason.UNSUPPORTED_FORMAT
