"""Finds which way up a photo is, by the metadata of its file.

A file may hold several blocks of metadata, of which some are damaged or state an orientation that
does not exist. Viewers ignore these, so the first usable statement counts: of EXIF, else of EXIF
that a PNG holds as text, else of XMP. Only that tag is read: other values can take minutes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from enum import IntEnum
from itertools import islice

MAX_STATEMENTS = 16
"""Maximum number of blocks of a file that are read: a chunk of a PNG may inflate to a thousand
times its size."""

MAX_METADATA = 1_000_000
"""Maximum uncompressed size in bytes of a block of a PNG that is read."""

MAX_INFLATED = 4_000_000
"""Maximum number of bytes to which the blocks of a PNG inflate together; later ones are not read.
A block that is damaged or too large counts as the largest possible one."""

EXIF_IDENTIFIER = b"Exif\0\0"
"""The bytes before EXIF in a JPEG, which some programs write in other formats too."""

_TAG = 0x0112
_INTEGERS = {1: 1, 3: 2, 4: 4}
"""Codes of the types of integers, with their sizes in bytes: some programs do not write the type of
the standard, SHORT (3)."""

_XMP = re.compile(rb"tiff:Orientation(?:=[\"']|>)([1-8])(?![0-9])")


class Source(IntEnum):
    """The kinds of metadata that may state an orientation; the lowest that does counts."""

    EXIF = 0
    EXIF_TEXT = 1
    XMP = 2


Statement = tuple[Source, bytes]
"""A block of metadata and its kind; it is empty if it is damaged."""


def stated_orientation(statements: Iterable[Statement]) -> int | None:
    """Return the first usable orientation of the best kind of metadata, 1 to 8, or None.

    See CIPA DC-008, tag 0x0112, and part 2 of the XMP specification.

    Args:
        statements: The blocks of a file that may state its orientation, in their order; at most
            ``MAX_STATEMENTS`` are read.
    """
    found: dict[Source, int] = {}
    for source, block in islice(statements, MAX_STATEMENTS):
        if source not in found:
            value = _of_xmp(block) if source is Source.XMP else _of_exif(block)
            if value is not None:
                found[source] = value
    return found[min(found)] if found else None


def _of_xmp(packet: bytes) -> int | None:
    match = _XMP.search(packet)
    return int(match[1]) if match else None


def _of_exif(block: bytes) -> int | None:
    """Return the orientation in the first directory of EXIF, a TIFF file without pixels."""
    # A JPEG has the identifier once, and twice if it holds what another program stored with it.
    # Each removal copies the block, so there must not be one for each identifier.
    block = block.removeprefix(EXIF_IDENTIFIER).removeprefix(EXIF_IDENTIFIER)
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    try:
        if order is None or 42 not in struct.unpack(f"{order}H", block[2:4]):
            return None
        (start,) = struct.unpack_from(f"{order}L", block, 4)
        (entries,) = struct.unpack_from(f"{order}H", block, start)
    except struct.error:
        return None
    complete = min(entries, (len(block) - start - 2) // 12)
    directory = block[start + 2 : start + 2 + 12 * complete]
    for tag, kind, count, value in struct.iter_unpack(f"{order}HHL4s", directory):
        if tag == _TAG and count == 1 and kind in _INTEGERS:
            orientation = int.from_bytes(
                value[: _INTEGERS[kind]], "little" if order == "<" else "big"
            )
            if orientation in range(1, 9):
                return orientation
    return None
