"""Rejects BMP files whose run-length encoding costs far more than their pixels."""

from __future__ import annotations

from facerec.engine.decode.limits import too_costly

MAX_RUN_LENGTHS = 1_000_000
"""Maximum size of a run-length encoded BMP file, which Pillow decodes in Python at 2 microseconds
per byte."""

_COMPRESSION = slice(30, 34)
_RUN_LENGTHS = frozenset({1, 2})
"""``BI_RLE8`` and ``BI_RLE4``
(https://learn.microsoft.com/windows/win32/api/wingdi/ns-wingdi-bitmapinfoheader)."""


def check_run_lengths(content: bytes) -> bytes:
    """Return a BMP file unchanged, unless it is run-length encoded and large.

    Raises:
        LimitExceededError: The file is too large for run-length encoding.
    """
    compression = int.from_bytes(content[_COMPRESSION], "little")
    if compression in _RUN_LENGTHS and len(content) > MAX_RUN_LENGTHS:
        raise too_costly(f"the BMP file has more than {MAX_RUN_LENGTHS:,} bytes of run lengths")
    return content
