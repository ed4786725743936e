"""The folder that keeps what can be made again, and how files get into it."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from pathlib import Path

FOLDER_VARIABLE = "FACEREC_CACHE"
"""The environment variable that names a folder to use instead of the user's cache folder."""

_logger = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return the folder for cached files, which need not exist."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen)
    import platformdirs

    return platformdirs.user_cache_path("facerec", appauthor=False)


def write_to_cache(path: Path, content: bytes) -> None:
    """Put a whole file in its place, or none: readers never see a part of it.

    A folder that cannot be written to, as in a container that is read-only, costs time at every
    start, but is no reason not to work: it is logged.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                # Else a power cut could leave the name with no content behind it.
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        _logger.warning("cannot keep files in the cache folder %s: %s", path.parent, error.strerror)
