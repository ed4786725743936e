"""``python -m batch_job [child|report]``: the entry point of the container."""

from __future__ import annotations

import os
import signal
import sys
import threading

from batch_job.task import run


def main() -> int:
    """Run what the arguments name; SIGTERM asks it to commit what is done and to leave.

    Returns:
        0 when all is done; RETRY or DO_NOT_RETRY of ``facerec.jobs.faults`` otherwise.
    """
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    return run(sys.argv[1:], os.environ, stop=asked.is_set)


if __name__ == "__main__":
    sys.exit(main())
