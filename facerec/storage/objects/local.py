"""Objects that are local files."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.core.answering import (
    MAX_SECONDS,
    MAX_WRITE_SECONDS,
    Answer,
    Deadline,
    answer_within,
    write_within,
)
from facerec.core.regular_files import open_regular, read_block, require_regular
from facerec.errors import (
    AccessDeniedError,
    NoSpaceError,
    ObjectChangedError,
    ObjectNotFoundError,
    ReadFailedError,
    StoreUnavailableError,
)
from facerec.storage.objects.local_listing import file_info, list_files
from facerec.storage.objects.local_writing import delete_folder, place

if TYPE_CHECKING:
    from io import FileIO

    from facerec.storage.objects.protocol import ObjectInfo

_MISSING = {
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EINVAL,
}
_DENIED = {errno.EACCES, errno.EPERM}

_FAILED = {
    errno.EIO,
    errno.ESTALE,
    errno.EUCLEAN,
    errno.EBADMSG,
    errno.EREMOTEIO,
    errno.ENODATA,
    errno.ENXIO,
    errno.ENODEV,
    errno.ENOKEY,
    errno.EOVERFLOW,
}
"""Errors of reading that may concern one file only: a bad sector, a damaged file system, or a file
that a server has replaced."""

BLOCK = 1024 * 1024
"""Number of bytes of one read, which must be answered in ``MAX_SECONDS``."""

SMALL_BLOCK = 64 * 1024
"""Number of bytes of a read after the expected end of a file, which may have grown or have an
unknown size."""


class LocalObjects:
    """An ``ObjectStore`` of regular files; a uri is a path.

    A file's version is its size and its modification time in nanoseconds. Files and folders are
    read, written and deleted in other threads, so that a file system that does not answer blocks no
    caller for ever.
    """

    def __init__(
        self,
        *,
        follow_links: bool = True,
        max_seconds: float = MAX_SECONDS,
        max_write_seconds: float = MAX_WRITE_SECONDS,
    ) -> None:
        """Create the store.

        Args:
            follow_links: Whether a uri may contain links. If not, a file that is replaced by a link
                after its path was resolved is not read.
            max_seconds: Maximum seconds to wait for a file system to return a block of a file or an
                entry of a folder; then ``ReadTimedOutError`` is raised.
            max_write_seconds: Maximum seconds to wait for each step of a write or a deletion; then
                ``WriteTimedOutError`` is raised.
        """
        self._open_path = os.open if follow_links else _open_without_links
        self._max_seconds = max_seconds
        self._max_write_seconds = max_write_seconds

    def head(self, uri: str) -> ObjectInfo:
        """Return a file's size and version."""
        with _local_errors(uri, reads=True):
            status = answer_within(uri, Path(uri).stat, Deadline(self._max_seconds))
            return file_info(uri, require_regular(uri, status))

    def read(
        self,
        uri: str,
        *,
        start: int = 0,
        end: int | None = None,
        version: str | None = None,
        version_id: str | None = None,
    ) -> bytes:
        """Return a range of a file's bytes.

        Files have no older versions, so any ``version_id`` raises ``ObjectNotFoundError``.
        """
        if version_id is not None:
            raise ObjectNotFoundError(f"{uri} (version {version_id})")
        deadline = Deadline(self._max_seconds)

        def read() -> bytes:
            with closing(open_regular(uri, self._open_path)) as file:
                found = os.fstat(file.fileno())
                if version is not None and file_info(uri, found).version != version:
                    raise ObjectChangedError(uri)
                file.seek(start)
                length = None if end is None else max(0, end - start)
                return _content(uri, file, found.st_size - start, length, deadline)

        with _local_errors(uri, reads=True):
            return answer_within(uri, read, deadline)

    def fetch(
        self, uri: str, *, end: int | None = None, version_id: str | None = None
    ) -> tuple[bytes, ObjectInfo]:
        """Return the start of a file.

        Files have no older versions, so any ``version_id`` raises ``ObjectNotFoundError``.
        """
        if version_id is not None:
            raise ObjectNotFoundError(f"{uri} (version {version_id})")
        deadline = Deadline(self._max_seconds)

        def fetch() -> tuple[bytes, ObjectInfo]:
            with closing(open_regular(uri, self._open_path)) as file:
                # The version is read before the content: a later change has another version.
                found = os.fstat(file.fileno())
                content = _content(uri, file, found.st_size, end, deadline)
                return content, file_info(uri, found)

        with _local_errors(uri, reads=True):
            return answer_within(uri, fetch, deadline)

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        """Write a file through a temporary one, and wait until it is on the disk."""

        def write(deadline: Deadline) -> bool:
            return place(uri, content, deadline, if_absent=if_absent)

        return self._write(uri, write)

    def write_file(self, uri: str, path: Path) -> None:
        """Copy a file into place."""

        def write(deadline: Deadline) -> None:
            place(uri, path, deadline, if_absent=False)

        self._write(uri, write)

    def replace(self, uri: str, content: bytes | Path, *, version: str) -> bool:
        """Write a file if it has this version; concurrent calls for the same folder wait."""
        import fcntl

        def replace(deadline: Deadline) -> bool:
            folder = os.open(Path(uri).parent, os.O_RDONLY)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                deadline.step()
                if file_info(uri, require_regular(uri, Path(uri).stat())).version != version:
                    return False
                place(uri, content, deadline, if_absent=False)
            finally:
                # A process that was forked in the meantime shares the lock.
                fcntl.flock(folder, fcntl.LOCK_UN)
                os.close(folder)
            return True

        return self._write(uri, replace)

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """Yield the regular files below a prefix; links to folders are followed unless they loop.

        Files that are deleted concurrently are skipped. A file or folder whose status cannot be
        read is yielded: reading it raises the error.
        """
        with _local_errors(prefix):
            for each in list_files(prefix, self._max_seconds):
                if each.uri > after:
                    yield each

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the direct subfolders of a folder."""

        def names() -> list[str]:
            with suppress(FileNotFoundError), os.scandir(prefix) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
            return []

        with _local_errors(prefix):
            for name in answer_within(prefix, names, Deadline(self._max_seconds)):
                yield f"{prefix}{name}/"

    def delete(self, uri: str) -> None:
        """Delete a file."""
        self._write(uri, lambda _: Path(uri).unlink(missing_ok=True))

    def delete_folder(self, prefix: str) -> None:
        """Delete a folder with its contents."""
        self._write(prefix, partial(delete_folder, prefix))

    def _write(self, uri: str, work: Callable[[Deadline], Answer]) -> Answer:
        """Write or delete files; ``work`` calls ``step`` of the deadline between two steps."""
        deadline = Deadline(self._max_write_seconds)
        with _local_errors(uri):
            return write_within(uri, partial(work, deadline), deadline)


def _content(uri: str, file: FileIO, expected: int, limit: int | None, deadline: Deadline) -> bytes:
    """Read from the position of a file to its end, or at most a number of bytes.

    Args:
        uri: The file, for the error.
        file: The file, which does not block.
        expected: Bytes that the file seems to have left.
        limit: Maximum number of bytes.
        deadline: Extended after each complete block.
    """
    blocks, read = [], 0
    while limit is None or read < limit:
        # A read of n bytes allocates n bytes, even if the file is shorter.
        size = min(BLOCK, expected - read + 1) if expected > read else SMALL_BLOCK
        size = size if limit is None else min(size, limit - read)
        block = read_block(uri, file, size)
        if not block:
            break
        blocks.append(block)
        read += len(block)
        if len(block) == size:
            deadline.extend()
    return b"".join(blocks)


def _open_without_links(path: str, flags: int) -> int:
    """Open a file by an absolute path that must not contain any link."""
    *folders, name = Path(path).parts
    folder = os.open(folders[0], os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in folders[1:]:
            within = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            inner = os.open(part, within, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(name, flags | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)


@contextmanager
def _local_errors(uri: str, *, reads: bool = False) -> Iterator[None]:
    """Convert errors of access to a file; ``reads`` is true if the file is only read."""
    try:
        yield
    except OSError as error:
        if error.errno in _MISSING:
            raise ObjectNotFoundError(uri) from error
        if error.errno in _DENIED:
            raise AccessDeniedError(
                uri, hint="check the permissions of the file and its folders"
            ) from error
        if reads and error.errno in _FAILED:
            raise ReadFailedError(uri, error.strerror or str(error)) from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpaceError(
                f"no space is left to write {uri}", "free some space and retry"
            ) from error
        if error.errno == errno.EROFS:
            raise StoreUnavailableError(
                f"{uri} cannot be written: its disk is mounted read-only",
                "mount it for writing, or name another data folder",
            ) from error
        raise StoreUnavailableError(
            f"{uri}: {error.strerror or error}", "check the disk and its permissions"
        ) from error
    except ValueError as error:
        # A path with a zero byte is invalid.
        raise ObjectNotFoundError(uri) from error
