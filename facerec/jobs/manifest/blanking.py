"""Erases photos from a manifest that facerec has listed, without moving any other line.

A line is overwritten with spaces: children divide a manifest by bytes, and blank lines have no
rows.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from typing import IO, TYPE_CHECKING, Any

from facerec.storage.objects.changing import change_file

if TYPE_CHECKING:
    from facerec.core.erasures import Selection
    from facerec.jobs.manifest.source import Source
    from facerec.storage.objects.protocol import ObjectInfo, ObjectStore

READ_AT_ONCE = 16 * 1024 * 1024
"""Number of bytes of a manifest per read."""


def blank_lines(
    objects: ObjectStore, manifest: ObjectInfo, selection: Selection, base: str | None
) -> int:
    """Blank the lines of a manifest that name a selected photo; return the number of lines.

    Args:
        objects: Contains the manifest.
        manifest: The manifest.
        selection: The faces and photos to erase.
        base: The folder of relative paths in the manifest, or None.

    Raises:
        ObjectNotFoundError: The manifest does not exist.
        StoreUnavailableError: Other processes keep changing it.
    """
    return change_file(
        objects,
        manifest.uri,
        lambda found, file: _blanked(objects, found, selection, base, file),
    )


def _blanked(
    objects: ObjectStore,
    manifest: ObjectInfo,
    selection: Selection,
    base: str | None,
    file: IO[bytes],
) -> int:
    blanked = 0
    for line in _lines(objects, manifest):
        if _names(line, selection, base):
            blanked += 1
            file.write(b" " * (len(line) - 1) + b"\n")
        else:
            file.write(line)
    return blanked


def blank_numbers(objects: ObjectStore, manifest: Source, numbers: Container[int]) -> None:
    """Blank lines of a JSON-lines manifest, given by their numbers from 1.

    Raises:
        ObjectNotFoundError: The manifest does not exist.
        StoreUnavailableError: Other processes keep changing it.
    """

    def blank(found: ObjectInfo, file: IO[bytes]) -> int:
        blanked = 0
        for number, line in enumerate(_lines(objects, found), 1):
            if number in numbers and not line.isspace():
                blanked += 1
                ending = b"\n" * line.endswith(b"\n")
                file.write(b" " * (len(line) - len(ending)) + ending)
            else:
                file.write(line)
        return blanked

    change_file(objects, manifest.uri, blank)


def named_lines(
    objects: ObjectStore, manifest: ObjectInfo, selection: Selection, base: str | None
) -> Iterator[dict[str, Any]]:
    """Yield the parsed lines of a JSON-lines manifest that name a selected photo.

    Raises:
        ObjectChangedError: The manifest is no longer this version.
        ObjectNotFoundError: The manifest does not exist.
    """
    for line in _lines(objects, manifest):
        if _names(line, selection, base):
            entry: dict[str, Any] = json.loads(line)
            yield entry


def _lines(objects: ObjectStore, manifest: ObjectInfo) -> Iterator[bytes]:
    rest = b""
    for start in range(0, manifest.size, READ_AT_ONCE):
        rest += objects.read(
            manifest.uri, start=start, end=start + READ_AT_ONCE, version=manifest.version
        )
        *lines, rest = rest.splitlines(keepends=True)
        yield from lines
    if rest:
        yield rest


def _names(line: bytes, selection: Selection, base: str | None) -> bool:
    try:
        entry: Any = json.loads(line)
    except ValueError:
        return False
    if not isinstance(entry, dict):
        return False
    photo = entry.get("image")
    return (
        entry.get("external_image_id") in selection.external_image_ids
        or photo in selection.photos
        or f"{base or ''}{photo}" in selection.photos
    )
