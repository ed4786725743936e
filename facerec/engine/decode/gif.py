"""Reads the blocks of GIF files, and removes the extensions before the first frame.

Pillow keeps every comment, even a short one, and uses up to 36 times its size in memory. See the
specification, https://www.w3.org/Graphics/GIF/spec-gif89a.txt.
"""

from __future__ import annotations

from facerec.engine.decode.limits import MAX_BLOCKS, too_costly

MAX_FRAME_BLOCKS = 500_000
"""Maximum number of blocks to skip when searching for a second frame. The pixels of a frame are in
blocks of 255 bytes, so this allows 127 MB."""

_EXTENSION = 0x21
_FRAME = 0x2C
_GRAPHIC_CONTROL = 0xF9
_HEADER = 13
_FRAME_HEADER = 10


def without_extensions(content: bytes) -> bytes:
    """Return a GIF file without the extensions before its first frame.

    The extension with the transparency of the frame is kept.

    Raises:
        LimitExceededError: More than ``MAX_BLOCKS`` blocks precede the first frame.
    """
    if len(content) < _HEADER:
        return content
    position = _first_block(content)
    header, control = content[:position], b""
    blocks = 0
    while content[position : position + 1] == bytes([_EXTENSION]):
        start = position
        position, passed = _after_blocks(content, position + 2, MAX_BLOCKS - blocks)
        blocks += passed
        if blocks > MAX_BLOCKS:
            raise too_costly(
                f"the GIF file has more than {MAX_BLOCKS:,} blocks before its first frame"
            )
        if content[start + 1 : start + 2] == bytes([_GRAPHIC_CONTROL]):
            control = content[start:position]
    return b"".join((header, control, content[position:]))


def has_more_frames(content: bytes) -> bool:
    """Return whether a GIF file has a second frame; only the first one is decoded.

    A file with more than ``MAX_FRAME_BLOCKS`` blocks before its second frame counts as one of a
    single frame.
    """
    position, blocks, frames = _first_block(content), 0, 0
    while blocks <= MAX_FRAME_BLOCKS:
        kind = content[position] if position < len(content) else None
        if kind == _FRAME:
            frames += 1
            if frames == 2:
                return True
            # The size of the codes of the pixels, a byte, precedes them.
            start = position + _FRAME_HEADER + _palette_bytes(content, position + 9) + 1
        elif kind == _EXTENSION:
            start = position + 2
        else:
            break
        position, passed = _after_blocks(content, start, MAX_FRAME_BLOCKS - blocks)
        blocks += passed
    return False


def _first_block(content: bytes) -> int:
    return _HEADER + _palette_bytes(content, 10)


def _palette_bytes(content: bytes, position: int) -> int:
    """Return the size of the palette that the flags at a position announce."""
    flags = int.from_bytes(content[position : position + 1], "big")
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(content: bytes, position: int, maximum: int) -> tuple[int, int]:
    """Return the position after blocks of data and the empty block at their end, and their number.

    Ends after ``maximum`` blocks and one.
    """
    size, blocks = 1, 0
    while size and blocks <= maximum:
        size = content[position] if position < len(content) else 0
        position += 1 + size
        blocks += 1
    return position, blocks
