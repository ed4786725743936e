"""Splits bytes into lines in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from facerec.errors import InvalidInputError

MAX_LINE_BYTES = 64 * 1024
"""Maximum length of a manifest line in bytes; a longer one is malformed and discarded."""

MAX_ENDLESS_BYTES = 64 * 1024 * 1024
"""Maximum number of bytes without a line end; a text with more is rejected as a manifest: a few
megabytes of gzip may inflate to gigabytes, for each child that reads them."""


def split_lines(chunks: Iterable[bytes], start: int = 0) -> Iterator[tuple[int, bytes | None]]:
    """Yield the lines of a text; a line ends in LF or CRLF, except possibly the last.

    Args:
        chunks: The text in pieces of any size.
        start: Offset of the first piece.

    Yields:
        The offset of the following line's first byte, and the line without its end; None for a line
        longer than ``MAX_LINE_BYTES``.

    Raises:
        InvalidInputError: A line has more than ``MAX_ENDLESS_BYTES``.
    """
    kept, dropped = b"", 0
    for chunk in chunks:
        *ended, kept = (kept + chunk).split(b"\n")
        for piece in ended:
            start += dropped + len(piece) + 1
            yield start, _content(piece, dropped)
            dropped = 0
        if dropped or len(kept) > MAX_LINE_BYTES:
            kept, dropped = b"", dropped + len(kept)
            if dropped > MAX_ENDLESS_BYTES:
                raise InvalidInputError(
                    f"a line of the manifest has more than {MAX_ENDLESS_BYTES:,} bytes",
                    "a manifest is a text file with one line per photo",
                )
    if kept or dropped:
        yield start + dropped + len(kept), _content(kept, dropped)


def _content(piece: bytes, dropped: int) -> bytes | None:
    if dropped or len(piece) > MAX_LINE_BYTES:
        return None
    return piece.removesuffix(b"\r")
