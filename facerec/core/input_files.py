"""Reads files that the caller of a command names, within limits of size and time."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from facerec.core.answering import MAX_SECONDS, Deadline, answer_within
from facerec.core.regular_files import open_regular, read_block
from facerec.errors import InputFileError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK = 1024 * 1024
"""Number of bytes of one read, which must be answered in ``MAX_SECONDS``."""

Answer = TypeVar("Answer")

_UNITS = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"), (1, "bytes"))


@contextmanager
def open_input(path: Path, max_bytes: int) -> Iterator[io.BufferedReader[_Input]]:
    """Open a file to read it in pieces.

    Args:
        path: A regular file, or a link to one.
        max_bytes: Maximum size of the file; a file that grows beyond this size is refused while it
            is read.

    Raises:
        InputFileError: The file cannot be read, is not a regular file, or is too large; this may be
            raised while it is read.
        ReadTimedOutError: The file system does not answer; this may be raised while it is read.
        StoreUnavailableError: Too many earlier calls to file systems have not returned; this may be
            raised while it is read.
    """
    file = _ask(path, lambda: open_regular(str(path)))
    with io.BufferedReader(_Input(path, file, max_bytes), BLOCK) as reader:
        yield reader


def read_input(path: Path, max_bytes: int) -> bytes:
    """Return the content of a file; the arguments and errors are those of ``open_input``."""
    with open_input(path, max_bytes) as file:
        return b"".join(iter(partial(file.read, BLOCK), b""))


class _Input(io.RawIOBase):
    """A file that raises an error if a read takes too long, or if the file is too large."""

    def __init__(self, path: Path, file: io.FileIO, max_bytes: int) -> None:
        self._path, self._file, self._max_bytes = path, file, max_bytes
        if os.fstat(file.fileno()).st_size > max_bytes:
            file.close()
            raise self._too_large()
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        own = memoryview(buffer).cast("B")
        # One byte more than allowed shows that the file is too large.
        size = min(BLOCK, len(own), self._max_bytes + 1 - self._position)
        block = _ask(self._path, partial(read_block, str(self._path), self._file, size))
        self._position += len(block)
        if self._position > self._max_bytes:
            raise self._too_large()
        own[: len(block)] = block
        return len(block)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = self._file.seek(offset, whence)
        return self._position

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

    def _too_large(self) -> InputFileError:
        unit, name = next(each for each in _UNITS if self._max_bytes >= each[0])
        limit = f"{self._max_bytes // unit:,} {name}"
        return InputFileError(str(self._path), f"it is larger than {limit}")


def _ask(path: Path, work: Callable[[], Answer]) -> Answer:
    try:
        return answer_within(str(path), work, Deadline(MAX_SECONDS))
    except OSError as error:
        problem = "it is a folder" if error.errno == errno.EISDIR else error.strerror
        raise InputFileError(str(path), problem or str(error)) from error
