"""Space of a data folder that is kept for deletions, so that they work on a full disk.

A deletion writes before it frees anything: its record, the pages of the database that it clears,
and files of jobs without the deleted faces. On a full disk it could not start, though it is what an
operator would do there. So a file takes up some space, which deletions may use.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from facerec.errors import NoSpaceError

FILE_NAME = "space-for-deletions"

MIN_BYTES = 512 * 1024
MAX_BYTES = 8 * 1024 * 1024
"""Maximum size of the file: three times what one transaction of a deletion writes
(``facerec.storage.sqlite.clearing``)."""

_SHARE = 2
"""Size of the file for each byte of a small database: a page may be written to the log and to the
file."""

_LEFT = 64 * 1024
"""Number of bytes that are left on a full disk, for the files of an open database."""


class ReservedSpace:
    """The file of a data folder that keeps space for deletions."""

    def __init__(self, data: Path) -> None:
        self._data, self._path = data, data / FILE_NAME

    def keep(self, *, left: int = _LEFT) -> None:
        """Take up the space, or as much of it as the disk has; the file grows with the database.

        Nothing is done on a disk that cannot be written.

        Args:
            left: Number of bytes to leave on a full disk.
        """
        with suppress(OSError):
            size = min(max(_SHARE * self._database_bytes(), MIN_BYTES), MAX_BYTES)
            kept = self._path.stat().st_size if self._path.exists() else 0
            # Not each new page of the database makes the file larger.
            if kept < size // 2:
                size = min(size, kept + shutil.disk_usage(self._data).free - left)
                if size > kept:
                    self._allocate(size)

    def release(self) -> bool:
        """Give the space back; return whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    @contextmanager
    def released(self) -> Iterator[None]:
        """Give the space back for a deletion, and take it up again afterwards.

        Raises:
            NoSpaceError: The deletion needs more; the hint has the number of bytes to free.
        """
        self.release()
        try:
            yield
        except NoSpaceError as error:
            # Rewriting the file of the database is the most that a deletion needs.
            megabytes = -(-(self._database_bytes() + MAX_BYTES) // 1_000_000)
            error.hint = f"free {megabytes:,} MB on the disk of {self._data}, then try again"
            raise
        finally:
            self.keep()

    def _database_bytes(self) -> int:
        with suppress(OSError):
            return (self._data / "facerec.db").stat().st_size
        return 0

    def _allocate(self, size: int) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, size)
            else:
                os.pwrite(descriptor, bytes(size), 0)
        except OSError:
            self.release()
        finally:
            os.close(descriptor)
