"""Finds the data folder of a command."""

from __future__ import annotations

from pathlib import Path

from facerec.cli.deferred import platformdirs
from facerec.errors import ConfigurationError, NotFoundError


def data_folder(chosen: Path | None, *, new: bool = False) -> Path:
    """Return the folder of faces and jobs: the chosen folder, or else the user's data folder.

    Args:
        chosen: The folder that the caller has named, or None.
        new: Whether the chosen folder may be created. Commands that need existing data refuse a
            folder that does not exist: its name is probably mistyped.

    Raises:
        NotFoundError: The chosen folder does not exist.
        ConfigurationError: No folder is chosen, and the user has no home folder.
    """
    if chosen is not None:
        if not new and not chosen.exists():
            raise NotFoundError(
                f"the data folder {chosen} does not exist",
                "check --data or FACEREC_DATA; `facerec index` creates a new one",
            )
        return chosen
    try:
        return Path(platformdirs.user_data_dir("facerec", appauthor=False))
    except RuntimeError:
        raise ConfigurationError(
            "no home folder was found", "choose a folder with --data"
        ) from None
