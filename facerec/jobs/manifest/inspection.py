"""Inspects a manifest of any size, using its length and a small sample."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from facerec.errors import InvalidInputError
from facerec.jobs.manifest.lines import split_lines
from facerec.jobs.manifest.source import LineFormat, Source, SourceKind

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectInfo, ObjectStore

SAMPLE = 256 * 1024
"""Number of bytes of a manifest that are read to plan a job."""

_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_FORMATS = {
    ".jsonl": LineFormat.JSONL,
    ".ndjson": LineFormat.JSONL,
    ".csv": LineFormat.CSV,
    ".txt": LineFormat.URIS,
}
_PHOTOS = {
    *(".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".tif", ".tiff"),
    *(".bmp", ".heic", ".heif", ".avif"),
}


_ARRAY = re.compile(rb"\s*\[\s*(?:\{|\"|$)")
"""Matches the start of a JSON array of objects or strings, not a file name in brackets."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """A manifest and the number of photos that it names.

    Attributes:
        source: The manifest.
        photos: Number of lines that are not blank, counted or estimated.
        exact: Whether the lines were counted.
    """

    source: Source
    photos: int
    exact: bool


def is_photo(uri: str, sample: bytes) -> bool:
    """Return whether an object's name or first bytes show that it is a photo, not a manifest."""
    if PurePosixPath(uri).suffix.lower() in _PHOTOS:
        return True
    return b"\0" in sample and not sample.startswith((_GZIP, *_UTF_16))


def inspect(info: ObjectInfo, sample: bytes) -> Inspection:
    """Determine the format, the start and the number of a manifest's lines.

    Args:
        info: Size and version of the manifest.
        sample: The first ``SAMPLE`` bytes, or the whole manifest if it is shorter.

    Raises:
        InvalidInputError: The object cannot be read as a manifest.
    """
    if sample.startswith(_GZIP):
        return _inspect_gzip(info, sample)
    text = _Text.of(info.uri, sample)
    whole = len(sample) >= info.size
    data = sample[text.start :]
    photos = _count(data if whole else data[: data.rfind(b"\n") + 1] or data)
    if not whole:
        photos = max(1, round(photos * (info.size - text.start) / max(1, len(data))))
    source = text.source(SourceKind.RANGES, info)
    return Inspection(source, photos, whole)


@contextmanager
def gzip_errors(uri: str) -> Iterator[None]:
    """Convert errors of decompression to an error that names the file.

    Raises:
        InvalidInputError: The file is damaged.
    """
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidInputError(
            f"{uri} is a damaged gzip file: {error}", "create or copy the file again"
        ) from error


def gzip_start(uri: str, sample: bytes, size: int) -> tuple[bytes, float, bool]:
    """Decompress the start of a gzip file.

    Returns:
        The text, the ratio of the file's ``size`` to the bytes that were read, and whether the text
        is complete.

    Raises:
        InvalidInputError: The file is damaged.
    """
    inflate = zlib.decompressobj(wbits=31)
    with gzip_errors(uri):
        text = inflate.decompress(sample, 4 * SAMPLE)
    read = len(sample) - len(inflate.unconsumed_tail) - len(inflate.unused_data)
    whole = inflate.eof and read >= size
    return text, 1.0 if whole else size / max(1, read), whole


def _inspect_gzip(info: ObjectInfo, sample: bytes) -> Inspection:
    content, times, whole = gzip_start(info.uri, sample, info.size)
    text = _Text.of(str(PurePosixPath(info.uri).with_suffix("")), content)
    photos = _count(content[text.start :])
    source = text.source(SourceKind.STRIPES, info)
    return Inspection(source, photos if whole else max(1, round(photos * times)), whole)


@dataclass(frozen=True, slots=True)
class _Text:
    format: LineFormat
    columns: tuple[str, ...]
    start: int
    lines_before: int

    @classmethod
    def of(cls, uri: str, sample: bytes) -> _Text:
        if sample.startswith(_UTF_16):
            raise InvalidInputError(f"{uri} is UTF-16", "save the manifest as UTF-8")
        start = len(_BYTE_ORDER_MARK) if sample.startswith(_BYTE_ORDER_MARK) else 0
        named = _FORMATS.get(PurePosixPath(uri).suffix.lower())
        for number, (end, content) in enumerate(split_lines([sample[start:]], start), 1):
            if content is None or not content.strip():
                continue
            if named in (None, LineFormat.JSONL) and _ARRAY.match(content):
                raise InvalidInputError(
                    f"{uri} is a JSON array", "write one JSON object per line, without brackets"
                )
            columns = _columns(content)
            if named is LineFormat.CSV or (named is None and "image" in columns):
                if "image" not in columns:
                    raise InvalidInputError(
                        f"{uri} has no column `image`",
                        "begin a CSV manifest with a header: image,external_image_id,version_id",
                    )
                return cls(LineFormat.CSV, columns, end, number)
            first = LineFormat.JSONL if content.lstrip().startswith(b"{") else LineFormat.URIS
            return cls(named or first, (), start, 0)
        return cls(named or LineFormat.URIS, (), start, 0)

    def source(self, kind: SourceKind, info: ObjectInfo) -> Source:
        """Return the source for a manifest that begins with this text."""
        return Source(
            kind,
            info.uri,
            info.version,
            info.size,
            self.format,
            self.columns,
            self.start,
            self.lines_before,
        )


def _columns(header: bytes) -> tuple[str, ...]:
    try:
        (names,) = csv.reader([header.decode("utf-8")], strict=True)
    except (UnicodeDecodeError, csv.Error, ValueError):
        return ()
    return tuple(name.strip().lower() for name in names)


def _count(text: bytes) -> int:
    return sum(1 for line in text.split(b"\n") if line.strip())


def read_sample(objects: ObjectStore, uri: str) -> tuple[ObjectInfo, bytes]:
    """Return size and version of an object, and its first ``SAMPLE`` bytes.

    Raises:
        ObjectNotFoundError: The object does not exist.
        ObjectChangedError: The object changes between the two requests.
    """
    info = objects.head(uri)
    return info, objects.read(uri, end=min(SAMPLE, info.size), version=info.version)


def read_start(objects: ObjectStore, uri: str) -> bytes:
    """Return about the first ``SAMPLE`` bytes of a manifest, decompressed.

    Raises:
        ObjectNotFoundError: The manifest does not exist.
        InvalidInputError: A gzip file is damaged, or the manifest changes during the call.
    """
    info, sample = read_sample(objects, uri)
    return gzip_start(uri, sample, info.size)[0] if sample.startswith(_GZIP) else sample
