"""The cache folder, for files that can be created again, and atomic writes to it."""

from __future__ import annotations

import contextlib
import glob
import logging
import os
import tempfile
import time
from pathlib import Path

FOLDER_VARIABLE = "FACEREC_CACHE"
"""Environment variable with a folder to use instead of the user's cache folder."""

LEFTOVER_SECONDS = 3600.0
"""Age in seconds at which a temporary file counts as abandoned."""

_logger = logging.getLogger(__name__)


_NOWHERE = Path(os.devnull)
"""A path that cannot contain folders, so that nothing is cached."""


def cache_folder() -> Path:
    """Return the folder for cached files. It may not exist yet.

    A user without a home folder, as in containers with random user ids, has no cache: others could
    write to a shared folder. The returned folder then cannot be created.
    """
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen)
    import platformdirs

    try:
        return platformdirs.user_cache_path("facerec", appauthor=False)
    except RuntimeError:
        return _NOWHERE / "facerec"


def _remove_leftovers(path: Path) -> None:
    """Remove temporary files of processes that were killed while writing."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*"):
        if leftover.stat().st_mtime < time.time() - LEFTOVER_SECONDS:
            leftover.unlink(missing_ok=True)


def write_to_cache(path: Path, content: bytes) -> None:
    """Write a file atomically: readers see all of it or nothing.

    A failed write is logged and otherwise ignored. For example, in a read-only container it only
    makes every start slower.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                # Without this, a power failure could leave an empty file under the final name.
                os.fsync(file.fileno())
            Path(temporary).replace(path)
            _remove_leftovers(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        _logger.warning("cannot write to the cache folder %s: %s", path.parent, error.strerror)
