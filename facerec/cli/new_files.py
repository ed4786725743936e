"""Creates files completely or not at all, and overwrites a file only if the caller agrees."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from facerec.cli.output import confirm
from facerec.errors import InvalidInputError


@contextmanager
def new_text(path: Path) -> Iterator[TextIO]:
    """Open a new text file, which gets its final name when it is complete.

    Raises:
        InvalidInputError: A file of this name exists, or its folder does not.
    """
    require_new(path)
    part = incomplete_name(path)
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        place(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; after the block, the file gets its final name.

    An existing file of that name is replaced.

    The temporary name is always the same, so that the next attempt also removes what a killed
    process left. A device, such as ``/dev/stdout``, is written directly.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        yield target
        return
    _require_folder(path)
    part = incomplete_name(target)
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def require_new(path: Path) -> None:
    """Check that a file can be created.

    Raises:
        InvalidInputError: A file of this name exists, or its folder does not.
    """
    if os.path.lexists(path):
        raise _exists(path)
    _require_folder(path)


def may_overwrite(path: Path | None, *, overwrite: bool) -> None:
    """Ask for confirmation before an existing file is overwritten.

    Args:
        path: File that a command is about to write, or None.
        overwrite: Whether the caller has agreed already.

    Raises:
        InvalidInputError: The file exists, and standard input is not a terminal.
        Abort: The answer is no, or nobody answers.
    """
    if path is None or overwrite or not os.path.lexists(path):
        return
    if not sys.stdin.isatty():
        raise InvalidInputError(
            f"{path} already exists", "name a file that does not exist, or specify --overwrite"
        )
    confirm(f"overwrite {path}?")


def incomplete_name(path: Path) -> Path:
    """Return the name of a file while it is being written."""
    return path.with_name(f".{path.name[:40]}.part")


def place(part: Path, path: Path) -> None:
    """Give a complete file its final name, unless another file has this name.

    On file systems without hard links, a file that is created concurrently is replaced.

    Raises:
        InvalidInputError: A file of this name exists.
    """
    try:
        os.link(part, path)
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError:
        # some file systems have no hard links
        if os.path.lexists(path):
            raise _exists(path) from None
        part.rename(path)
    else:
        with suppress(FileNotFoundError):
            part.unlink()


def _require_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise InvalidInputError(
            f"{path.parent} is not a folder", "name a file in a folder that exists"
        )


def _exists(path: Path) -> InvalidInputError:
    return InvalidInputError(f"{path} already exists", "name a file that does not exist")
