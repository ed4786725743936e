"""Temporary folders of tests in memory, where no write waits for a disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")

MIN_FREE_BYTES = 4 * 2**30
"""More than all tests that run at the same time store, by far."""


def use_memory(folder: Path = MEMORY) -> None:
    """Let pytest create its temporary folders in memory if there is enough.

    What a killed process has written stays, as on a disk. Only the crash of a machine would lose
    more, and no test lets a machine crash. Stores flush each commit to the disk, which tests would
    wait for most of the time. Whoever chooses a folder for them (``--basetemp``, ``TMPDIR`` or
    ``PYTEST_DEBUG_TEMPROOT``) gets that one.
    """
    if "TMPDIR" not in os.environ and _has_room(folder):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))


def _has_room(folder: Path) -> bool:
    try:
        tempfile.TemporaryFile(dir=folder).close()
        # Tests write programs and run them.
        if os.statvfs(folder).f_flag & os.ST_NOEXEC:
            return False
        return shutil.disk_usage(folder).free >= MIN_FREE_BYTES
    except OSError:
        return False
