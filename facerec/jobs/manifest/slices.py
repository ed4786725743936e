"""A child's own slice of the manifest, and the reading of it."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.errors import InvalidInputError
from facerec.jobs.manifest.inventory import inventory_files
from facerec.jobs.manifest.lines import split_lines
from facerec.jobs.manifest.sources import Source, SourceKind
from facerec.storage.objects.protocol import ObjectStore

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK = 1024 * 1024
"""Bytes that are read of a manifest at once."""

STRIPE = 32
"""Lines in a row of a gzip file that go to the same child: as many photos as a step takes."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The lines that begin at bytes ``start`` to ``end`` (exclusive) of the manifest."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Stripe:
    """Lines of a gzip file: of each ``STRIPE * of`` lines in a row, the ``index``-th ``STRIPE``.

    Attributes:
        file: which of the source's files.
        index: 0 to ``of - 1``.
        of: how many children share the file.
    """

    file: int
    index: int
    of: int


def slice_of(source: Source, children: int, stripes: int, child: int) -> ByteRange | Stripe:
    """Return a child's slice: a pure function of the plan, so that it need not be kept anywhere.

    Args:
        source: the manifest.
        children: how many children there are.
        stripes: how many of them share a file.
        child: 0 to ``children - 1``.
    """
    if source.kind is not SourceKind.RANGES:
        return Stripe(child // stripes, child % stripes, stripes)
    length = source.size - source.start
    start, end = (source.start + length * index // children for index in (child, child + 1))
    return ByteRange(start, end)


@dataclass(frozen=True, slots=True)
class Position:
    """How far a child has read.

    Attributes:
        offset: where to go on: a byte of the manifest, or a line of a gzip file (0: the first).
        lines: lines behind that point, of the byte range or of the gzip file (header left out).
    """

    offset: int
    lines: int


@dataclass(frozen=True, slots=True)
class SliceLine:
    """A line of a slice.

    Attributes:
        number: 1 for the first line of the byte range, or of the gzip file (header left out).
        content: the bytes without the line end, or None if they are too many.
        next: the position behind the line.
    """

    number: int
    content: bytes | None
    next: Position


class SliceReader:
    """Reads the lines of a slice from a position on, in bounded memory.

    Iterate it once. Afterwards ``end`` is the position behind the last line of the byte range, or
    of the whole gzip file.

    Raises (while iterating):
        ObjectChangedError: the manifest is not the one that was planned.
        InvalidInputError: a gzip file is damaged.
    """

    def __init__(
        self,
        objects: ObjectStore,
        source: Source,
        part: ByteRange | Stripe,
        position: Position | None = None,
    ) -> None:
        """Take the slice, and the position up to which it was read before."""
        self._objects = objects
        self._source = source
        self._part = part
        self.end = position or self.first(source, part)

    @staticmethod
    def first(source: Source, part: ByteRange | Stripe) -> Position:
        """Return the position at which the reading of a slice begins."""
        return Position(part.start if isinstance(part, ByteRange) else source.lines_before, 0)

    def __iter__(self) -> Iterator[SliceLine]:
        """Yield the lines of the slice, blank ones included."""
        if isinstance(self._part, ByteRange):
            return self._range(self._part)
        return self._stripe(self._part)

    def _range(self, part: ByteRange) -> Iterator[SliceLine]:
        # The line that holds the byte before the range belongs to an earlier child, and ends
        # with that byte where the range begins with a line.
        first = self.first(self._source, part)
        aligned = self.end != first or part.start == self._source.start
        start = self.end.offset - (not aligned)
        if self.end.offset >= part.end:
            return
        lines = split_lines(self._chunks(start, part.end - start), start)
        if not aligned:
            next(lines, None)
        for line in lines:
            if line.start >= part.end:
                return
            self.end = Position(line.next, self.end.lines + 1)
            yield SliceLine(self.end.lines, line.content, self.end)

    def _chunks(self, start: int, length: int) -> Iterator[bytes]:
        # A little more than the range, since its last line most often ends beyond it.
        step = min(CHUNK, length + 4096)
        source = self._source
        for offset in range(start, source.size, step):
            yield self._objects.read(
                source.uri, start=offset, end=offset + step, version=source.version
            )

    def _stripe(self, part: Stripe) -> Iterator[SliceLine]:
        before, read = self._source.lines_before, self.end.offset
        total = 0
        for total, line in enumerate(split_lines(self._text(part)), 1):
            number = total - before
            mine = (number - 1) // STRIPE % part.of == part.index
            if total <= read or number < 1 or not mine:
                continue
            content = line.content
            if total == 1 and content is not None:
                content = content.removeprefix(b"\xef\xbb\xbf")
            self.end = Position(total, number)
            yield SliceLine(number, content, self.end)
        self.end = Position(total, max(0, total - before))

    def _text(self, part: Stripe) -> Iterator[bytes]:
        uri, version, size = self._file(part)
        if not size:
            return
        stream = io.BufferedReader(_ObjectStream(self._objects, uri, version, size), CHUNK)
        try:
            with gzip.open(stream) as text:
                while chunk := text.read(CHUNK):
                    yield chunk
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InvalidInputError(f"{uri} is a damaged gzip file: {error}") from error

    def _file(self, part: Stripe) -> tuple[str, str, int]:
        source = self._source
        if source.kind is SourceKind.STRIPES:
            return source.uri, source.version, source.size
        # Inventory files are written once, under names of their own.
        file = inventory_files(self._objects, source.uri, source.version)[part.file]
        info = self._objects.head(file.uri)
        return info.uri, info.version, info.size


class _ObjectStream(io.RawIOBase):
    """An object as a file that is read from front to back."""

    def __init__(self, objects: ObjectStore, uri: str, version: str, size: int) -> None:
        super().__init__()
        self._objects, self._uri, self._version, self._size = objects, uri, version, size
        self._offset = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        end = min(self._offset + len(view), self._size)
        content = self._objects.read(self._uri, start=self._offset, end=end, version=self._version)
        view[: len(content)] = content
        self._offset += len(content)
        return len(content)
