"""The image formats that facerec reads, recognised by their first bytes.

Pillow's plugin classes are used directly instead of ``Image.open``. So Pillow's global registry and
pixel limit stay unchanged, and no other format is tried. ``facerec.engine.decode.in_process``
checks the size of the photo from its header.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from PIL import ImageFile

from facerec.engine.decode import gif, jpeg, png, webp
from facerec.engine.decode.bmp import check_run_lengths
from facerec.engine.decode.heif import HeifKind, heif_kind, without_exif
from facerec.engine.decode.limits import TimedFile

# Pillow's warnings about broken metadata do not help operators, and may quote it.
# Module-wide, since warnings.catch_warnings is not safe among threads.
warnings.filterwarnings("ignore", module=r"PIL\b")
logging.getLogger("PIL").addHandler(logging.NullHandler())


def _unchanged(content: bytes) -> bytes:
    return content


@dataclass(frozen=True, slots=True)
class PhotoFormat:
    """A format that facerec reads.

    Attributes:
        name: Name of the format, for display.
        open: Reads the header of a file; may raise nearly any exception if the file is broken.
        prepare: Returns the file without metadata that costs memory or time, or raises a
            ``LimitExceededError``.
        has_more_frames: Returns whether the bytes of a file contain a second frame. None if the
            decoder reports this, or if the format has no animations.
        orientation: Returns the orientation that the metadata of a file states, 1 to 8 or None. If
            it is None itself, the orientation is the one that its decoder leaves to apply.
        pixel_share: Share of the pixel limit that applies to this format. Pillow holds 4 bytes per
            pixel of any photo; decoders that hold further copies of the photo get a smaller share,
            so that memory use is the same.
        isolated: Whether its decoder is a single call that cannot be interrupted, and so runs in a
            separate process. Decoders of the other formats read block by block from a
            ``TimedFile``.
    """

    name: str
    open: Callable[[IO[bytes]], ImageFile.ImageFile]
    prepare: Callable[[bytes], bytes] = _unchanged
    has_more_frames: Callable[[bytes], bool] | None = None
    orientation: Callable[[bytes], int | None] | None = None
    pixel_share: float = 1.0
    isolated: bool = False


def _open_jpeg(file: IO[bytes]) -> ImageFile.ImageFile:
    from PIL.JpegImagePlugin import jpeg_factory

    return jpeg_factory(file)


def _open_png(file: IO[bytes]) -> ImageFile.ImageFile:
    from PIL.PngImagePlugin import PngImageFile

    return PngImageFile(file)


def _open_gif(file: IO[bytes]) -> ImageFile.ImageFile:
    from PIL.GifImagePlugin import GifImageFile

    return GifImageFile(file)


def _open_bmp(file: IO[bytes]) -> ImageFile.ImageFile:
    from PIL.BmpImagePlugin import BmpImageFile

    return BmpImageFile(file)


def _open_tiff(file: IO[bytes]) -> ImageFile.ImageFile:
    from PIL.TiffImagePlugin import TiffImageFile

    return TiffImageFile(file)


def _open_webp(file: IO[bytes]) -> ImageFile.ImageFile:
    from PIL.WebPImagePlugin import WebPImageFile

    return WebPImageFile(file)


def _open_avif(file: IO[bytes]) -> ImageFile.ImageFile:
    from PIL.AvifImagePlugin import AvifImageFile

    return AvifImageFile(file)


def _open_heic(file: IO[bytes]) -> ImageFile.ImageFile:
    from pillow_heif import HeifImageFile

    photo: ImageFile.ImageFile = HeifImageFile(file)  # type: ignore[no-untyped-call]
    return photo


# Measured at 50 megapixels, in bytes per pixel without the file itself: PNG 5.4, TIFF 5, BMP 5, GIF
# 2, progressive JPEG of full colour 6.7, HEIC 7, AVIF 9, WebP 16.
JPEG = PhotoFormat("JPEG", _open_jpeg, jpeg.without_metadata, orientation=jpeg.orientation)
PNG = PhotoFormat(
    "PNG", _open_png, png.without_metadata, png.has_more_frames, orientation=png.orientation
)
GIF = PhotoFormat("GIF", _open_gif, gif.without_extensions, gif.has_more_frames)
BMP = PhotoFormat("BMP", _open_bmp, check_run_lengths)
TIFF = PhotoFormat("TIFF", _open_tiff, isolated=True)
WEBP = PhotoFormat("WebP", _open_webp, pixel_share=0.4, isolated=True, orientation=webp.orientation)
AVIF = PhotoFormat("AVIF", _open_avif, without_exif, pixel_share=0.75, isolated=True)
HEIC = PhotoFormat("HEIC", _open_heic, pixel_share=0.75, isolated=True)

_SIGNATURES = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"BM", BMP),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
)


def recognise(content: bytes) -> PhotoFormat | None:
    """Return the format of an image file by its first bytes, or None if it is not supported."""
    for signature, photo_format in _SIGNATURES:
        if content.startswith(signature):
            return photo_format
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return WEBP
    if content[4:8] == b"ftyp":
        kind = heif_kind(content)
        if kind is not None:
            return AVIF if kind is HeifKind.AVIF else HEIC
    return None


def open_photo(photo_format: PhotoFormat, content: bytes, end: float) -> ImageFile.ImageFile:
    """Read the header of an image file; may raise nearly any exception if the file is broken.

    Args:
        photo_format: The format of the file.
        content: The bytes of the file.
        end: The thread's processor time at which to stop (see ``TimedFile``).
    """
    return photo_format.open(TimedFile(content, end))
