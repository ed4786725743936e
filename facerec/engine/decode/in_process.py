"""Decodes image files into upright RGB pixels in this process."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from facerec.core.photos import UnreadablePhoto, UnreadableReason
from facerec.engine.decode.colour import rgb_pixels, without_tint
from facerec.engine.decode.formats import (
    AVIF,
    HEIC,
    JPEG,
    TIFF,
    WEBP,
    PhotoFormat,
    open_photo,
    recognise,
)
from facerec.engine.decode.heif import turns_pixels
from facerec.engine.decode.jpeg import (
    END_OF_IMAGE,
    check_scans,
    first_scan,
    holds_all_coefficients,
    jpeg_reduction,
    reduce_while_decoding,
    without_what_follows,
)
from facerec.engine.decode.limits import LimitExceededError, end_of_time
from facerec.engine.decode.orientation import Source, stated_orientation
from facerec.engine.decode.photo import (
    FACE_PIXELS_NEEDED,
    DecodedPhoto,
    DecodeOptions,
)
from facerec.engine.decode.tiff import check_tiff
from facerec.engine.smallest_face import effective_smallest_face

if TYPE_CHECKING:
    from PIL.TiffImagePlugin import TiffImageFile

MIN_SIDE = 32
"""Minimum side of a photo in pixels; no face in a smaller one can be recognised."""

PREVIEW_FROM_PIXELS = 1_000_000
"""Minimum number of pixels of a JPEG that is first decoded at a smaller size for detectors that
need less. Decoding the photos with small faces twice costs less than searching all photos at full
size."""

MAX_PIXELS_HANDED_ON = 25_000_000
"""Maximum number of pixels passed on; larger photos are reduced, to limit the memory of later
steps."""

_MAX_DETAIL = 160

_UNSUPPORTED_VARIANT = re.compile(
    r"unsupported|unknown|cannot handle|not (yet )?implemented", re.IGNORECASE
)


def decode_in_process(content: bytes, options: DecodeOptions) -> DecodedPhoto | UnreadablePhoto:
    """Decode a photo of any format in this process; see ``decode``."""
    if not content:
        return UnreadablePhoto(UnreadableReason.EMPTY, "the file is empty")
    photo_format = recognise(content)
    if photo_format is None:
        return UnreadablePhoto(
            UnreadableReason.UNSUPPORTED_FORMAT,
            "not a JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC or AVIF file",
        )
    end = end_of_time()
    try:
        prepared = photo_format.prepare(content)
        if photo_format is JPEG:
            photo = _decode_jpeg(prepared, options, end)
        else:
            photo = _decode(photo_format, prepared, options, end)
        if isinstance(photo, UnreadablePhoto):
            return photo
        if photo_format.has_more_frames is not None:
            photo = replace(photo, is_animated=photo_format.has_more_frames(content))
        if photo_format.orientation is not None:
            photo = _turned(photo, photo_format.orientation(content))
        return photo
    except LimitExceededError as error:
        return error.unreadable
    except (MemoryError, Image.DecompressionBombError):
        return UnreadablePhoto(
            UnreadableReason.TOO_LARGE, f"the {photo_format.name} file needs too much memory"
        )
    except Exception as error:
        # Pillow and its decoders raise nearly anything for a broken file.
        return _failure(photo_format, error)


def _decode(
    photo_format: PhotoFormat, content: bytes, options: DecodeOptions, end: float
) -> DecodedPhoto | UnreadablePhoto:
    with open_photo(photo_format, content, end) as photo:
        width, height = photo.size
        smallest = effective_smallest_face(width, height, options.smallest_face)
        needed = max(1, smallest // FACE_PIXELS_NEEDED, _bounding_reduction(width, height))
        reduction, reduced = needed, 1
        if isinstance(photo, JpegImageFile) and width * height >= PREVIEW_FROM_PIXELS:
            reduction = max(needed, smallest // options.face_pixels)
        limit = int(options.max_pixels * photo_format.pixel_share)
        if isinstance(photo, JpegImageFile):
            reduced = jpeg_reduction(width, height, reduction, limit)
            if not holds_all_coefficients(photo, content):
                limit *= reduced**2
        refusal = _refusal(width, height, limit, options.smallest_face)
        if refusal is not None:
            return refusal
        if isinstance(photo, JpegImageFile):
            check_scans(photo, content)
            reduce_while_decoding(photo, reduced)
        if photo_format is TIFF:
            check_tiff(cast("TiffImageFile", photo), content)
        # Pillow removes the orientation of a TIFF that it turns.
        orientation = _orientation(photo_format, photo, content)
        photo.load()
        remaining = max(1, reduction // reduced, _bounding_reduction(*photo.size))
        pixels = without_tint(rgb_pixels(photo, remaining))
        is_animated = photo_format in _ANIMATED and _has_more_frames(photo)
    total = reduced * remaining
    is_preview = reduction > needed and total > needed
    decoded = DecodedPhoto(pixels, width, height, 1 / total, is_preview, is_animated=is_animated)
    return _turned(decoded, orientation)


def _decode_jpeg(
    content: bytes, options: DecodeOptions, end: float
) -> DecodedPhoto | UnreadablePhoto:
    start = first_scan(content)
    if start is not None and content.rfind(END_OF_IMAGE) < start:
        return _decode_without_end(content, options, end)
    try:
        return _decode(JPEG, content, options, end)
    except OSError as error:
        photo = _decode_without_end(content, options, end)
        if isinstance(photo, DecodedPhoto):
            return photo
        # libjpeg's message about the file is more precise.
        raise error from None


_GARBAGE = b"".join(b"\x55\xaa\x33\xcc" * 16 + bytes((0xFF, 0xD0 + n)) for n in range(8)) * 2
"""Garbage with restart markers: any block that is decoded from it has different pixels."""


def _decode_without_end(
    content: bytes, options: DecodeOptions, end: float
) -> DecodedPhoto | UnreadablePhoto:
    """Decode a JPEG that is complete except for its end marker.

    libjpeg fills in missing blocks, and ignores data after the last one. So the photo is complete
    if its pixels are the same with garbage before the end marker and without.
    """
    with open_photo(JPEG, content, end) as header:
        complete = without_what_follows(content, getattr(header, "layers", 0))
    if complete is not None:
        photo = _decode(JPEG, complete + END_OF_IMAGE, options, end)
        other = _decode(JPEG, complete + _GARBAGE + END_OF_IMAGE, options, end)
        if isinstance(photo, UnreadablePhoto):
            return photo
        if isinstance(other, DecodedPhoto) and np.array_equal(photo.pixels, other.pixels):
            return photo
    return UnreadablePhoto(
        UnreadableReason.CORRUPT, "the JPEG file is damaged: a part of the photo is missing"
    )


def _bounding_reduction(width: int, height: int) -> int:
    return math.ceil(math.sqrt(width * height / MAX_PIXELS_HANDED_ON))


def _refusal(
    width: int, height: int, limit: int, smallest_face: int | None
) -> UnreadablePhoto | None:
    if min(width, height) < MIN_SIDE:
        return UnreadablePhoto(
            UnreadableReason.TOO_SMALL,
            f"{width}x{height} pixels; at least {MIN_SIDE} a side are needed",
        )
    if smallest_face is not None and smallest_face > min(width, height):
        return UnreadablePhoto(
            UnreadableReason.TOO_SMALL,
            f"{width}x{height} pixels; the smallest face is {smallest_face}",
        )
    if width * height > limit:
        return UnreadablePhoto(
            UnreadableReason.TOO_LARGE,
            f"{width}x{height} pixels; at most {limit:,} are allowed",
        )
    return None


_ANIMATED = (WEBP, AVIF)
"""Formats whose decoders report animations; further images of a HEIC or TIFF are other photos."""

_ORIENTATIONS = range(1, 9)

_SIDEWAYS = frozenset({5, 6, 7, 8})
"""Orientations in which the upright photo's width is the stored height."""


def _orientation(
    photo_format: PhotoFormat, photo: ImageFile.ImageFile, content: bytes
) -> int | None:
    """Return the orientation that a decoder leaves to apply, 1 to 8; None if the file has none.

    It is 1 if the decoder turns the photo itself, as Pillow does with a TIFF. In HEIC only the
    properties ``irot`` and ``imir`` count, which pillow-heif applies (ISO/IEC 23008-12); EXIF
    counts if the file contains neither, since viewers show such photos that way.

    Args:
        photo_format: The format of the file.
        photo: The file, opened and not yet loaded.
        content: The bytes of the file.
    """
    if photo_format.orientation is not None:
        return None
    if photo_format is HEIC:
        left = 1 if turns_pixels(content) else photo.info.get("original_orientation")
        return left if left in _ORIENTATIONS else None
    try:
        orientation = photo.getexif().get(ExifTags.Base.Orientation)
    except Exception:
        # The pixels are valid even if the metadata is broken.
        orientation = None
    if orientation in _ORIENTATIONS:
        return 1 if photo_format is TIFF else orientation
    packet = photo.info.get("xmp")
    return stated_orientation([(Source.XMP, packet)]) if isinstance(packet, bytes) else None


def _has_more_frames(photo: ImageFile.ImageFile) -> bool:
    try:
        return bool(getattr(photo, "is_animated", False))
    except Exception:
        # The first frame is valid even if a later one is damaged.
        return False


def _turned(photo: DecodedPhoto, orientation: int | None) -> DecodedPhoto:
    """Return a photo as stored turned upright; ``orientation`` is None if its file has none."""
    width, height = photo.width, photo.height
    if orientation in _SIDEWAYS:
        width, height = height, width
    return replace(
        photo,
        pixels=_upright(photo.pixels, orientation or 1),
        width=width,
        height=height,
        has_orientation=orientation is not None,
    )


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Rotate stored pixels by their EXIF orientation (CIPA DC-008, tag 0x0112)."""
    if orientation in _SIDEWAYS:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _failure(photo_format: PhotoFormat, error: Exception) -> UnreadablePhoto:
    """Distinguish an unsupported variant from a corrupt file by the decoder's message."""
    text = "".join(character if character.isprintable() else " " for character in str(error))
    because = " ".join(text.split())[:_MAX_DETAIL] or type(error).__name__
    if _UNSUPPORTED_VARIANT.search(because):
        return UnreadablePhoto(
            UnreadableReason.UNSUPPORTED_FORMAT,
            f"an unsupported variant of {photo_format.name}: {because}",
        )
    return UnreadablePhoto(
        UnreadableReason.CORRUPT, f"the {photo_format.name} file is damaged: {because}"
    )
