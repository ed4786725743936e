"""Computes the number of children of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.limits import MAX_CHILDREN
from facerec.errors import InvalidInputError
from facerec.jobs.manifest.source import SourceKind

if TYPE_CHECKING:
    from facerec.jobs.manifest.inspection import Inspection

IMAGES_PER_CHILD = (500, 2_000)
"""Default minimum and maximum number of photos per child in a container: a few minutes of work, as
AWS Batch recommends (https://docs.aws.amazon.com/batch/latest/userguide/bestpractice1.html), and
less than the stack's ChildTimeout even for large photos and the exact detector."""

CHILDREN = 256
"""Minimum number of children if there are enough photos: as many as can run concurrently with the
stack's default MaxvCpus."""

LOCAL_IMAGES_PER_CHILD = (8, 500)
"""``IMAGES_PER_CHILD`` on one machine, where a child costs almost nothing: small children keep all
workers busy to the end."""

LOCAL_CHILDREN = 64
"""``CHILDREN`` on one machine."""

MAX_STRIPES = 1_000
"""Maximum number of children that share a gzip file; each streams the whole file."""

MAX_READERS = 16
"""Number of children that share a gzip file above which the planner decompresses it, so that the
time to read it does not grow with the square of its length."""


def images_per_child(photos: int, *, local: bool = False) -> int:
    """Return the default number of photos per child.

    Args:
        photos: Number of photos of the job.
        local: Whether it runs on one machine.
    """
    min_photos, max_photos = LOCAL_IMAGES_PER_CHILD if local else IMAGES_PER_CHILD
    children = LOCAL_CHILDREN if local else CHILDREN
    return min(max_photos, max(min_photos, -(-photos // children)))


def count_children(
    inspection: Inspection, requested: int | None, *, local: bool
) -> tuple[int, int]:
    """Return the number of children that share a file, and the total number of children.

    Args:
        inspection: The manifest.
        requested: Number of photos per child; None for the default.
        local: Whether the job runs on one machine.

    Raises:
        InvalidInputError: An inventory has more files than a job can have children.
    """
    photos, files = inspection.photos, inspection.source.files
    if not photos:
        return 1, 0
    per_child = requested or images_per_child(photos, local=local)
    if inspection.source.kind is SourceKind.RANGES:
        return 1, min(MAX_CHILDREN, -(-photos // per_child))
    if files > MAX_CHILDREN:
        raise InvalidInputError(
            f"the inventory has {files} files, but a job has at most {MAX_CHILDREN} children",
            "configure the S3 Inventory for a prefix with fewer objects",
        )
    stripes = min(MAX_STRIPES, MAX_CHILDREN // files, -(-photos // (per_child * files)))
    return stripes, stripes * files
