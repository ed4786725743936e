"""Lists the files below a local folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from facerec.core.answering import Deadline, answer_within
from facerec.storage.objects.protocol import MISSING, ObjectInfo, folder_of

MAX_LISTED = 512
"""Maximum number of files that are listed ahead."""


def list_files(prefix: str, max_seconds: float) -> Iterator[ObjectInfo]:
    """Yield the regular files below a prefix; links to folders are followed unless they loop.

    Args:
        prefix: Start of the uris.
        max_seconds: Maximum seconds to wait for the file system to return an entry.

    Raises:
        ReadTimedOutError: The file system did not answer in time.
        StoreUnavailableError: Too many earlier calls have not returned.
        OSError: The folder of the prefix cannot be listed.
    """
    top = folder_of(prefix)
    deadline = Deadline(max_seconds)
    found = _walk(top, prefix[len(top) :], deadline)
    number = 1
    while batch := answer_within(prefix, partial(_next, found, number), deadline):
        yield from batch
        number = min(2 * number, MAX_LISTED)
        deadline.extend()


def file_info(uri: str, status: os.stat_result) -> ObjectInfo:
    """Return the facts about a file."""
    size = status.st_size
    return ObjectInfo(uri, size, f"{size}-{status.st_mtime_ns}", status.st_ctime_ns)


def _next(found: Iterator[ObjectInfo], number: int) -> list[ObjectInfo]:
    """Return the next files of a listing; an empty list after the last one."""
    return list(islice(found, number))


def _walk(top: str, start: str, deadline: Deadline) -> Iterator[ObjectInfo]:
    """Yield the files below a folder, in the order of their uris.

    A folder or another entry whose status cannot be read is yielded like a file: reading it raises
    the error, and the other files are not affected. So is a link to a file that does not exist,
    with the version ``MISSING``. Other entries that are not regular files are
    skipped.

    Args:
        top: The folder, with its final slash.
        start: Prefix of the names to yield.
        deadline: Extended after each entry.
    """
    names = _names(top, start, deadline)
    if names is None:
        return
    # Depth first, with a stack: a tree may be deeper than Python's call stack.
    above: list[tuple[tuple[int, int], Iterator[str]]] = [(_identity(top), names)]
    folders = [top]
    while above:
        deadline.extend()
        name = next(above[-1][1], None)
        if name is None:
            above.pop()
            folders.pop()
            continue
        uri = folders[-1] + name
        try:
            if not name.endswith("/"):
                status = os.stat(uri)  # noqa: PTH116 - a Path costs as much as the call
                if stat.S_ISREG(status.st_mode):
                    yield file_info(uri, status)
                continue
            identity = _identity(uri)
            if any(identity == seen for seen, _ in above):
                continue
            below = _names(uri, "", deadline)
        except FileNotFoundError:
            yield from _dangling(uri)
            continue
        except OSError:
            yield ObjectInfo(uri.removesuffix("/"), 0, "unreadable")
            continue
        if below is not None:
            above.append((identity, below))
            folders.append(uri)


def _dangling(uri: str) -> Iterator[ObjectInfo]:
    """Yield an entry that was not found, unless it was deleted after the listing of its folder."""
    if Path(uri).is_symlink():
        yield ObjectInfo(uri, 0, MISSING)


def _names(folder: str, start: str, deadline: Deadline) -> Iterator[str] | None:
    """Return the names in a folder, or None if it does not exist; names of folders end in ``/``."""
    try:
        with os.scandir(folder or ".") as entries:
            names = []
            for entry in entries:
                if entry.name.startswith(start):
                    # A folder sorts like its files, whose uris have a slash after its name.
                    names.append(entry.name + "/" * _is_folder(entry))
                deadline.extend()
            return iter(sorted(names))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # For example, a link that refers to itself.
        return False


def _identity(folder: str) -> tuple[int, int]:
    status = Path(folder or ".").stat()
    return status.st_dev, status.st_ino
