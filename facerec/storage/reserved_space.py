"""Space of a data folder that is kept for deletions, so that they work on a full disk.

A deletion writes before it frees anything: its record, the pages of the database that it clears,
and files of jobs without the deleted faces. On a full disk it could not start, though it is what an
operator would do there. So a file takes up some space, which deletions may use.

The space is taken while much more is free, so small and nearly full disks have none. A deletion
empties the file and fills it again. While one is running, no other process takes the space: it
holds a shared lock of the file, and taking space needs the exclusive one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from facerec.errors import NoSpaceError

FILE_NAME = "space-for-deletions"

MIN_BYTES = 512 * 1024
MAX_BYTES = 8 * 1024 * 1024
"""Maximum size of the file: three times what one transaction of a deletion writes
(``facerec.storage.sqlite.clearing``)."""

_PER_BYTE = 2
"""Size of the file for each byte of a small database: a page may be written to the log and to the
file."""

_SHARE = 8
"""The file takes at most this part of the free space: an eighth."""

_LEFT = 16 * 1024
"""Number of bytes that a deletion leaves on a full disk when it takes the space up again."""


class ReservedSpace:
    """The file of a data folder that keeps space for deletions."""

    def __init__(self, data: Path) -> None:
        self._data, self._path = data, data / FILE_NAME

    def keep(self) -> None:
        """Take up the space if much more is free; the file grows with the database.

        Nothing is done while a deletion is running, and on a disk that cannot be written.
        """
        with suppress(OSError), self._open(os.O_CREAT) as descriptor:
            kept = _kept(descriptor)
            size = min(self._wanted(), (kept + self._free()) // _SHARE)
            # Not each new page of the database makes the file larger.
            if size >= MIN_BYTES and kept < size // 2:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _grow(descriptor, size)

    @contextmanager
    def released(self) -> Iterator[None]:
        """Give the space to a deletion, which takes it up again afterwards.

        Raises:
            NoSpaceError: The deletion needs more; the hint has the number of bytes to free.
        """
        free = self._free()
        with self._emptied() as was_kept:
            try:
                yield
            except NoSpaceError as error:
                # Rewriting the file of the database is the most that a deletion needs.
                megabytes = -(-(self._database_bytes() + MAX_BYTES) // 1_000_000)
                error.hint = f"free {megabytes:,} MB on the disk of {self._data}, then try again"
                raise
        # Space that was free before is not taken, unless another deletion had just released it.
        self._fill(left=max(free, _LEFT) if was_kept else _LEFT)

