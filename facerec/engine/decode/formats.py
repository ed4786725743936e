"""Which image files facerec reads, recognised by their first bytes.

Pillow's plugin classes are used directly instead of ``Image.open``: that leaves Pillow's global
registry and its global pixel limit as they are, tries no other format, and lets
``facerec.engine.decode.decoding`` judge the size of the photo from its header.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from PIL import ImageFile

# What Pillow has to say about broken metadata is no help to who runs facerec, and may quote it.
# Module-wide, since warnings.catch_warnings is not safe among threads.
warnings.filterwarnings("ignore", module=r"PIL\b")
logging.getLogger("PIL").addHandler(logging.NullHandler())

AVIF_BRANDS = frozenset({b"avif", b"avis"})
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
GENERIC_BRANDS = frozenset({b"mif1", b"msf1"})


@dataclass(frozen=True, slots=True)
class PhotoFormat:
    """A format that facerec reads.

    Attributes:
        name: what people call it.
        open: reads the header of a file; raises nearly anything where it is broken.
        pixel_share: the share of the pixel limit that applies to it. Pillow holds 4 bytes a pixel
            of any photo; decoders that hold further copies of the whole photo get a smaller share,
            so that memory stays the same.
    """

    name: str
    open: Callable[[IO[bytes]], ImageFile.ImageFile]
    pixel_share: float = 1.0


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


# Measured at 50 megapixels, in bytes a pixel and without the file itself: PNG 5.4, TIFF 5, BMP 5,
# GIF 2, progressive JPEG of full colour 6.7, HEIC 7, AVIF 9, WebP 16.
JPEG = PhotoFormat("JPEG", _open_jpeg)
PNG = PhotoFormat("PNG", _open_png)
GIF = PhotoFormat("GIF", _open_gif)
BMP = PhotoFormat("BMP", _open_bmp)
TIFF = PhotoFormat("TIFF", _open_tiff)
WEBP = PhotoFormat("WebP", _open_webp, pixel_share=0.4)
AVIF = PhotoFormat("AVIF", _open_avif, pixel_share=0.75)
HEIC = PhotoFormat("HEIC", _open_heic, pixel_share=0.75)

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
    """Return the format of an image file by its first bytes, None where it is not one of ours."""
    for signature, photo_format in _SIGNATURES:
        if content.startswith(signature):
            return photo_format
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return WEBP
    if content[4:8] == b"ftyp":
        return _recognise_by_brand(content)
    return None


def _recognise_by_brand(content: bytes) -> PhotoFormat | None:
    """Tell HEIC from AVIF by the brands in the ``ftyp`` box of ISO/IEC 14496-12."""
    brand = content[8:12]
    if brand in GENERIC_BRANDS:
        end = int.from_bytes(content[:4], "big")
        compatible = content[16:end]
        is_avif = any(name in compatible for name in AVIF_BRANDS)
        return AVIF if is_avif else HEIC
    if brand in AVIF_BRANDS:
        return AVIF
    return HEIC if brand in HEIC_BRANDS else None


def open_photo(photo_format: PhotoFormat, content: bytes) -> ImageFile.ImageFile:
    """Read the header of an image file; raises nearly anything where the file is broken."""
    return photo_format.open(BytesIO(content))
