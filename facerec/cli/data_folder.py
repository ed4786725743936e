"""The data folder of commands."""

from __future__ import annotations

from pathlib import Path

from facerec.cli.deferred import platformdirs
from facerec.errors import ConfigurationError


def data_folder(chosen: Path | None) -> Path:
    """Return the folder of faces and jobs: the chosen one, or the user's data folder.

    Raises:
        ConfigurationError: none is chosen, and the user has no home folder.
    """
    if chosen is not None:
        return chosen
    try:
        return Path(platformdirs.user_data_dir("facerec", appauthor=False))
    except RuntimeError:
        raise ConfigurationError(
            "this user has no home folder for the faces", "choose a folder with --data"
        ) from None
