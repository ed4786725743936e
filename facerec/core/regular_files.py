"""Opens and reads regular files, so that no other kind of file blocks the caller forever."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from io import FileIO
from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_CLOEXEC


def require_regular(path: str, status: os.stat_result) -> os.stat_result:
    """Return the status of a file, after checking that it is a regular file.

    Raises:
        PermissionError: The path is a folder that may not be read.
        IsADirectoryError: The path is a folder that may be read.
        OSError: The path is a pipe, a device or a socket (``EINVAL``).
    """
    if stat.S_ISREG(status.st_mode):
        return status
    if not stat.S_ISDIR(status.st_mode):
        raise _not_regular(path)
    code = errno.EISDIR if os.access(path, os.R_OK | os.X_OK) else errno.EACCES
    raise OSError(code, os.strerror(code), path)


def open_regular(path: str, open_path: Callable[[str, int], int] = os.open) -> FileIO:
    """Open a regular file to read.

    Args:
        path: The file.
        open_path: Opens a path with flags, and returns the descriptor.

    Raises:
        OSError: The file cannot be opened, or is not a regular file (``require_regular``).
    """
    # Opening a device can have effects, so check first.
    require_regular(path, Path(path).stat())
    try:
        descriptor = open_path(path, _FLAGS | os.O_NONBLOCK)
    except BlockingIOError:
        # Another program holds a lease of the file, which it now releases (``fcntl(2)``).
        descriptor = open_path(path, _FLAGS)
    file = FileIO(descriptor)
    try:
        require_regular(path, os.fstat(descriptor))
    except OSError:
        file.close()
        raise
    return file


def read_block(path: str, file: FileIO, size: int) -> bytes:
    """Return the next bytes of a file, at most ``size``; empty at the end of the file.

    Raises:
        OSError: The file has nothing to read at the moment, which never happens with a regular
            file: the kernel fills it, like ``/proc/kmsg``.
    """
    block = file.read(size)
    if block is None:
        raise _not_regular(path)
    return block


def _not_regular(path: str) -> OSError:
    return OSError(errno.EINVAL, "it is not a regular file", path)
