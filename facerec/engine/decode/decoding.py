"""Decodes image files into upright RGB pixels no larger than detection needs."""

from __future__ import annotations

from facerec.core.photos import UnreadablePhoto
from facerec.engine.decode.formats import recognise
from facerec.engine.decode.in_process import MAX_PIXELS_HANDED_ON, decode_in_process
from facerec.engine.decode.isolation import decode_isolated
from facerec.engine.decode.photo import (
    FACE_PIXELS_NEEDED,
    DecodedPhoto,
    DecodeOptions,
)

__all__ = [
    "FACE_PIXELS_NEEDED",
    "MAX_PIXELS_HANDED_ON",
    "DecodeOptions",
    "DecodedPhoto",
    "decode",
]


def decode(
    content: bytes,
    *,
    smallest_face: int | None,
    max_pixels: int,
    face_pixels: int = FACE_PIXELS_NEEDED,
) -> DecodedPhoto | UnreadablePhoto:
    """Decode JPEG, PNG, WebP, GIF, TIFF (first frame), BMP, HEIC or AVIF.

    The orientation in the metadata is applied; transparent pixels become white; ICC profiles are
    ignored. The photo is reduced by the largest integer factor that leaves 80 pixels for the
    smallest face (``face_pixels`` for a large JPEG). The factor is larger if
    ``MAX_PIXELS_HANDED_ON`` or, for JPEG, ``max_pixels`` would be exceeded. For JPEG, a power of
    two is applied during decoding, which also saves time.

    Never raises for a problem with the file. Uses less than 0.8 GB at 100 megapixels, and at most
    ``limits.MAX_SECONDS`` of processor time for any file, also if a damaged JPEG is decoded three
    times.

    Args:
        content: The bytes of the file.
        smallest_face: Side of the smallest relevant face, in pixels of the photo as stored; None
            derives it from the photo's size (see ``effective_smallest_face``).
        max_pixels: Maximum number of pixels, checked in the header. For JPEG, the decoded size
            counts, unless libjpeg needs the whole photo in memory. For WebP, AVIF and HEIC, whose
            decoders hold several copies, the limit is a share of this.
        face_pixels: The side of the smallest face that must be left after decoding a large JPEG;
            other photos keep ``FACE_PIXELS_NEEDED``.
    """
    options = DecodeOptions(smallest_face, max_pixels, face_pixels)
    photo_format = recognise(content)
    if photo_format is not None and photo_format.isolated:
        return decode_isolated(content, options)
    return decode_in_process(content, options)
