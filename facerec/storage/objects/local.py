"""Objects that are local files."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from facerec.errors import (
    AccessDeniedError,
    ObjectChangedError,
    ObjectNotFoundError,
    StoreUnavailableError,
)
from facerec.storage.objects.protocol import ObjectInfo, folder_of

TEMPORARY_PREFIX = ".facerec-"
"""Prefix of files that are being written, in the folder of the final file."""

_MISSING = {
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EINVAL,
}
_DENIED = {errno.EACCES, errno.EPERM}

_CHANGED = {errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST}

MAX_REMOVALS = 1000
"""Maximum attempts to remove a folder to which other processes add files."""

MAX_ATTEMPTS = 5
"""Maximum attempts to write a file whose temporary file disappears."""


class LocalObjects:
    """An ``ObjectStore`` of regular files; a uri is a path.

    A file's version is its size and its modification time in nanoseconds.
    """

    def __init__(self, *, follow_links: bool = True) -> None:
        """Create the store.

        Args:
            follow_links: whether a uri may contain links. If not, a file that is replaced by a link
                after its path was resolved is not read.
        """
        self._opener = None if follow_links else _open_without_links

    def head(self, uri: str) -> ObjectInfo:
        """Return a file's size and version."""
        with _local_errors(uri):
            return _info(uri, _regular(uri, Path(uri).stat()))

    def read(
        self,
        uri: str,
        *,
        start: int = 0,
        end: int | None = None,
        version: str | None = None,
        version_id: str | None = None,
    ) -> bytes:
        """Return a range of a file's bytes; files have no older versions (``version_id``)."""
        if version_id is not None:
            raise ObjectNotFoundError(f"{uri} (version {version_id})")
        path = Path(uri)
        with _local_errors(uri):
            # Opening a pipe without a writer would block forever, so check first.
            _regular(uri, path.stat())
            with open(path, "rb", opener=self._opener) as file:
                found = os.fstat(file.fileno())
                if version is not None and _info(uri, found).version != version:
                    raise ObjectChangedError(uri)
                file.seek(start)
                if end is None:
                    return file.read()
                length = max(0, end - start)
                # A read of n bytes allocates n bytes, however short the file is.
                return file.read(-1 if found.st_size <= end else length)[:length]

    def fetch(
        self, uri: str, *, end: int | None = None, version_id: str | None = None
    ) -> tuple[bytes, ObjectInfo]:
        """Return the start of a file; files have no older versions (``version_id``)."""
        if version_id is not None:
            raise ObjectNotFoundError(f"{uri} (version {version_id})")
        with _local_errors(uri):
            path = Path(uri)
            _regular(uri, path.stat())
            with open(path, "rb", opener=self._opener) as file:
                # The version is read before the content: a later change has another version.
                found = os.fstat(file.fileno())
                whole = end is None or found.st_size <= end
                content = file.read(-1 if whole else end)
                return content[:end], _info(uri, found)

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        """Write a file through a temporary one, and wait until it is on the disk."""

        def fill(temporary: Path) -> None:
            temporary.write_bytes(content)

        return _place(uri, fill, if_absent=if_absent)

    def write_file(self, uri: str, path: Path) -> None:
        """Copy a file into place."""

        def fill(temporary: Path) -> None:
            shutil.copyfile(path, temporary)

        _place(uri, fill, if_absent=False)

    def replace(self, uri: str, content: bytes | Path, *, version: str) -> bool:
        """Write a file while other calls of this method for files of its folder wait."""
        import fcntl

        with _local_errors(uri):
            folder = os.open(Path(uri).parent, os.O_RDONLY)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                if self.head(uri).version != version:
                    return False
                if isinstance(content, Path):
                    self.write_file(uri, content)
                else:
                    self.write(uri, content)
            finally:
                # A process that was forked in the meantime shares the lock.
                fcntl.flock(folder, fcntl.LOCK_UN)
                os.close(folder)
        return True

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """Yield the regular files below a prefix; links to folders are followed unless they loop.

        Files that are deleted concurrently are skipped.
        """
        top = folder_of(prefix)
        with _local_errors(prefix):
            found = _walk(top, prefix[len(top) :])
            yield from (each for each in found if each.uri > after) if after else found

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the direct subfolders of a folder."""
        with _local_errors(prefix), suppress(FileNotFoundError), os.scandir(prefix) as entries:
            for name in sorted(entry.name for entry in entries if entry.is_dir()):
                yield f"{prefix}{name}/"

    def delete(self, uri: str) -> None:
        """Delete a file."""
        with _local_errors(uri):
            Path(uri).unlink(missing_ok=True)

    def delete_folder(self, prefix: str) -> None:
        """Delete a folder with its contents."""
        with _local_errors(prefix):
            for _ in range(MAX_REMOVALS - 1):
                # Others may add files to the folder, or remove some of it.
                if not os.path.lexists(prefix):
                    return
                try:
                    shutil.rmtree(prefix)
                except OSError as error:
                    if error.errno not in _CHANGED:
                        raise
            if os.path.lexists(prefix):
                shutil.rmtree(prefix)


def _place(uri: str, fill: Callable[[Path], None], *, if_absent: bool) -> bool:
    target = Path(uri)
    with _local_errors(uri):
        for _ in range(MAX_ATTEMPTS - 1):
            # Another attempt at the same work may delete our temporary file as a leftover of a
            # killed process.
            with suppress(FileNotFoundError):
                return _place_once(target, fill, if_absent=if_absent)
        return _place_once(target, fill, if_absent=if_absent)


def _place_once(target: Path, fill: Callable[[Path], None], *, if_absent: bool) -> bool:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=target.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        fill(temporary)
        flush(temporary)
        if not if_absent:
            temporary.replace(target)
        else:
            # Unlike a rename, a link fails if the name exists.
            target.hardlink_to(temporary)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    flush(target.parent)
    return True


def flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _walk(top: str, start: str) -> Iterator[ObjectInfo]:
    """Yield the files below a folder, in the order of their uris.

    A folder or another entry whose status cannot be read is yielded like a file: reading it raises
    the error, and the other files are not affected. Other entries that are not regular files are
    skipped.

    Args:
        top: the folder, with its final slash.
        start: prefix of the names to yield.
    """
    names = _names(top, start)
    if names is None:
        return
    # Depth first, with a stack: a tree may be deeper than Python's call stack.
    above: list[tuple[tuple[int, int], Iterator[str]]] = [(_identity(top), names)]
    folders = [top]
    while above:
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
                    yield _info(uri, status)
                continue
            identity = _identity(uri)
            if any(identity == seen for seen, _ in above):
                continue
            below = _names(uri, "")
        except FileNotFoundError:
            continue
        except OSError:
            yield ObjectInfo(uri.removesuffix("/"), 0, "unreadable")
            continue
        if below is not None:
            above.append((identity, below))
            folders.append(uri)


def _names(folder: str, start: str) -> Iterator[str] | None:
    """Return the names in a folder, or None if it does not exist; names of folders end in ``/``."""
    try:
        with os.scandir(folder or ".") as entries:
            # A folder sorts like its files, whose uris have a slash after its name.
            return iter(
                sorted(
                    entry.name + "/" * _is_folder(entry)
                    for entry in entries
                    if entry.name.startswith(start)
                )
            )
    except (FileNotFoundError, NotADirectoryError):
        return None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that refers to itself, for example.
        return False


def _identity(folder: str) -> tuple[int, int]:
    status = Path(folder or ".").stat()
    return status.st_dev, status.st_ino


def _info(uri: str, status: os.stat_result) -> ObjectInfo:
    size = status.st_size
    return ObjectInfo(uri, size, f"{size}-{status.st_mtime_ns}", status.st_ctime_ns)


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


def _regular(uri: str, status: os.stat_result) -> os.stat_result:
    if stat.S_ISDIR(status.st_mode) and not os.access(uri, os.R_OK | os.X_OK):
        raise AccessDeniedError(uri)
    if not stat.S_ISREG(status.st_mode):
        raise ObjectNotFoundError(uri)
    return status


@contextmanager
def _local_errors(uri: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _MISSING:
            raise ObjectNotFoundError(uri) from error
        if error.errno in _DENIED:
            raise AccessDeniedError(uri) from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreUnavailableError(
                f"no space is left to write {uri}", "free some space and retry"
            ) from error
        raise StoreUnavailableError(f"{uri}: {error.strerror or error}") from error
    except ValueError as error:
        # A path with a zero byte is invalid.
        raise ObjectNotFoundError(uri) from error
