"""Space of a data folder that is kept for deletions, so that they work on a full disk.

A deletion writes before it frees anything: its record, the pages of the database that it clears,
and files of jobs without the deleted faces. On a full disk it could not start, though it is what an
operator would do there. So a file takes up some space, which deletions may use.

The space is taken while much more is free, so small and nearly full disks have none. A deletion
empties the file and fills it again. Meanwhile it holds a shared lock of the file, and taking space
needs the exclusive one, so no other process takes what a deletion was given. File systems without
such locks have no reserved space.
"""

from __future__ import annotations

import errno
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
        with suppress(OSError):
            kept = self._kept()
            size = min(self._wanted(), (kept + self._free()) // _SHARE)
            # Not each new page of the database makes the file larger.
            if size >= MIN_BYTES and kept < size // 2:
                self._grow(size)

    @contextmanager
    def released(self) -> Iterator[None]:
        """Give the space to a deletion, which takes it up again afterwards.

        Raises:
            NoSpaceError: The deletion needs more; the hint has the number of bytes to free.
        """
        free, descriptor = self._free(), self._open_existing()
        was_kept = descriptor is not None and _empty(descriptor)
        try:
            yield
        except NoSpaceError as error:
            # Rewriting the file of the database is the most that a deletion needs.
            megabytes = -(-(self._database_bytes() + MAX_BYTES) // 1_000_000)
            error.hint = f"free {megabytes:,} MB on the disk of {self._data}, then try again"
            raise
        finally:
            if descriptor is not None:
                _unlock(descriptor)
                # What was free before is left, unless another deletion had just released it.
                self._take_up(left=max(free, _LEFT) if was_kept else _LEFT)

    def _take_up(self, *, left: int) -> None:
        with suppress(OSError):
            kept = self._kept()
            size = min(self._wanted(), kept + self._free() - left)
            if size > kept:
                self._grow(size)

    def _wanted(self) -> int:
        return min(max(_PER_BYTE * self._database_bytes(), MIN_BYTES), MAX_BYTES)

    def _database_bytes(self) -> int:
        with suppress(OSError):
            return (self._data / "facerec.db").stat().st_size
        return 0

    def _free(self) -> int:
        with suppress(OSError):
            return shutil.disk_usage(self._data).free
        return 0

    def _kept(self) -> int:
        with suppress(FileNotFoundError):
            return _allocated(self._path.lstat())
        return 0

    def _open(self, flags: int = 0) -> int:
        """Open the file, which must be a regular one: opening another may block."""
        self._kept()
        flags |= os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        try:
            _allocated(os.fstat(descriptor))
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def _open_existing(self) -> int | None:
        with suppress(OSError):
            return self._open()
        return None

    def _grow(self, size: int) -> None:
        """Make the file larger, or leave it as it is if the disk has less space than expected.

        Raises:
            OSError: The file is not larger, for example because a deletion is running.
        """
        descriptor = self._open(os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            kept = _allocated(os.fstat(descriptor))
            try:
                _allocate(descriptor, size)
            except OSError:
                os.ftruncate(descriptor, kept)
                if not kept:
                    self._path.unlink()
                raise
        finally:
            _unlock(descriptor)


def _allocated(status: os.stat_result) -> int:
    """Return the bytes that a regular file takes up: fewer than its size if it is a sparse copy.

    Raises:
        OSError: It is another kind of file.
    """
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    return min(status.st_size, status.st_blocks * 512)


def _allocate(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.pwrite(descriptor, bytes(size), 0)


def _empty(descriptor: int) -> bool:
    """Lock the file for a deletion, and empty it; return whether it had any space."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    with suppress(OSError):
        kept = _allocated(os.fstat(descriptor))
        os.ftruncate(descriptor, 0)
        return kept > 0
    return False


def _unlock(descriptor: int) -> None:
    with suppress(OSError):
        # A process that was forked in the meantime shares the lock.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)
