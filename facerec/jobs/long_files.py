"""Reads files of lines, which may be as long as a manifest, one block at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.errors import ObjectChangedError, StoreUnavailableError
from facerec.jobs.documents import damaged_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from facerec.storage.objects.protocol import ObjectStore

BLOCK = 4 * 1024 * 1024
"""Number of bytes per read, and maximum length of a line, which describes one photo."""

TRIES = 20
"""Maximum number of times to read a file from its beginning because it keeps changing."""


def read_lines(objects: ObjectStore, uri: str) -> Iterator[bytes]:
    """Yield the lines of a file, without line feeds.

    If an erasure changes the file during the call, it is read again, so that lines may be yielded
    twice.

    Raises:
        ObjectNotFoundError: The file does not exist.
        JobFolderError: A line is longer than ``BLOCK``, so the file is damaged.
        StoreUnavailableError: The file is changed repeatedly.
    """
    for _ in range(TRIES):
        try:
            yield from _lines_of_one_version(objects, uri)
        except ObjectChangedError:
            continue
        return
    raise StoreUnavailableError(f"other processes keep changing {uri}", "try again")


def _lines_of_one_version(objects: ObjectStore, uri: str) -> Iterator[bytes]:
    content, found = objects.fetch(uri, end=BLOCK)
    start = BLOCK
    while start < found.size:
        *lines, rest = content.split(b"\n")
        yield from lines
        if len(rest) > BLOCK:
            raise damaged_file(uri)
        content = rest + objects.read(uri, start=start, end=start + BLOCK, version=found.version)
        start += BLOCK
    yield from content.removesuffix(b"\n").split(b"\n") if content else ()
