"""The bytes of an image file into upright RGB pixels, no larger than its faces need."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from facerec.core.photos import UnreadablePhoto, UnreadableReason
from facerec.engine.decode.colour import rgb_pixels
from facerec.engine.decode.formats import PhotoFormat, open_photo, recognise
from facerec.engine.decode.jpeg_scale import (
    holds_all_coefficients,
    jpeg_reduction,
    reduce_while_decoding,
)

SMALLEST_FACE = 80
"""The side in pixels of the CNN detector's window: smaller faces cost an enlarged photo."""

SMALLEST_SIDE = 32
"""Photos with a shorter side, in pixels, are refused: no face in them can be recognised."""

FACE_PIXELS_NEEDED = 80
"""The side of the smallest face that must be left after decoding: the window of the detector.

A chip shows a face with 100 pixels, so that the very smallest faces lose a little. The descriptors
of faces decoded to 80 pixels are 0.09 from those of the full photo, where two photos of a person
are 0.25 apart, and to 100 pixels 0.07 (``benchmarks/reduced_decoding.py``).
"""

PREVIEW_FROM_PIXELS = 1_000_000
"""JPEG of no fewer pixels are decoded smaller than that for a detector that needs less: to decode
a photo twice, where its faces are small, costs less than to search all photos at full size."""

MAX_PIXELS_HANDED_ON = 25_000_000
"""Larger photos are reduced, so that the arrays of all later steps are bounded."""

_LONGEST_DETAIL = 160

_RARE_VARIETY = re.compile(
    r"unsupported|unknown|cannot handle|not (yet )?implemented", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPhoto:
    """A photo as pixels.

    Attributes:
        pixels: upright, uint8, shape (height * scale, width * scale, 3) rounded up, RGB,
            C-contiguous.
        width: pixels of the upright photo as stored.
        height: pixels of the upright photo as stored.
        scale: decoded pixels for each stored pixel along a side: 1, 1/2, 1/3 and so on.
        is_preview: whether the smallest faces have fewer than ``FACE_PIXELS_NEEDED``, since the
            caller asked for fewer, and could have had them.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    scale: float
    is_preview: bool = False


def effective_smallest_face(width: int, height: int, requested: int | None) -> int:
    """Return from which size on faces are looked for, in pixels of the photo as stored.

    Unless requested otherwise it is a 24th of the longer side, so that the work does not grow
    with the resolution of the camera; but no more than an 8th of the shorter side, which keeps the
    faces in a panorama, and no less than 80 pixels.

    Args:
        width: pixels of the photo as stored.
        height: pixels of the photo as stored.
        requested: what the caller asked for, None to let it follow from the photo.
    """
    if requested is not None:
        return requested
    share = min(max(width, height) / 24, min(width, height) / 8)
    return max(SMALLEST_FACE, round(share))


def decode(
    content: bytes,
    *,
    smallest_face: int | None,
    max_pixels: int,
    face_pixels: int = FACE_PIXELS_NEEDED,
) -> DecodedPhoto | UnreadablePhoto:
    """Decode JPEG, PNG, WebP, GIF, TIFF (first frame), BMP, HEIC or AVIF.

    The orientation in the metadata is applied; transparent pixels become white; ICC profiles are
    ignored. The photo is reduced by the largest whole number that leaves the smallest face
    80 pixels; JPEG by a power of two of it while it is decoded, which also saves time.

    Never raises for what is wrong with the file, and needs less than 0.8 GB at 100 megapixels.

    Args:
        content: the bytes of the file.
        smallest_face: the size from which on faces matter, in pixels of the photo as stored;
            None lets it follow from the photo's size (see ``effective_smallest_face``).
        max_pixels: what is larger is refused from its header. A JPEG counts at the scale it is
            decoded at, unless libjpeg needs all of it in memory. WebP, AVIF and HEIC, whose
            decoders hold several copies, are held to a share of it.
        face_pixels: the side of the smallest face that must be left after decoding a large JPEG;
            other photos keep ``FACE_PIXELS_NEEDED``.
    """
    if not content:
        return UnreadablePhoto(UnreadableReason.EMPTY, "the file is empty")
    photo_format = recognise(content)
    if photo_format is None:
        return UnreadablePhoto(
            UnreadableReason.UNSUPPORTED_FORMAT,
            "not a JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC or AVIF file",
        )
    try:
        return _decode(photo_format, content, smallest_face, max_pixels, face_pixels)
    except (MemoryError, Image.DecompressionBombError):
        return UnreadablePhoto(
            UnreadableReason.TOO_LARGE, f"the {photo_format.name} file needs too much memory"
        )
    except Exception as error:
        # Pillow and the decoders behind it raise nearly anything for a broken file.
        return _failure(photo_format, error)


def _decode(
    photo_format: PhotoFormat,
    content: bytes,
    smallest_face: int | None,
    max_pixels: int,
    face_pixels: int,
) -> DecodedPhoto | UnreadablePhoto:
    with open_photo(photo_format, content) as photo:
        width, height = photo.size
        smallest = effective_smallest_face(width, height, smallest_face)
        needed = max(1, smallest // FACE_PIXELS_NEEDED, _bounding_reduction(width, height))
        reduction, reduced = needed, 1
        if isinstance(photo, JpegImageFile) and width * height >= PREVIEW_FROM_PIXELS:
            reduction = max(needed, smallest // face_pixels)
        limit = int(max_pixels * photo_format.pixel_share)
        if isinstance(photo, JpegImageFile):
            reduced = jpeg_reduction(width, height, reduction, limit)
            if not holds_all_coefficients(photo, content):
                limit *= reduced**2
        refusal = _refusal(width, height, limit)
        if refusal is not None:
            return refusal
        if isinstance(photo, JpegImageFile):
            reduce_while_decoding(photo, reduced)
        photo.load()
        remaining = max(1, reduction // reduced, _bounding_reduction(*photo.size))
        pixels = rgb_pixels(photo, remaining)
        orientation = _orientation(photo)
    total = reduced * remaining
    is_preview = reduction > needed and total > needed
    if orientation in _SIDEWAYS:
        width, height = height, width
    return DecodedPhoto(_upright(pixels, orientation), width, height, 1 / total, is_preview)


def _bounding_reduction(width: int, height: int) -> int:
    return math.ceil(math.sqrt(width * height / MAX_PIXELS_HANDED_ON))


def _refusal(width: int, height: int, limit: int) -> UnreadablePhoto | None:
    if min(width, height) < SMALLEST_SIDE:
        return UnreadablePhoto(
            UnreadableReason.TOO_SMALL,
            f"{width}x{height} pixels; at least {SMALLEST_SIDE} a side are needed",
        )
    if width * height > limit:
        return UnreadablePhoto(
            UnreadableReason.TOO_LARGE,
            f"{width}x{height} pixels; at most {limit:,} are allowed",
        )
    return None


_SIDEWAYS = frozenset({5, 6, 7, 8})
"""Orientations in which the upright photo's width is the stored height."""


def _orientation(photo: ImageFile.ImageFile) -> int:
    """Return the EXIF orientation that is left to apply, 1 to 8.

    pillow-heif and Pillow's TIFF reader turn the photo themselves and say 1 here. In HEIC, EXIF
    does not count, only the properties ``irot`` and ``imir`` (ISO/IEC 23008-12).
    """
    try:
        orientation = photo.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        # Broken metadata is no reason to refuse the pixels.
        return 1
    return orientation if orientation in range(1, 9) else 1


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn stored pixels by their EXIF orientation (CIPA DC-008, tag 0x0112)."""
    if orientation in _SIDEWAYS:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _failure(photo_format: PhotoFormat, error: Exception) -> UnreadablePhoto:
    """Tell a rare variety of a format from a broken file by what the decoder says."""
    text = "".join(character if character.isprintable() else " " for character in str(error))
    because = " ".join(text.split())[:_LONGEST_DETAIL] or type(error).__name__
    if _RARE_VARIETY.search(because):
        return UnreadablePhoto(
            UnreadableReason.UNSUPPORTED_FORMAT,
            f"a variety of {photo_format.name} that cannot be read: {because}",
        )
    return UnreadablePhoto(
        UnreadableReason.CORRUPT, f"the {photo_format.name} file is damaged: {because}"
    )
