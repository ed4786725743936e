"""Reads and writes the sorted lines in which complete children remember their photos."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from facerec.core.limits import MAX_LEDGER_FILE_BYTES
from facerec.errors import ObjectNotFoundError
from facerec.jobs.documents import damaged_file
from facerec.jobs.ledger.layout import remembered_uri
from facerec.jobs.prefetch import read_ahead
from facerec.jobs.remembered.photos import address_of_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from facerec.storage.objects.protocol import ObjectStore

READERS = 16
"""Number of files to read concurrently."""


def write_photos(objects: ObjectStore, job_folder: str, child: int, lines: Iterable[str]) -> None:
    """Write the remembered photos of a complete child."""
    ordered = sorted(set(lines), key=address_of_line)
    content = "".join(f"{line}\n" for line in ordered).encode(errors="surrogateescape")
    objects.write(remembered_uri(job_folder, child), content)


def complete_children(objects: ObjectStore, job_folder: str) -> Iterator[int]:
    """Yield the numbers of the children that have written their remembered photos."""
    for found in objects.list(remembered_uri(job_folder)):
        name = found.uri.rpartition("/")[2]
        # The name of a partial file of a killed process contains a dot.
        if name.isdigit():
            yield int(name)


def lines_of_children(objects: ObjectStore, job_folder: str) -> Iterator[str]:
    """Yield the lines of all complete children of a job, file by file."""
    for content in read_ahead(
        (remembered_uri(job_folder, child) for child in complete_children(objects, job_folder)),
        partial(_read, objects),
        len,
        threads=READERS,
        max_items=4 * READERS,
        max_weight=64 * 1024 * 1024,
    ):
        yield from split_lines(content)


def _read(objects: ObjectStore, uri: str) -> bytes:
    try:
        content = objects.read(uri, end=MAX_LEDGER_FILE_BYTES)
    except ObjectNotFoundError:
        # The file was deleted with its job.
        return b""
    if len(content) == MAX_LEDGER_FILE_BYTES:
        raise damaged_file(uri)
    return content


def split_lines(content: bytes) -> list[str]:
    """Return the lines of the content of a file; each must end with a line feed."""
    lines = content.decode(errors="surrogateescape").split("\n")
    lines.pop()
    return lines
