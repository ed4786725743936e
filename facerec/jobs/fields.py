"""Fields of the execution input that determine how a job runs, and their choices.

They have their own module because command help and the API list them too.
"""

from __future__ import annotations

from enum import StrEnum

JOB_FIELDS = (
    "create_collection",
    "recipe",
    "retry_failures",
    "force",
    "restore_deleted",
    "prune",
    "prune_limit_percentage",
    "tolerated_failure_percentage",
    "include",
    "exclude",
    "external_ids",
    "person_from",
)
"""Fields of the execution input that determine how a job runs."""


class ExternalIds(StrEnum):
    """Source of the external image ids of listed photos."""

    PATH = "path"
    """Derive the id from the photo's path in the folder, so that it identifies the photo."""
    FOLDER = "folder"
    """Derive the id from the photo's folder, so that a folder counts as one person."""
    NONE = "none"
    """Omit the id, so that a photo keeps its faces when it is moved."""
