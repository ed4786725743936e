"""The data folder of commands."""

from __future__ import annotations

from pathlib import Path

from facerec.cli.deferred import platformdirs


def data_folder(chosen: Path | None) -> Path:
    """Return the folder of faces and jobs: the chosen one, or the user's data folder."""
    if chosen is not None:
        return chosen
    return Path(platformdirs.user_data_dir("facerec", appauthor=False))
