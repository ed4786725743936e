"""Deletes partial files that killed processes left in the folder of a job."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from facerec.jobs.ledger.layout import (
    embeddings_folder,
    ledger_folder,
    remembered_uri,
    summaries_folder,
)
from facerec.storage.objects.leftovers import delete_leftovers

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore

ABANDONED_AFTER = 3600.0
"""Seconds without a change after which a folder without a plan counts as abandoned: a plan is
written right after the list of photos."""


def delete_job_leftovers(
    objects: ObjectStore, job_folder: str, children: Iterable[int] = ()
) -> None:
    """Delete temporary files in a job folder, which may name any of its photos.

    Args:
        objects: Contains the folder.
        job_folder: Uri of the folder, with the final ``/``.
        children: Children whose ledgers and embeddings to search too.
    """
    shared = ("", "incomplete/", "index/", summaries_folder(""), remembered_uri(""))
    for folder in shared:
        delete_leftovers(objects, f"{job_folder}{folder}")
    for child in children:
        delete_leftovers(objects, ledger_folder(job_folder, child))
        delete_leftovers(objects, embeddings_folder(job_folder, child))


def is_abandoned(objects: ObjectStore, folder: str) -> bool:
    """Return whether a folder without a plan was left by a process that was killed.

    Such a folder has files, none of which was changed in the last ``ABANDONED_AFTER`` seconds.
    Always false in S3, whose listings state no such time.
    """
    changes = [found.changed_ns for found in objects.list(folder)]
    before = 1e9 * (time.time() - ABANDONED_AFTER)
    return bool(changes) and all(change is not None and change < before for change in changes)
