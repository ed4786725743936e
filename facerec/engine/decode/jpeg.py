"""JPEG files (ITU-T T.81): their segments and scans, and decoding at a reduced size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from PIL.JpegImagePlugin import JpegImageFile

from facerec.engine.decode.limits import (
    MAX_BLOCKS,
    MAX_JUNK,
    MAX_PIXEL_PASSES,
    LimitExceededError,
    too_costly,
)
from facerec.engine.decode.orientation import (
    EXIF_IDENTIFIER,
    Source,
    Statement,
    stated_orientation,
)

MAX_REDUCTION = 8
"""Maximum reduction: libjpeg decodes blocks of 8 by 8 coefficients to 8, 4, 2 or 1 pixels a
side."""

END_OF_IMAGE = b"\xff\xd9"
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a length: TEM and RST0 to RST7."""

_BETWEEN_SCANS = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE})
"""Segments that can occur between scans: tables, line counts, application data, comments."""

_COMMENT = 0xFE
_APP1 = 0xE1
_APPLICATION = frozenset(range(0xE0, 0xF0))
_COLOURS = frozenset({0xE0, 0xEE})
"""Application data of JFIF and Adobe, which specify how colours are stored."""

_XMP_IDENTIFIER = b"http://ns.adobe.com/xap/1.0/\0"

_MARKER = re.compile(rb"\xff[^\x00\xff]")
_MARKER_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

_COEFFICIENTS = 64


def without_metadata(content: bytes) -> bytes:
    """Return a JPEG without the segments before its first scan that decoding does not need.

    Kept are tables, frames, and data about colours (JFIF, Adobe). Pillow joins the segments of
    EXIF, and reads values that fill all of them, which takes minutes.

    Raises:
        LimitExceededError: The header has too many segments, or too much junk between them.
    """
    pieces, position = [], 0
    for code, start, end in _header(content):
        if code == _COMMENT or code in _APPLICATION - _COLOURS:
            pieces.append(content[position:start])
            position = end
    return b"".join((*pieces, content[position:])) if pieces else content


def orientation(content: bytes) -> int | None:
    """Return the orientation that a JPEG file states before its first scan, 1 to 8, or None.

    Raises:
        LimitExceededError: The header has too many segments, or too much junk between them.
    """
    return stated_orientation(_statements(content))


def _statements(content: bytes) -> Iterator[Statement]:
    for code, start, end in _header(content):
        if code == _APP1:
            data = content[start + 4 : end]
            if data.startswith(EXIF_IDENTIFIER):
                yield Source.EXIF, data
            elif data.startswith(_XMP_IDENTIFIER):
                yield Source.XMP, data


def first_scan(content: bytes) -> int | None:
    """Return the position of the marker of the first scan, or None if the file has no scan.

    Raises:
        LimitExceededError: The header has too many segments, or too much junk between them.
    """
    return next((start for code, start, _ in _header(content) if code == _START_OF_SCAN), None)


def _header(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield code, start and end of each segment up to the marker of the first scan.

    Raises:
        LimitExceededError: There are too many segments, or there is too much junk between them.
    """
    position, junk = 2, 0
    for _ in range(MAX_BLOCKS):
        marker = _MARKER.search(content, position)
        if marker is None:
            return
        junk += marker.start() - position
        if junk > MAX_JUNK:
            raise too_costly(f"the JPEG file has more than {MAX_JUNK:,} bytes between its segments")
        code = content[marker.start() + 1]
        position = marker.end()
        if code not in _STANDALONE and code not in (_START_OF_SCAN, _END_OF_IMAGE):
            position += max(2, int.from_bytes(content[position : position + 2], "big"))
        yield code, marker.start(), position
        if code == _START_OF_SCAN:
            return
    raise _too_many_segments()


def check_scans(photo: JpegImageFile, content: bytes) -> None:
    """Reject a JPEG whose scans cost far more than its pixels.

    Args:
        photo: An opened JPEG.
        content: The bytes of its file.

    Raises:
        LimitExceededError: The photo's pixels times its scans exceed ``MAX_PIXEL_PASSES``, it has
            more than ``MAX_BLOCKS`` scans, or it has too many segments, or too much junk between
            those of its header.
    """
    width, height = photo.size
    allowed = min(MAX_BLOCKS, max(1, MAX_PIXEL_PASSES // (width * height)))
    # Counting bytes is an upper bound, and much faster than a walk over the scans.
    if content.count(b"\xff\xda") <= allowed:
        return
    for count, _ in enumerate(_scans(content), start=1):
        if count > allowed:
            raise too_costly(
                f"the JPEG file has more than {allowed:,} scans of {width}x{height} pixels"
            )


def jpeg_reduction(width: int, height: int, reduction: int, max_pixels: int) -> int:
    """Return the factor by which to reduce a JPEG while it is decoded: 1, 2, 4 or 8.

    It is the largest factor that does not exceed ``reduction``. If the photo would then exceed
    ``max_pixels``, it is the smallest factor that meets this limit, or 8.

    Args:
        width: Width of the photo as stored, in pixels.
        height: Height of the photo as stored, in pixels.
        reduction: Factor by which the photo may be reduced without loss for its faces.
        max_pixels: Maximum number of pixels to decode.
    """
    chosen = 1
    while chosen < MAX_REDUCTION and (
        chosen * 2 <= reduction or width * height > max_pixels * chosen**2
    ):
        chosen *= 2
    return chosen


def reduce_while_decoding(photo: JpegImageFile, reduction: int) -> None:
    """Make an opened JPEG decode at 1/``reduction`` of its width; ``reduction`` is 1, 2, 4 or 8."""
    width, height = photo.size
    photo.draft(None, (max(1, width // reduction), max(1, height // reduction)))


def holds_all_coefficients(photo: JpegImageFile, content: bytes) -> bool:
    """Return whether libjpeg must hold every coefficient of the photo at once, at any scale.

    This is the case if the photo has several scans: if it is progressive, or has a scan for each
    component. A photo whose first scan is incomplete counts as one of these.

    Args:
        photo: An opened JPEG.
        content: The bytes of its file.

    Raises:
        LimitExceededError: The header has too many segments, or too much junk between them.
    """
    if "progressive" in photo.info:
        return True
    scan = next(_scans(content), None)
    return scan is None or len(scan.components) < photo.layers


def without_what_follows(content: bytes, components: int) -> bytes | None:
    """Return a JPEG up to the end of its last scan, or None if a part of the photo is missing.

    Viewers show photos without an end marker, or with other data in its place, such as the
    panoramas of some phones. The result lacks the end marker too.

    Args:
        content: The bytes of the file.
        components: Number of colour components of the photo, 3 for colour.

    Raises:
        LimitExceededError: The header has too many segments, or too much junk between them.
    """
    precision: dict[int, list[int]] = {}
    for scan in islice(_scans(content), MAX_BLOCKS):
        for component in scan.components:
            missing_bits = precision.setdefault(component, [16] * _COEFFICIENTS)
            covered = range(scan.first, min(scan.last, _COEFFICIENTS - 1) + 1)
            for coefficient in covered:
                missing_bits[coefficient] = scan.missing_bits
        if len(precision) == components and not any(map(any, precision.values())):
            # Interrupted downloads may be filled with zeros, or end with half of an end marker.
            return content[: scan.end].rstrip(b"\0\xff")
    return None


@dataclass(frozen=True, slots=True)
class _Scan:
    """A scan, with the bits and coefficients that it contains.

    Attributes:
        components: Ids of the colour components.
        first: The first coefficient of a block, 0 to 63.
        last: The last coefficient of a block.
        missing_bits: Number of low bits of the coefficients that later scans contain.
        end: Position in the file at which the data of the scan ends.
    """

    components: bytes
    first: int
    last: int
    missing_bits: int
    end: int


def _scans(content: bytes) -> Iterator[_Scan]:
    """Yield the scans of a JPEG file, up to its end marker or to data that is not a segment.

    Raises:
        LimitExceededError: There are too many segments, or there is too much junk between those of
            the header.
    """
    position, between = first_scan(content), iter(range(MAX_BLOCKS))
    while position is not None:
        count = int.from_bytes(content[position + 4 : position + 5], "big")
        parameters = position + 5 + 2 * count
        if parameters + 3 > len(content):
            return
        data = position + 2 + int.from_bytes(content[position + 2 : position + 4], "big")
        marker = _MARKER_AFTER_SCAN.search(content, data)
        end = marker.start() if marker else len(content)
        yield _Scan(
            components=content[position + 5 : parameters : 2],
            first=content[parameters],
            last=content[parameters + 1],
            missing_bits=content[parameters + 2] & 0x0F,
            end=end,
        )
        position = _next_scan(content, end, between)


def _next_scan(content: bytes, position: int, allowed: Iterator[int]) -> int | None:
    """Return the position of the marker of the next scan, or None if there is none.

    Args:
        content: The bytes of the file.
        position: Position after the last scan.
        allowed: Has an item for each segment that may still occur between scans.
    """
    while (marker := _MARKER.search(content, position)) is not None:
        code = content[marker.start() + 1]
        if code == _START_OF_SCAN:
            return marker.start()
        if code not in _STANDALONE and code not in _BETWEEN_SCANS:
            return None
        if next(allowed, None) is None:
            raise _too_many_segments()
        position = marker.end()
        if code in _BETWEEN_SCANS:
            position += max(2, int.from_bytes(content[position : position + 2], "big"))
    return None


def _too_many_segments() -> LimitExceededError:
    return too_costly(f"the JPEG file has more than {MAX_BLOCKS:,} segments")
