"""Removes the extensions before the first frame of GIF files, such as comments.

Pillow keeps each comment, however short, and uses up to 36 times its size in memory. See the
specification, https://www.w3.org/Graphics/GIF/spec-gif89a.txt.
"""

from __future__ import annotations

from facerec.engine.decode.limits import MAX_BLOCKS, too_costly

_EXTENSION = 0x21
_GRAPHIC_CONTROL = 0xF9
_HEADER = 13


def without_extensions(content: bytes) -> bytes:
    """Return a GIF file without the extensions before its first frame.

    The extension with the transparency of the frame is kept.

    Raises:
        LimitExceededError: More than ``MAX_BLOCKS`` blocks precede the first frame.
    """
    if len(content) < _HEADER:
        return content
    flags = content[10]
    position = _HEADER + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    header, control = content[:position], b""
    blocks = 0
    while content[position : position + 1] == bytes([_EXTENSION]):
        start = position
        position += 2
        while True:
            blocks += 1
            if blocks > MAX_BLOCKS:
                raise too_costly(
                    f"the GIF file has more than {MAX_BLOCKS:,} blocks before its first frame"
                )
            size = int.from_bytes(content[position : position + 1], "big")
            position += 1 + size
            if size == 0:
                break
        if content[start + 1 : start + 2] == bytes([_GRAPHIC_CONTROL]):
            control = content[start:position]
    return b"".join((header, control, content[position:]))
