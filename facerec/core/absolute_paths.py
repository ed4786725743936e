"""Absolute paths of files and folders that commands and programs name."""

from __future__ import annotations

from pathlib import Path


def absolute_path(path: Path) -> Path:
    """Return the absolute path of a file or folder, without ``..``.

    What is below it is written only at addresses without ``..``. Links are followed only if the
    path contains ``..``, so that other addresses, which jobs record, remain the same.
    """
    return path.resolve() if ".." in path.parts else path.absolute()
