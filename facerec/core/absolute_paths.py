"""Makes the paths that commands and programs pass absolute."""

from __future__ import annotations

from pathlib import Path


def absolute_path(path: Path) -> Path:
    """Return the absolute path of a file or folder, without ``..``.

    Files below the folder are only written to addresses without ``..``. Links are followed only if
    the path contains ``..``, so that other addresses, which jobs record, remain the same.
    """
    return path.resolve() if ".." in path.parts else path.absolute()
