"""Removes PNG chunks that decoding does not need.

Pillow rejects a PNG with a large or damaged metadata chunk, which viewers ignore, and metadata can
take far longer to read than the pixels. So only the chunks that affect pixels are passed on, and
the orientation is read here. See https://www.w3.org/TR/png-3/#5Chunk-layout.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import count

from facerec.engine.decode.limits import too_costly
from facerec.engine.decode.orientation import (
    MAX_INFLATED,
    MAX_METADATA,
    Source,
    Statement,
    stated_orientation,
)

MAX_CHUNKS = 100_000
"""Maximum number of chunks of a PNG: pixels are usually in chunks of 8 kB, so this allows 800
MB."""

_SIGNATURE = 8
_CHUNK_HEADER = 8
"""Size of a chunk's length and type in bytes."""

_PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_TEXT = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_XMP = b"XML:com.adobe.xmp"
_EXIF_TEXT = b"Raw profile type exif"
"""Keywords of text chunks that may hold the orientation."""


def without_metadata(content: bytes) -> bytes:
    """Return a PNG file with only the chunks that affect pixels.

    Raises:
        LimitExceededError: The file has more than ``MAX_CHUNKS`` chunks.
    """
    pixels = (content[chunk] for kind, chunk in _chunks(content) if kind in _PIXELS)
    return b"".join((content[:_SIGNATURE], *pixels))


def orientation(content: bytes) -> int | None:
    """Return the orientation that a PNG file states, 1 to 8, or None.

    Raises:
        LimitExceededError: The file has more than ``MAX_CHUNKS`` chunks.
    """
    return stated_orientation(_statements(content))


def has_more_frames(content: bytes) -> bool:
    """Return whether a PNG file is an animation with several frames; only one is decoded.

    The decoded frame is the first one, or the image for programs that do not support animated PNG
    (https://www.w3.org/TR/png-3/#acTL-chunk).
    """
    for kind, chunk in _chunks(content):
        if kind == b"acTL":
            start = chunk.start + _CHUNK_HEADER
            return int.from_bytes(content[start : start + 4], "big") > 1
        if kind == b"IDAT":
            break
    return False


def _chunks(content: bytes) -> Iterator[tuple[bytes, slice]]:
    """Yield the type and position of each chunk of a PNG file.

    Raises:
        LimitExceededError: The file has more than ``MAX_CHUNKS`` chunks.
    """
    start = _SIGNATURE
    for number in count():
        kind = content[start + 4 : start + _CHUNK_HEADER]
        if len(kind) < 4:
            break
        if number == MAX_CHUNKS:
            raise too_costly(f"the PNG file has more than {MAX_CHUNKS:,} chunks")
        end = start + 12 + int.from_bytes(content[start : start + 4], "big")
        yield kind, slice(start, end)
        start = end


def _statements(content: bytes) -> Iterator[Statement]:
    """Yield the chunks that may state the orientation; damaged and large ones are empty."""
    inflater = _Inflater()
    for kind, chunk in _chunks(content):
        start = chunk.start + _CHUNK_HEADER
        if kind == b"eXIf":
            yield Source.EXIF, _data(content[chunk])
        elif kind in _TEXT and content.startswith(_XMP + b"\0", start):
            yield Source.XMP, _text(kind, _data(content[chunk]), inflater)
        elif kind in _TEXT and content.startswith(_EXIF_TEXT + b"\0", start):
            text = _text(kind, _data(content[chunk]), inflater)
            yield Source.EXIF_TEXT, _unpacked(text)


def _data(chunk: bytes) -> bytes:
    """Return the data of a chunk of metadata; none if it is damaged or too large."""
    data = chunk[_CHUNK_HEADER:-4]
    is_intact = zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")
    return data if is_intact and len(data) <= MAX_METADATA else b""


def _text(kind: bytes, data: bytes, inflater: _Inflater) -> bytes:
    """Return the text of a text chunk; none if it is damaged or too large."""
    _keyword, _, rest = data.partition(b"\0")
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return inflater.inflate(rest[1:])
    # Compression flag and method, then language and translated keyword, each ended by 0.
    *_, text = rest[2:].split(b"\0", 2)
    return text if rest[:1] == b"\0" else inflater.inflate(text)


class _Inflater:
    """Inflates the texts of a file, to ``MAX_INFLATED`` bytes together."""

    def __init__(self) -> None:
        self._left = MAX_INFLATED

    def inflate(self, compressed: bytes) -> bytes:
        """Return a text; none if it is damaged or too large, or the earlier ones are."""
        allowed = min(self._left, MAX_METADATA)
        if not allowed:
            return b""
        inflater, text = zlib.decompressobj(), b""
        with suppress(zlib.error):
            text = inflater.decompress(compressed, allowed)
        self._left -= len(text) if inflater.eof else allowed
        return text if inflater.eof else b""


def _unpacked(text: bytes) -> bytes:
    """Return the bytes of a profile: hexadecimals after an empty line, its name, and its size."""
    try:
        return bytes.fromhex(b"".join(text.split(b"\n", 3)[3:]).decode("ascii"))
    except ValueError:
        return b""
