"""Counts processes that the kernel killed to free memory."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

_VMSTAT = Path("/proc/vmstat")


def count_memory_kills() -> int:
    """Return the number of processes killed on this machine to free memory; 0 if unknown."""
    with suppress(OSError):
        found = re.search(r"^oom_kill (\d+)$", _VMSTAT.read_text(), re.MULTILINE)
        return int(found[1]) if found else 0
    return 0
