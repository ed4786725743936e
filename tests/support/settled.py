"""Waits until files that were just written have versions that jobs remember."""

from __future__ import annotations

import time

from facerec.jobs.versions import TICK_NS


def let_files_settle() -> None:
    """Wait until a later change of any file so far would get another time stamp.

    A file that is read sooner counts as changed in the next job, so that what tests see would
    depend on how fast they run.
    """
    time.sleep(2 * TICK_NS / 1e9)
