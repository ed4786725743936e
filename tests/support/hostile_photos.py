"""Small files that cost a careless decoder gigabytes or minutes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from io import BytesIO

from PIL import Image


def tiff_of_one_huge_tile(side: int = 20_000) -> bytes:
    """Return a TIFF of 100 x 100 pixels in one tile of ``side`` x ``side`` pixels."""
    compressor = zlib.compressobj(9)
    row = bytes(side * 3)
    data = b"".join(compressor.compress(row) for _ in range(side)) + compressor.flush()
    data += bytes(len(data) % 2)
    tags = [
        *((256, 4, 1, 100), (257, 4, 1, 100), (258, 3, 3, 8), (259, 3, 1, 8), (262, 3, 1, 2)),
        *((277, 3, 1, 3), (284, 3, 1, 1), (322, 4, 1, side), (323, 4, 1, side)),
        *((324, 4, 1, 16), (325, 4, 1, len(data))),
    ]
    header = b"II*\0" + struct.pack("<I", 16 + len(data)) + struct.pack("<4H", 8, 8, 8, 0)
    return header + data + _directory(tags)


def tiff_of_tags_at_one_place(size: int, tags: int) -> bytes:
    """Return a TIFF of many tags that all hold the same bytes."""
    side = 64
    fields = {
        **{256: (4, 1, side), 257: (4, 1, side), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1)},
        **{273: (4, 1, 8), 277: (3, 1, 1), 278: (4, 1, side), 279: (4, 1, side * side)},
        **{40_000 + number: (1, size, 8) for number in range(tags)},
    }
    return (
        b"II*\0"
        + struct.pack("<I", 8 + size)
        + bytes(size)
        + _directory((tag, *field) for tag, field in fields.items())
    )


def _directory(tags: Iterable[tuple[int, int, int, int]]) -> bytes:
    entries = sorted(tags)
    packed = (struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<H", len(entries)) + b"".join(packed) + bytes(4)


def gif_of_comments(count: int, *, after: bool = False) -> bytes:
    """Return a GIF of 64 x 64 pixels with comments of one byte, before or after its picture."""
    file = BytesIO()
    Image.new("L", (64, 64)).save(file, "GIF")
    header, picture, rest = file.getvalue().partition(b"\x2c\0\0\0\0\x40\0\x40\0")
    comments = b"\x21\xfe\x01a\0" * count
    if after:
        return header + picture + rest.removesuffix(b";") + comments + b";"
    return header + comments + picture + rest


def jpeg_of_empty_scans(side: int, scans: int) -> bytes:
    """Return a progressive JPEG, grey, whose scans but the first bring nothing."""
    blocks = ((side + 7) // 8) ** 2
    quantisation = jpeg_segment(0xDB, b"\0" + bytes([16] * 64))
    frame = jpeg_segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + bytes([1, 0x11, 0]))
    # One code of one bit each: a difference of 0, and a run of 2^14 and more blocks without end.
    tables = jpeg_segment(0xC4, b"\x00" + bytes([1] + [0] * 15) + b"\x00")
    tables += jpeg_segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\xe0")
    first = jpeg_segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + _bits("0" * blocks)
    runs, left = "", blocks
    while left > 0:
        run = max(min(left, 32_767), 16_384)
        runs += "0" + f"{run - 16_384:014b}"
        left -= run
    scan = jpeg_segment(0xDA, bytes([1, 1, 0, 1, 63, 0])) + _bits(runs)
    return b"\xff\xd8" + quantisation + frame + tables + first + scan * scans + b"\xff\xd9"


def jpeg_segment(marker: int, data: bytes) -> bytes:
    """Return a segment of a JPEG."""
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def _bits(digits: str) -> bytes:
    padded = digits + "1" * (-len(digits) % 8)
    data = int(padded, 2).to_bytes(len(padded) // 8, "big")
    return data.replace(b"\xff", b"\xff\0")


def jpeg_of_exif(orientation: int, *, fractions: int) -> bytes:
    """Return a JPEG with an orientation in EXIF, then a tag of fractions over many segments."""
    header = b"Exif\0\0MM\0*" + struct.pack(">LH", 8, 2)
    first = struct.pack(">HHLHH", 0x0112, 3, 1, orientation, 0)
    header += first + struct.pack(">HHLLL", 0x011A, 5, fractions, 38, 0)
    values = b"\0\0\0\x01\0\0\0\x02" * 8_000
    more = jpeg_segment(0xE1, b"Exif\0\0" + values) * (fractions // 8_000)
    return _jpeg(jpeg_segment(0xE1, header) + more)


def jpeg_of_useless_exif(count: int) -> bytes:
    """Return a JPEG with full segments of EXIF, none of which states an orientation."""
    entry = struct.pack(">HHLL", 0x010F, 2, 1, 0)
    block = b"Exif\0\0MM\0*" + struct.pack(">LH", 8, 5_400) + entry * 5_400
    return _jpeg(jpeg_segment(0xE1, block) * count)


def jpeg_of_comments_between_scans(count: int) -> bytes:
    """Return a progressive JPEG with empty comments before its last scan, one of many."""
    content = jpeg_of_empty_scans(9_999, 60)
    last = content.rindex(b"\xff\xda")
    return content[:last] + b"\xff\xfe\0\x02" * count + content[last:]


def jpeg_of_segments(count: int) -> bytes:
    """Return a JPEG with empty comments before its picture."""
    return _jpeg(b"\xff\xfe\0\x02" * count)


def jpeg_of_junk(size: int) -> bytes:
    """Return a JPEG with zeros between two of its segments."""
    return _jpeg(b"\xff\xfe\0\x02" + bytes(size))


def _jpeg(inserted: bytes) -> bytes:
    file = BytesIO()
    Image.new("RGB", (64, 64)).save(file, "JPEG")
    content = file.getvalue()
    return content[:2] + inserted + content[2:]


def png_of_empty_chunks(count: int) -> bytes:
    """Return a PNG whose pixels follow many empty chunks of pixels."""
    header = struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", header),
            png_chunk(b"IDAT", b"") * count,
            png_chunk(b"IDAT", zlib.compress(bytes(64 * 65))),
            png_chunk(b"IEND", b""),
        )
    )


def png_of_text(count: int, *, orientation: int | None = None) -> bytes:
    """Return a PNG with chunks of EXIF as text, each a kilobyte that inflates to a megabyte.

    Args:
        count: Number of chunks.
        orientation: Orientation that a further, small chunk states after them.
    """
    chunks = _text_chunk(bytes(999_999)) * count
    if orientation is not None:
        exif = b"II*\0" + struct.pack("<LHHHLL", 8, 1, 0x0112, 3, 1, orientation)
        chunks += _text_chunk(_profile(exif))
    return _png(chunks)


IDENTIFIERS = b"Exif\0\0" * 166_000
"""A megabyte of the bytes that precede EXIF in a JPEG, without any EXIF."""


def png_of_exif_identifiers() -> bytes:
    """Return a PNG with 16 chunks of EXIF, each a megabyte of identifiers."""
    return _png(png_chunk(b"eXIf", IDENTIFIERS) * 16)


def png_of_texts_of_exif_identifiers() -> bytes:
    """Return a PNG with 16 chunks of EXIF as text, two kilobytes that inflate to a megabyte."""
    half = IDENTIFIERS[: len(IDENTIFIERS) // 2 - 100]
    return _png(_text_chunk(_profile(half)) * 16)


def _profile(exif: bytes) -> bytes:
    """Return EXIF as a text of a PNG."""
    return b"\nexif\n%8d\n" % len(exif) + exif.hex().encode()


def _text_chunk(text: bytes) -> bytes:
    return png_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text, 9))


def _png(chunks: bytes) -> bytes:
    """Return a PNG with chunks after its header."""
    header, pixels = png_of_empty_chunks(0)[:33], png_of_empty_chunks(0)[33:]
    return header + chunks + pixels


def webp_of_exif_identifiers() -> bytes:
    """Return a WebP with a chunk of EXIF, eight megabytes of identifiers."""
    file = BytesIO()
    Image.new("RGB", (64, 64)).save(file, "WEBP")
    chunk = b"EXIF" + struct.pack("<I", 8 * len(IDENTIFIERS)) + IDENTIFIERS * 8
    chunks = file.getvalue()[12:] + chunk
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def png_chunk(kind: bytes, data: bytes, *, damaged: bool = False) -> bytes:
    """Return a chunk of a PNG, with a wrong checksum if it is to be damaged."""
    checksum = zlib.crc32(kind + data) ^ damaged
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def bmp_of_short_runs(side: int) -> bytes:
    """Return a BMP whose run lengths are all 1."""
    runs = (b"\1\0" * side + b"\0\0") * side + b"\0\1"
    sizes = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(runs), 0, 0, 256, 0)
    header = b"BM" + struct.pack("<IHHI", 54 + 1024 + len(runs), 0, 0, 54 + 1024)
    return header + sizes + bytes(1024) + runs
