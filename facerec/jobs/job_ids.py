"""Ids of jobs, which begin with the id of their collection."""

from __future__ import annotations

import re
from collections.abc import Callable

NEVER_DELETED: Callable[[str], bool] = lambda job_id: False  # noqa: E731
"""Returns that no job was deleted: the ``is_deleted`` of callers without receipts."""

_NAMED = 40
"""Maximum number of characters of a collection's id in the id of a job."""

_JOB_ID = re.compile(r"(.+)-[0-9a-f]{12}")


def job_id_of(collection_id: str, digest: str) -> str:
    """Return the id of a job of a collection.

    Args:
        collection_id: The collection.
        digest: Hexadecimal digest of the properties that distinguish the job.
    """
    return f"{collection_id[:_NAMED]}-{digest[:12]}"


def is_of_collection(job_id: str, collection_id: str) -> bool | None:
    """Return whether a job id belongs to a job of a collection.

    Returns None if the id does not show this: it is the name of another folder, or ids of several
    collections start the same way.
    """
    named = _JOB_ID.fullmatch(job_id)
    if named is None:
        return None
    if named[1] != collection_id[:_NAMED]:
        return False
    return True if len(named[1]) < _NAMED else None
