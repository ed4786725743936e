"""Counts processes that the kernel killed to free memory."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

_VMSTAT = Path("/proc/vmstat")


def count_memory_kills() -> int:
    """Return how many processes were killed to free memory since the start of the machine.

    The number is 0 if it is unknown.
    """
    with suppress(OSError):
        found = re.search(r"^oom_kill (\d+)$", _VMSTAT.read_text(), re.MULTILINE)
        return int(found[1]) if found else 0
    return 0
