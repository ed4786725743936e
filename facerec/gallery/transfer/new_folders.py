"""Creates folders of exports completely or not at all, readable only by their owner."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facerec.errors import InvalidInputError
from facerec.storage.objects.local_writing import flush


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Create a folder that only its owner can read, completely or not at all.

    The block writes into a temporary folder, which is renamed at the end. A temporary folder that a
    killed export has left is deleted first.

    Args:
        folder: The folder; it may exist if it is empty.

    Raises:
        InvalidInputError: The folder is not empty, or its parent is not a folder.
        OSError: The folder cannot be created or written.
    """
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise InvalidInputError(
            f"{folder} is not an empty folder", "name a folder that does not exist"
        )
    part = folder.absolute().with_name(f".{folder.name[:40]}.part")
    _remove(part)
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InvalidInputError(f"{part.parent} is not a folder", "name another folder") from error
    part.mkdir(mode=0o700)
    try:
        yield part
        for path in part.iterdir():
            path.chmod(0o600)
            flush(path)
        flush(part)
        # replaces an empty folder
        part.rename(folder)
        flush(part.parent)
    finally:
        _remove(part)


def _remove(part: Path) -> None:
    if part.is_dir() and not part.is_symlink():
        shutil.rmtree(part)
