"""Checks whether a job still exists, that is, whether its folder contains its plan.

A collection may be deleted while jobs add to it. All code that writes into a job folder does so in
a ``while_it_exists`` block, which removes what was added after the deletion.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from facerec.errors import FacerecError, JobDeletedError, ObjectNotFoundError
from facerec.jobs.plan import Plan, read_facts

if TYPE_CHECKING:
    from facerec.jobs.ledger.rows import LedgerRow
    from facerec.storage.objects.protocol import ObjectStore


def job_exists(plan: Plan, objects: ObjectStore) -> bool:
    """Return whether a job exists: it was not deleted, and its folder does not contain another job.

    Raises:
        JobFolderError: The plan is damaged.
    """
    try:
        return read_facts(objects, plan.job_folder).job_id == plan.job_id
    except ObjectNotFoundError:
        return False


@contextmanager
def while_it_exists(plan: Plan, objects: ObjectStore, *, writes: bool = True) -> Iterator[None]:
    """Run a block that uses a job folder, which may be deleted at any time.

    Args:
        plan: The job's plan.
        objects: Contains the folder.
        writes: Whether the block adds to the folder.

    Raises:
        JobDeletedError: The job was deleted; raised at the end of the block, also in place of a
            ``FacerecError`` or ``OSError`` of the block. With ``writes``, files added to the folder
            after the deletion are removed.
        JobFolderError: The plan is damaged.
    """
    cause: Exception | None = None
    try:
        yield
    except (FacerecError, OSError) as error:
        if job_exists(plan, objects):
            raise
        cause = error
    if cause is not None or not job_exists(plan, objects):
        if writes:
            from facerec.jobs.erasing.folder_deletion import delete_late_files

            delete_late_files(objects, plan.job_folder)
        raise JobDeletedError(plan.collection_id) from cause


def rows_while_it_exists(
    plan: Plan, objects: ObjectStore, rows: Iterator[LedgerRow]
) -> Iterator[LedgerRow]:
    """Yield the rows of a job, unless the job is deleted concurrently.

    Raises:
        JobDeletedError: The job was deleted while it was read.
        JobFolderError: The plan is damaged.
    """
    with while_it_exists(plan, objects, writes=False):
        yield from rows
