"""Removes PNG chunks that decoding does not need.

Pillow rejects a PNG with a large or damaged metadata chunk, which viewers ignore, and metadata can
take far longer to read than the pixels. So only the chunks that affect pixels and orientation are
passed on. See https://www.w3.org/TR/png-3/#5Chunk-layout.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import count

from facerec.engine.decode.limits import too_costly

MAX_CHUNKS = 100_000
"""Maximum number of chunks of a PNG: pixels are usually in chunks of 8 kB, so this allows 800
MB."""

MAX_TEXT = 1_000_000
"""Maximum uncompressed size of a text chunk in bytes; Pillow rejects files with more than 1 MiB."""

_SIGNATURE = 8
_CHUNK_HEADER = 8
"""Size of a chunk's length and type in bytes."""

_PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_TEXT = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_ORIENTATION = (b"XML:com.adobe.xmp", b"Raw profile type exif")
"""Keywords of text chunks that may hold the orientation."""


def without_metadata(content: bytes) -> bytes:
    """Return a PNG file with only the chunks that affect pixels and orientation.

    The first chunk of each kind that may hold the orientation counts, since reading a chunk may
    cost a thousand times its size. So at most three are read.

    Raises:
        LimitExceededError: The file has more than ``MAX_CHUNKS`` chunks.
    """
    kept = [content[:_SIGNATURE]]
    read: set[bytes] = set()
    for kind, chunk in _chunks(content):
        if kind in _PIXELS:
            kept.append(content[chunk])
            continue
        metadata = _orientation_kind(kind, content, chunk.start + _CHUNK_HEADER)
        if metadata is not None and metadata not in read:
            read.add(metadata)
            if _is_valid(kind, content[chunk]):
                kept.append(content[chunk])
    return b"".join(kept)


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


def _orientation_kind(kind: bytes, content: bytes, start: int) -> bytes | None:
    """Return the kind of metadata that may hold the orientation, or None for any other chunk."""
    if kind == b"eXIf":
        return kind
    if kind in _TEXT:
        for keyword in _ORIENTATION:
            if content.startswith(keyword + b"\0", start):
                return keyword
    return None


def _is_valid(kind: bytes, chunk: bytes) -> bool:
    """Return whether a chunk of metadata is undamaged and small enough."""
    data = chunk[_CHUNK_HEADER:-4]
    if len(data) > MAX_TEXT or (kind in _TEXT and not _inflates_to_little(kind, data)):
        return False
    return zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")


def _inflates_to_little(kind: bytes, data: bytes) -> bool:
    _keyword, _, rest = data.partition(b"\0")
    if kind == b"tEXt" or (kind == b"iTXt" and rest[:1] == b"\0"):
        return True
    if kind == b"iTXt":
        # Compression flag and method, then language and translated keyword, each ended by 0.
        *_, compressed = rest[2:].split(b"\0", 2)
    else:
        compressed = rest[1:]
    inflater = zlib.decompressobj()
    try:
        inflater.decompress(compressed, MAX_TEXT)
    except zlib.error:
        return False
    return inflater.eof
