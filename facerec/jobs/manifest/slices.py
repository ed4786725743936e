"""Divides the lines of a manifest among children, and reads them."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.jobs.manifest.cursor import Cursor
from facerec.jobs.manifest.inspection import gzip_errors
from facerec.jobs.manifest.inventory import inventory_files
from facerec.jobs.manifest.lines import split_lines
from facerec.jobs.manifest.source import Source, SourceKind

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from facerec.storage.objects.protocol import ObjectStore

CHUNK = 1024 * 1024
"""Number of bytes of a manifest per read."""

STRIPE = 32
"""Number of consecutive lines of a gzip file that go to the same child: the photos of one step."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The lines of a manifest whose first byte is in the range ``start`` to ``end`` (exclusive)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Stripe:
    """Lines of a gzip file: the ``index``-th group of ``STRIPE`` lines in every ``of`` groups.

    Attributes:
        file: Index of the file in the source.
        index: 0 to ``of - 1``.
        of: Number of children that share the file.
    """

    file: int
    index: int
    of: int


def slice_of(source: Source, children: int, stripes: int, child: int) -> ByteRange | Stripe:
    """Return a child's slice; it depends only on the plan, so it need not be stored.

    Args:
        source: The manifest.
        children: Number of children.
        stripes: Number of children that share a file.
        child: 0 to ``children - 1``.
    """
    if source.kind is not SourceKind.RANGES:
        return Stripe(child // stripes, child % stripes, stripes)
    length = source.size - source.start
    start, end = (source.start + length * index // children for index in (child, child + 1))
    return ByteRange(start, end)


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """A line of a slice.

    Attributes:
        content: The bytes without the line end; None if longer than ``MAX_LINE_BYTES``.
        end: The cursor after the line; ``end.lines`` is the line's number in the slice, from 1.
    """

    content: bytes | None
    end: Cursor


class SliceReader:
    """Reads the lines of a slice from a cursor on, in bounded memory.

    Iterate it once. Afterwards ``end`` is the cursor after the last line of the byte range, or of
    the whole gzip file.

    Raises (while iterating):
        ObjectChangedError: The manifest is not the version that was planned.
        InvalidInputError: A gzip file is damaged, an inventory cannot be read, or a line has more
            than ``MAX_ENDLESS_BYTES``.
        ObjectNotFoundError: The manifest, or a file of an inventory, does not exist.
    """

    def __init__(
        self,
        objects: ObjectStore,
        source: Source,
        child_slice: ByteRange | Stripe,
        start: Cursor | None = None,
    ) -> None:
        """Create a reader from ``start`` on, by default from the beginning of the slice."""
        self._objects = objects
        self._source = source
        self._slice = child_slice
        self.end = start or self.first(source, child_slice)

    @staticmethod
    def first(source: Source, child_slice: ByteRange | Stripe) -> Cursor:
        """Return the cursor at the beginning of a slice."""
        if isinstance(child_slice, ByteRange):
            return Cursor(child_slice.start, 0)
        return Cursor(source.lines_before, 0)

    def __iter__(self) -> Iterator[ManifestLine]:
        """Yield the lines of the slice, blank ones included."""
        if isinstance(self._slice, ByteRange):
            return self._range(self._slice)
        return self._stripe(self._slice)

    def _range(self, part: ByteRange) -> Iterator[ManifestLine]:
        # The line that contains the byte before the range belongs to an earlier child. It ends with
        # that byte if the range starts at the start of a line.
        first = self.first(self._source, part)
        aligned = self.end != first or part.start == self._source.start
        start = self.end.offset - (not aligned)
        if self.end.offset >= part.end:
            return
        lines = split_lines(self._chunks(start, part.end - start), start)
        if not aligned and next(lines, (part.end, None))[0] >= part.end:
            return
        for offset, content in lines:
            self.end = Cursor(offset, self.end.lines + 1)
            yield ManifestLine(content, self.end)
            if offset >= part.end:
                return

    def _chunks(self, start: int, length: int) -> Iterator[bytes]:
        # A little more than the range is read, since its last line usually ends after it.
        step = min(CHUNK, length + 4096)
        source = self._source
        for offset in range(start, source.size, step):
            yield self._objects.read(
                source.uri, start=offset, end=offset + step, version=source.version
            )

    def _stripe(self, part: Stripe) -> Iterator[ManifestLine]:
        before, read = self._source.lines_before, self.end.offset
        total = 0
        for total, (_, content) in enumerate(split_lines(self._text(part)), 1):
            number = total - before
            mine = (number - 1) // STRIPE % part.of == part.index
            if total <= read or number < 1 or not mine:
                continue
            if total == 1 and content is not None:
                content = content.removeprefix(b"\xef\xbb\xbf")
            self.end = Cursor(total, number)
            yield ManifestLine(content, self.end)
        self.end = Cursor(total, max(0, total - before))

    def _text(self, part: Stripe) -> Iterator[bytes]:
        uri, version, size = self._file(part)
        if not size:
            return
        stream = io.BufferedReader(_ObjectStream(self._objects, uri, version, size), CHUNK)
        with gzip_errors(uri), gzip.open(stream) as text:
            while chunk := text.read(CHUNK):
                yield chunk

    def _file(self, part: Stripe) -> tuple[str, str, int]:
        source = self._source
        if source.kind is SourceKind.STRIPES:
            return source.uri, source.version, source.size
        # Inventory files are written once, each under its own name.
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
