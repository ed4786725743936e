"""Lets one process at a time change the embeddings in the job folders of this machine.

Deletions and migrations read a file of embeddings, change it and write it again. Without the lock,
one process could write back what another has just removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facerec.storage.objects.protocol import scheme_of


@contextmanager
def folder_lock(jobs_root: str) -> Iterator[None]:
    """Lock the job folders for the block, after other processes and threads have changed them.

    Job folders in S3 are not locked: deletions and migrations write a file on condition that nobody
    else has changed it.

    Args:
        jobs_root: Parent of all job folders, with the final ``/``.
    """
    if scheme_of(jobs_root) != "file" or not Path(jobs_root).is_dir():
        yield
        return
    import fcntl

    # The folder itself is locked: a lock file would be another file to erase.
    folder = os.open(jobs_root, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        # A process that was forked in the meantime shares the lock.
        fcntl.flock(folder, fcntl.LOCK_UN)
        os.close(folder)
