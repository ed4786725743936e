"""Reads the metadata of WebP files (https://developers.google.com/speed/webp/docs/riff_container).

libwebp returns only the first block of each kind, though it may be damaged.
"""

from __future__ import annotations

from collections.abc import Iterator

from facerec.engine.decode.orientation import Source, Statement, stated_orientation

MAX_CHUNKS = 100_000
"""Maximum number of chunks of a WebP in which the orientation is looked for; an animation has one
for each frame."""

_HEADER = 12
_CHUNK_HEADER = 8
_SOURCES = {b"EXIF": Source.EXIF, b"XMP ": Source.XMP}


def orientation(content: bytes) -> int | None:
    """Return the orientation that a WebP file states, 1 to 8, or None."""
    return stated_orientation(_statements(content))


def _statements(content: bytes) -> Iterator[Statement]:
    start = _HEADER
    for _ in range(MAX_CHUNKS):
        data = start + _CHUNK_HEADER
        if data > len(content):
            return
        size = int.from_bytes(content[start + 4 : data], "little")
        source = _SOURCES.get(content[start : start + 4])
        if source is not None:
            yield source, content[data : data + size]
        start = data + size + size % 2
