"""Bytes into lines, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LONGEST_LINE = 64 * 1024
"""Bytes of a manifest line; a longer one is malformed, and none of it is kept."""


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line of a text.

    Attributes:
        start: offset of its first byte.
        next: offset of the following line's first byte.
        content: the bytes without the line end, or None if they are too many.
    """

    start: int
    next: int
    content: bytes | None


def split_lines(chunks: Iterable[bytes], start: int = 0) -> Iterator[RawLine]:
    """Yield the lines of a text; LF and CRLF end one, the last one may lack its end.

    Args:
        chunks: the text in pieces of any size.
        start: the offset of the first piece.
    """
    kept, dropped = b"", 0
    for chunk in chunks:
        *ended, kept = (kept + chunk).split(b"\n")
        for piece in ended:
            following = start + dropped + len(piece) + 1
            yield _line(start, following, piece, dropped)
            start, dropped = following, 0
        if dropped or len(kept) > LONGEST_LINE:
            kept, dropped = b"", dropped + len(kept)
    if kept or dropped:
        yield _line(start, start + dropped + len(kept), kept, dropped)


def _line(start: int, following: int, piece: bytes, dropped: int) -> RawLine:
    if dropped or len(piece) > LONGEST_LINE:
        return RawLine(start, following, None)
    return RawLine(start, following, piece.removesuffix(b"\r"))
