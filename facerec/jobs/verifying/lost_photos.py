"""Counts faces that neither the collection nor a job folder has, and has their photos read again.

A job folder contains the embeddings of the faces that its job has indexed. It has none of faces
that were in the collection before, because they were imported, stored by a single request, or
indexed by a job whose folder was deleted. If the collection loses such faces, their photos must be
read again. The next job of their source does so, since the memory no longer contains the options
with which they were processed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.jobs.remembered.memory import Memory
from facerec.jobs.verifying.segment_check import Verification

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facerec.core.records import Collection
    from facerec.jobs.plan import Plan
    from facerec.jobs.verifying.statements import LastStatements
    from facerec.storage.objects.protocol import ObjectStore


def count_lost(last: LastStatements) -> Verification:
    """Return the numbers of lost faces and their photos, after all jobs were compared."""
    found = last.awaited.values()
    return Verification(
        faces=sum(len(each.statement.face_ids) for each in found),
        lost=sum(each.missing for each in found),
        lost_photos=len(found),
    )


def request_lost_photos(
    collection: Collection,
    last: LastStatements,
    plans: Sequence[Plan],
    objects: ObjectStore,
    jobs_root: str,
) -> int:
    """Have the next job of their source read the photos whose faces are lost.

    Args:
        collection: The collection.
        last: Statements of all jobs of the collection, which were compared.
        plans: Plans of one or more of these jobs.
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.

    Returns:
        Number of remembered photos to read again; earlier requests do not count.
    """
    if not last.awaited:
        return 0
    memory = Memory(objects, jobs_root, collection)
    return memory.process_again(last.awaited.keys(), plans[0])
