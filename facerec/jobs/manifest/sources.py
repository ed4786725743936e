"""What a manifest is, found out from its size and a small sample, whatever its size."""

from __future__ import annotations

import csv
import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from facerec.errors import InvalidInputError
from facerec.jobs.manifest.entries import LineFormat
from facerec.jobs.manifest.lines import split_lines
from facerec.storage.objects.protocol import ObjectInfo, ObjectStore

SAMPLE = 256 * 1024
"""Bytes that are read of a manifest to plan a job."""

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


class SourceKind(StrEnum):
    """How children share a manifest."""

    RANGES = "ranges"
    """Each reads a range of the bytes."""
    STRIPES = "stripes"
    """Each streams the whole of a gzip file and takes some of its lines."""
    INVENTORY = "inventory"
    """As stripes, of each of the files of an S3 Inventory."""


@dataclass(frozen=True, slots=True)
class Source:
    """A manifest as a plan pins it.

    Attributes:
        kind: how children share it.
        uri: the manifest, or an inventory's ``manifest.json``.
        version: what it must still be when a child reads it.
        size: bytes of the object.
        format: what its lines are.
        columns: names of the columns of a CSV or an inventory.
        start: offset of the first byte behind a byte order mark and a CSV's header.
        lines_before: lines up to ``start``.
        files: how many files hold the lines.
    """

    kind: SourceKind
    uri: str
    version: str
    size: int
    format: LineFormat
    columns: tuple[str, ...] = ()
    start: int = 0
    lines_before: int = 0
    files: int = 1


@dataclass(frozen=True, slots=True)
class Inspection:
    """A source and how many photos it names.

    Attributes:
        source: the manifest.
        images: lines that are not blank, counted or estimated.
        exact: whether they were counted.
    """

    source: Source
    images: int
    exact: bool


def is_photo(uri: str, sample: bytes) -> bool:
    """Say whether an object is a photo and no manifest, from its name and its first bytes."""
    if PurePosixPath(uri).suffix.lower() in _PHOTOS:
        return True
    return b"\0" in sample and not sample.startswith((_GZIP, *_UTF_16))


def inspect(info: ObjectInfo, sample: bytes) -> Inspection:
    """Find out what a manifest's lines are, where they begin and how many there are.

    Args:
        info: of the manifest.
        sample: its first bytes, ``SAMPLE`` of them or all.

    Raises:
        InvalidInputError: it is no manifest that can be read.
    """
    if sample.startswith(_GZIP):
        return _inspect_gzip(info, sample)
    text = _Text.of(info.uri, sample)
    whole = len(sample) >= info.size
    data = sample[text.start :]
    images = _images(data if whole else data[: data.rfind(b"\n") + 1] or data)
    if not whole:
        images = max(1, round(images * (info.size - text.start) / max(1, len(data))))
    source = Source(
        SourceKind.RANGES,
        info.uri,
        info.version,
        info.size,
        text.format,
        text.columns,
        text.start,
        text.lines_before,
    )
    return Inspection(source, images, whole)


def gzip_start(uri: str, sample: bytes, size: int) -> tuple[bytes, float, bool]:
    """Decompress the start of a gzip file.

    Returns:
        The text, how often it fits into the whole file of ``size`` bytes, and whether it is all
        of it.

    Raises:
        InvalidInputError: it is damaged.
    """
    inflate = zlib.decompressobj(wbits=31)
    try:
        text = inflate.decompress(sample, 4 * SAMPLE)
    except zlib.error as error:
        raise InvalidInputError(f"{uri} is a damaged gzip file: {error}") from error
    read = len(sample) - len(inflate.unconsumed_tail) - len(inflate.unused_data)
    whole = inflate.eof and read >= size
    return text, 1.0 if whole else size / max(1, read), whole


def _inspect_gzip(info: ObjectInfo, sample: bytes) -> Inspection:
    content, times, whole = gzip_start(info.uri, sample, info.size)
    text = _Text.of(str(PurePosixPath(info.uri).with_suffix("")), content)
    images = _images(content[text.start :])
    source = Source(
        SourceKind.STRIPES,
        info.uri,
        info.version,
        info.size,
        text.format,
        text.columns,
        text.start,
        text.lines_before,
    )
    return Inspection(source, images if whole else max(1, round(images * times)), whole)


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
        for number, line in enumerate(split_lines([sample[start:]], start), 1):
            if line.content is None or not line.content.strip():
                continue
            columns = _columns(line.content)
            if named is LineFormat.CSV or (named is None and "image" in columns):
                if "image" not in columns:
                    raise InvalidInputError(
                        f"{uri} has no column `image`",
                        "a CSV begins with a header: image,external_image_id,version_id",
                    )
                return cls(LineFormat.CSV, columns, line.next, number)
            first = LineFormat.JSONL if line.content.lstrip().startswith(b"{") else LineFormat.URIS
            return cls(named or first, (), start, 0)
        return cls(named or LineFormat.URIS, (), start, 0)


def _columns(header: bytes) -> tuple[str, ...]:
    try:
        (names,) = csv.reader([header.decode("utf-8")], strict=True)
    except (UnicodeDecodeError, csv.Error, ValueError):
        return ()
    return tuple(name.strip().lower() for name in names)


def _images(text: bytes) -> int:
    return sum(1 for line in text.split(b"\n") if line.strip())


def read_sample(objects: ObjectStore, uri: str) -> tuple[ObjectInfo, bytes]:
    """Return what is known of an object, and its first bytes."""
    info = objects.head(uri)
    return info, objects.read(uri, end=min(SAMPLE, info.size), version=info.version)
