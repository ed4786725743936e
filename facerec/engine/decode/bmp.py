"""BMP files whose run lengths cost far more than their pixels."""

from __future__ import annotations

from facerec.engine.decode.limits import too_costly

MAX_RUN_LENGTHS = 1_000_000
"""Bytes of a BMP file of run lengths, which Pillow decodes in Python: about 2 microseconds each."""

_COMPRESSION = slice(30, 34)
_RUN_LENGTHS = frozenset({1, 2})
"""``BI_RLE8`` and ``BI_RLE4``
(https://learn.microsoft.com/windows/win32/api/wingdi/ns-wingdi-bitmapinfoheader)."""


def check_run_lengths(content: bytes) -> bytes:
    """Return a BMP file as it is, unless it is a large one of run lengths.

    Raises:
        LimitExceededError: it is.
    """
    compression = int.from_bytes(content[_COMPRESSION], "little")
    if compression in _RUN_LENGTHS and len(content) > MAX_RUN_LENGTHS:
        raise too_costly(f"the BMP file has more than {MAX_RUN_LENGTHS:,} bytes of run lengths")
    return content
