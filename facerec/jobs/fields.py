"""Fields of the execution input that determine how a job runs, and their choices.

Apart from the request that has them, since the help of commands and the API state them too.
"""

from __future__ import annotations

from enum import StrEnum

JOB_FIELDS = (
    "create_collection",
    "retry_failures",
    "force",
    "restore_deleted",
    "prune",
    "prune_limit_percentage",
    "tolerated_failure_percentage",
    "include",
    "exclude",
    "external_ids",
)
"""Fields of the execution input that determine how a job runs."""


class ExternalIds(StrEnum):
    """Which external image ids listed photos get."""

    PATH = "path"
    """An id derived from the path of the photo in the folder: it names the photo."""
    FOLDER = "folder"
    """An id derived from the folder that the photo is in: its photos count as one person's."""
    NONE = "none"
    """No id, so that a photo keeps its faces wherever it is moved to."""
