"""Adds complete jobs to the face index of a collection.

Planning adds earlier jobs, and a deletion adds all jobs that it had to search. So a job is searched
once; later, it is only searched for faces that it names. Jobs of other collections are added
without faces, so that their plans are read only once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.errors import FacerecError, InvalidInputError
from facerec.jobs.folders import entries_at
from facerec.jobs.ledger.job_face_index import ids_of_child
from facerec.jobs.ledger.reading import complete_children
from facerec.jobs.plan import read_plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facerec.jobs.ledger.collection_face_index import CollectionFaceIndex
    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore

MAX_CHILDREN = 64
"""Maximum number of children of a job in the index; larger jobs have a face index of their own."""


def cover_jobs(
    index: CollectionFaceIndex,
    objects: ObjectStore,
    jobs_root: str,
    collection_id: str,
    job_ids: Iterable[str],
) -> None:
    """Add jobs to the face index of a collection, if they are complete.

    Jobs with more than ``MAX_CHILDREN`` children, with a folder outside of ``jobs_root``, or with a
    damaged ledger are not added.

    Args:
        index: The face index of the collection.
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        collection_id: The collection.
        job_ids: Ids of jobs; they may be deleted concurrently.
    """
    found = {}
    for job_id in job_ids:
        if index.covers(job_id):
            continue
        try:
            plan = _plan_in_root(objects, f"{jobs_root}{job_id}/")
            if plan is None:
                continue
            is_own = plan.collection_id == collection_id
            ids = _faces_of(plan, objects) if is_own else b""
        except (FacerecError, ValueError, KeyError, TypeError, AttributeError):
            # It has since been deleted, or a file of it cannot be read.
            continue
        if ids is not None:
            found[job_id] = ids
    index.add(found)


def _plan_in_root(objects: ObjectStore, uri: str) -> Plan | None:
    """Return the plan of the job in a folder; None if there is none, or its folder is elsewhere."""
    try:
        if any(entry.is_elsewhere for entry in entries_at(objects, uri)):
            return None
        return read_plan(objects, uri)
    except InvalidInputError:
        return None


def _faces_of(plan: Plan, objects: ObjectStore) -> bytes | None:
    """Return the start of each face id that a job names; None if the index must not cover it."""
    if plan.children > MAX_CHILDREN or not all(complete_children(plan, objects)):
        return None
    children = range(plan.children)
    return b"".join(ids_of_child(objects, plan.job_folder, child) for child in children)
