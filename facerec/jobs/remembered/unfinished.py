"""Finds replaced photos whose faces a job should have removed, but did not.

A job removes the faces of replaced photos when it is complete. If it was interrupted, or its
removal failed, and another job continues its work, the new versions are already remembered: a
comparison no longer shows that the photos were replaced. So each new job looks for them too.
Photos whose external image id changed need no list: the comparison still shows them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from facerec.errors import ObjectNotFoundError
from facerec.jobs.ledger.layout import stale_uri
from facerec.jobs.remembered.stale_photos import StalePhoto, read_stale_photos

if TYPE_CHECKING:
    from collections.abc import Iterator

    from facerec.jobs.remembered.memory import Memory
    from facerec.storage.objects.protocol import ObjectStore


def unfinished_replacements(memory: Memory, objects: ObjectStore) -> Iterator[StalePhoto]:
    """Yield the replaced photos that other jobs still list: jobs without a completed removal.

    Each photo is yielded once. A job also lists the photos of earlier jobs, so repetitions would
    double the lists with each interrupted job.

    Raises:
        JobFolderError: A list of stale photos is damaged.
    """
    found = set[StalePhoto]()
    for folder in memory.folders_after(0):
        with suppress(ObjectNotFoundError):
            for photo in read_stale_photos(objects, stale_uri(folder)):
                if not (photo.is_gone or photo.is_renamed) and photo not in found:
                    found.add(photo)
                    yield photo
