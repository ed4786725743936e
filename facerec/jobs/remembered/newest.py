"""Decides which of several remembered lines about a photo counts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from facerec.jobs.remembered.photos import (
    FIELDS,
    GONE,
    UNKNOWN_SETTINGS,
    is_marked,
    photo_of_line,
    with_mark,
)
from facerec.jobs.versions import is_pinned, pinned_version

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

Remembered: TypeAlias = tuple[str, str, int, str]
"""Address, external image id, negative number of the note, and line; sorts in reading order."""

_KEY = FIELDS - 2
"""Index of the image key among the fields of a line; the number of faces follows it."""

_MAYBE_GONE = f"\t{GONE}\t"
_MAYBE_PINNED = f"\t{pinned_version('')}"


def newest_lines(ordered: Iterable[Remembered]) -> Iterator[Remembered]:
    """Yield the newest line of each photo, except photos whose lines were cancelled.

    A line without a key gets the key and the number of faces of the photo's next older line: a
    photo that cannot be read now still has its faces in the collection. Each version of a photo
    that manifests name by its version id counts as a separate photo.

    Args:
        ordered: Lines ordered by address and external image id; for the same photo, newest first.
    """
    lines: list[Remembered] = []
    for line in ordered:
        if lines and line[:2] == lines[0][:2]:
            lines.append(line)
            continue
        if len(lines) == 1:
            if not _is_gone(lines[0][3]):
                yield lines[0]
        elif lines:
            yield from _newest(lines)
        lines = [line]
    yield from _newest(lines)


def with_lost_faces(lines: Iterable[Remembered], keys: Container[str]) -> Iterator[Remembered]:
    """Yield lines that let photos with lost faces be processed again, and all others unchanged.

    Args:
        lines: Lines of photos.
        keys: Image keys of the photos whose faces are lost.
    """
    for line in lines:
        found = photo_of_line(line[3])
        if found.key in keys:
            yield (*line[:3], replace(found, settings=UNKNOWN_SETTINGS).to_line())
        else:
            yield line


def _newest(lines: Iterable[Remembered]) -> Iterable[Remembered]:
    """Return the newest line of a photo, and of each version that is named by its id.

    The lines must come newest first. Lines that were cancelled are omitted. An external image id
    that somebody chose stays one that was chosen when a later job derives the same one.
    """
    found: dict[str, Remembered] = {}
    chosen: set[str] = set()
    for line in lines:
        if _is_gone(line[3]):
            break
        version = photo_of_line(line[3]).version if _MAYBE_PINNED in line[3] else ""
        pin = version if is_pinned(version) else ""
        last = found.setdefault(pin, line)
        if not _has_key(last[3]):
            found[pin] = (*last[:3], _with_key_of(last[3], line[3]))
        if is_marked(line[3]):
            chosen.add(pin)
    for pin in chosen:
        found[pin] = (*found[pin][:3], with_mark(found[pin][3]))
    return found.values()


def _is_gone(line: str) -> bool:
    return _MAYBE_GONE in line and line.rsplit("\t", 3)[1] == GONE


def _has_key(line: str) -> bool:
    return line.split("\t")[_KEY] != ""


def _with_key_of(line: str, older: str) -> str:
    """Return a line; if it has no key, take the key and the number of faces from an older one."""
    fields = line.split("\t")
    fields[_KEY:FIELDS] = older.split("\t")[_KEY:FIELDS]
    return "\t".join(fields)
