"""The parts that commands work with, built from a data folder when a command needs them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facerec.storage.sqlite import SqliteStore


def data_folder(chosen: Path | None) -> Path:
    """Return the folder of faces and jobs: the chosen one, or the user's data folder."""
    if chosen is not None:
        return chosen
    import platformdirs

    return Path(platformdirs.user_data_dir("facerec", appauthor=False))


def open_store(data: Path) -> SqliteStore:
    """Open the store of faces and collections in a data folder, making it where there is none."""
    from facerec.storage.sqlite import SqliteStore

    return SqliteStore(data / "facerec.db")


def jobs_folder(data: Path) -> str:
    """Return the folder that holds a folder for each job, with its final ``/``."""
    return f"{data.absolute() / 'jobs'}/"
