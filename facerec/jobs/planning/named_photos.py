"""Reads the photos that a manifest names, in the order of their addresses, in bounded memory.

They are compared with the remembered photos, like the photos of a folder. Lines do not show whether
their photos have changed, except in an inventory with ETags. So remembered photos are looked up:
files one by one, objects of S3 by listings (``storage.objects.lookup``). No photo is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from facerec.errors import InvalidInputError
from facerec.jobs.manifest.companions import describe_companion
from facerec.jobs.manifest.entries import LineParser, ManifestEntry
from facerec.jobs.manifest.listing import ListedPhoto
from facerec.jobs.manifest.slices import SliceReader, slice_of
from facerec.jobs.manifest.source import SourceKind
from facerec.jobs.outcomes import Outcome
from facerec.jobs.remembered.photos import address_of_line, escaped, unescaped
from facerec.jobs.remembered.sorting import sorted_lines
from facerec.jobs.versions import pinned_version, version_of, version_of_line
from facerec.storage.objects.lookup import Lookup

if TYPE_CHECKING:
    from facerec.jobs.manifest.source import Source
    from facerec.jobs.remembered.joining import Group
    from facerec.storage.objects.protocol import ObjectInfo, ObjectStore

MAX_LINES = 10_000_000
"""Maximum number of lines to read while a job is planned. A function of the stack can sort this
many within 15 minutes and 4 GB of temporary files (``benchmarks/rerun.py``)."""

LOOKED_UP_AT_ONCE = 50_000
"""Number of addresses that are looked up together."""


def named_photos(lines: Iterable[bytes | None], parser: LineParser) -> Iterator[ListedPhoto]:
    """Yield the photos that the lines of a manifest name, and the lines that are malformed.

    Args:
        lines: The lines; None for a line that is too long.
        parser: Parses the lines.
    """
    texts = (text for line in lines if (text := _text_of(parser, line)) is not None)
    for line in sorted_lines(texts, key=address_of_line):
        uri, name, version, version_id, malformed = line.split("\t")
        yield ListedPhoto(
            unescaped(uri),
            name,
            version,
            version_id=version_id or None,
            line=unescaped(malformed).encode(errors="surrogateescape") if malformed else None,
        )


def lines_of(objects: ObjectStore, source: Source) -> Iterator[bytes | None]:
    """Yield the lines of a manifest or inventory.

    Raises:
        ObjectChangedError: The manifest has changed since it was inspected.
        InvalidInputError: A gzip file is damaged, an inventory cannot be read, a line is too long,
            or there are more than ``MAX_LINES``.
        ObjectNotFoundError: The manifest, or a file of an inventory, does not exist.
    """
    files = 1 if source.kind is not SourceKind.INVENTORY else source.files
    number = 0
    for file in range(files):
        for line in SliceReader(objects, source, slice_of(source, files, 1, file)):
            number += 1
            if number > MAX_LINES:
                raise InvalidInputError(
                    f"{source.uri} has more than {MAX_LINES:,} lines",
                    "index the prefixes of the bucket one at a time"
                    if source.kind is SourceKind.INVENTORY
                    else "divide it into several manifests, or decompress it",
                )
            yield line.content


def _text_of(parser: LineParser, content: bytes | None) -> str | None:
    """Return a line as text for sorting; None for a blank line or an inventory row to skip."""
    entry = parser.parse(content)
    if isinstance(entry, ManifestEntry):
        version_id = entry.version_id or ""
        version = pinned_version(version_id) if version_id else entry.etag
        name = entry.external_image_id or ""
        return f"{escaped(entry.uri)}\t{name}\t{version}\t{version_id}\t"
    if entry is not None:
        if entry.outcome is Outcome.MALFORMED_LINE:
            line = parser.named_again(content)
            version = version_of_line(line)
            return f"\t{version}\t{version}\t\t{escaped(line.decode(errors='surrogateescape'))}"
        if describe_companion(entry.uri) is not None:
            return f"{escaped(entry.uri)}\t\t\t\t"
    return None


def with_current_versions(
    groups: Iterable[Group],
    objects: ObjectStore,
    *,
    in_scope: Callable[[str], bool],
    look_up_all: bool,
) -> Iterator[Group]:
    """Yield groups of photos, with the versions that remembered photos have now.

    Omits photos that are missing from the source but still exist: an inventory may be older than
    these photos, or cover only a part of the bucket.

    Args:
        groups: Named photos with remembered lines, as yielded by ``joined``.
        objects: Contains the photos.
        in_scope: Returns whether a remembered photo that is not named may be gone.
        look_up_all: Whether to look up photos that are not remembered, too.
    """
    lookup, remaining = Lookup(objects), iter(groups)
    while batch := list(islice(remaining, LOOKED_UP_AT_ONCE)):
        unknown = (group for group in batch if _is_unknown(group, in_scope, look_up_all))
        found = lookup.get([uri for uri, _, _ in unknown])
        for uri, listed, lines in batch:
            if uri not in found:
                yield uri, listed, lines
                continue
            info = found[uri]
            if listed:
                yield uri, [_as_it_is(photo, info) for photo in listed], lines
            elif info is None:
                yield uri, [], lines


def _as_it_is(photo: ListedPhoto, info: ObjectInfo | None) -> ListedPhoto:
    """Return a photo with its current version, unless the source already states a version."""
    if photo.version:
        return photo
    if info is None:
        return photo._replace(is_missing=True)
    return photo._replace(version=version_of(info))


def _is_unknown(group: Group, in_scope: Callable[[str], bool], look_up_all: bool) -> bool:
    uri, listed, lines = group
    if not listed:
        return in_scope(uri)
    return bool(lines or look_up_all) and any(not photo.version for photo in listed)
