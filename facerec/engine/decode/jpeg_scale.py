"""JPEG's own way to be decoded smaller: fewer coefficients of each block are transformed."""

from __future__ import annotations

from PIL.JpegImagePlugin import JpegImageFile

LARGEST_REDUCTION = 8
"""libjpeg decodes blocks of 8 by 8 coefficients to 8, 4, 2 or 1 pixels a side."""

MARKER = 0xFF
START_OF_SCAN = 0xDA
STANDALONE = frozenset({0x01, *range(0xD0, 0xDA)})
"""Markers of JPEG that no length follows."""


def jpeg_reduction(width: int, height: int, reduction: int, max_pixels: int) -> int:
    """Return by how much to reduce a JPEG while it is decoded: 1, 2, 4 or 8.

    It is the largest that does not exceed ``reduction``, or the smallest that meets the limit.

    Args:
        width: pixels of the photo as stored.
        height: pixels of the photo as stored.
        reduction: by how much the photo may be reduced without loss for its faces.
        max_pixels: how many pixels may be decoded.
    """
    chosen = 1
    while chosen < LARGEST_REDUCTION and (
        chosen * 2 <= reduction or width * height > max_pixels * chosen**2
    ):
        chosen *= 2
    return chosen


def reduce_while_decoding(photo: JpegImageFile, reduction: int) -> None:
    """Have a JPEG that is opened but not yet loaded decoded at 1/``reduction`` of its size."""
    width, height = photo.size
    photo.draft(None, (max(1, width // reduction), max(1, height // reduction)))


def holds_all_coefficients(photo: JpegImageFile, content: bytes) -> bool:
    """Say whether libjpeg must hold every coefficient of the photo at once, whatever its scale.

    That is so where the photo comes in several scans: progressive, or a scan a component.

    Args:
        photo: an opened JPEG.
        content: the bytes of its file.
    """
    return "progressive" in photo.info or _components_of_first_scan(content) < photo.layers


def _components_of_first_scan(content: bytes) -> int:
    """Walk over the segments of a JPEG file (ITU-T T.81, annex B) to its first scan's header."""
    position = 2
    while True:
        while content[position] != MARKER or content[position + 1] in (0, MARKER):
            position += 1
        code = content[position + 1]
        if code == START_OF_SCAN:
            return content[position + 4]
        position += 2
        if code not in STANDALONE:
            position += int.from_bytes(content[position : position + 2], "big")
