"""Writes and deletes local files in steps, each of which a file system must answer in time.

A file is written under another name first, so that no process sees a part of it, and is on the disk
when the call returns. A call that was given up (``facerec.core.answering``) makes no further step.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

    from facerec.core.answering import Deadline

TEMPORARY_PREFIX = ".facerec-"
"""Prefix of files that are being written, in the folder of the final file."""

_CHANGED = {errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST}

MAX_REMOVALS = 1000
"""Maximum number of attempts to remove a folder to which other processes add files."""

WRITE_BLOCK = 8 * 1024 * 1024
"""Number of bytes of one write, which must be answered in ``MAX_WRITE_SECONDS``."""

MAX_UNFLUSHED = 16 * WRITE_BLOCK
"""Number of bytes that are written before the disk must have them: flushing is one step, and a slow
disk could not answer in time with the whole of a large file."""

MAX_ATTEMPTS = 5
"""Maximum number of attempts to write a file if its temporary file disappears."""


def place(uri: str, content: bytes | Path, deadline: Deadline, *, if_absent: bool) -> bool:
    """Write a file through a temporary one, and wait until it is on the disk.

    Args:
        uri: Path of the file.
        content: Its bytes, or a file that is copied.
        deadline: Gets the whole time again for each step.
        if_absent: Whether an existing file is kept.

    Returns:
        Whether the file was written.

    Raises:
        OSError: The file cannot be written.
    """
    target = Path(uri)
    for _ in range(MAX_ATTEMPTS - 1):
        # Another attempt at the same work may delete our temporary file as a leftover of a killed
        # process.
        with suppress(FileNotFoundError):
            return _place_once(target, content, deadline, if_absent=if_absent)
    return _place_once(target, content, deadline, if_absent=if_absent)


def _place_once(
    target: Path, content: bytes | Path, deadline: Deadline, *, if_absent: bool
) -> bool:
    target.parent.mkdir(parents=True, exist_ok=True)
    deadline.step()
    descriptor, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=target.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        _fill(temporary, content, deadline)
        flush(temporary)
        deadline.step()
        if not if_absent:
            temporary.replace(target)
        else:
            # Unlike a rename, a link fails if the name exists.
            target.hardlink_to(temporary)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    deadline.step()
    flush(target.parent)
    return True


def _fill(temporary: Path, content: bytes | Path, deadline: Deadline) -> None:
    unflushed = 0
    with temporary.open("wb", buffering=0) as target:
        for block in _blocks(content):
            deadline.step()
            unflushed += _write_all(target, block)
            if unflushed >= MAX_UNFLUSHED:
                deadline.step()
                os.fsync(target.fileno())
                unflushed = 0
    deadline.step()


def _blocks(content: bytes | Path) -> Iterator[bytes | memoryview]:
    """Yield bytes, or those of a file, in blocks of ``WRITE_BLOCK``."""
    if isinstance(content, Path):
        with content.open("rb", buffering=0) as source:
            while block := source.read(WRITE_BLOCK):
                yield block
    else:
        view = memoryview(content)
        for start in range(0, len(view), WRITE_BLOCK):
            yield view[start : start + WRITE_BLOCK]


def _write_all(target: FileIO, block: bytes | memoryview) -> int:
    left = memoryview(block)
    while left:
        left = left[target.write(left) :]
    return len(block)


def flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def delete_folder(prefix: str, deadline: Deadline) -> None:
    """Delete a folder with its contents, and with what others add in the meantime.

    Raises:
        OSError: A file cannot be deleted.
    """
    for _ in range(MAX_REMOVALS - 1):
        # Others may add files to the folder, or remove some of them.
        if not os.path.lexists(prefix):
            return
        try:
            _remove_tree(prefix, deadline)
        except OSError as error:
            if error.errno not in _CHANGED:
                raise
    if os.path.lexists(prefix):
        _remove_tree(prefix, deadline)


def _remove_tree(prefix: str, deadline: Deadline) -> None:
    for _, _, names, folder in os.fwalk(prefix, topdown=False):
        for name in names:
            deadline.step()
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
    deadline.step()
    shutil.rmtree(prefix)
