"""Files that block their readers, as those of a file system that does not answer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HOLDER = """
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
files = [os.open(path, os.O_RDWR) for path in sys.argv[2:]]
for file in files:
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print(flush=True)
signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1]))
signal.pause()
"""


@contextmanager
def leased(*paths: Path, seconds: float = 40) -> Iterator[None]:
    """Let opening files block until the block ends, or for some seconds.

    A write lease (``fcntl(2)``) blocks all who open the file until the holder gives it up, for 45
    seconds at most (``/proc/sys/fs/lease-break-time``).
    """
    command = [sys.executable, "-c", _HOLDER, str(seconds), *map(str, paths)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        try:
            yield
        finally:
            holder.kill()
