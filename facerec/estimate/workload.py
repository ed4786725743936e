"""The job to estimate, and the searches of the month after it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from facerec.core.checks import is_number
from facerec.core.deferred import DeferredModule
from facerec.errors import InvalidInputError

if TYPE_CHECKING:
    from facerec.jobs.child import attempt
    from facerec.jobs.planning import children
else:
    children = DeferredModule("facerec.jobs.planning.children")
    attempt = DeferredModule("facerec.jobs.child.attempt")


class Store(StrEnum):
    """The store of the faces."""

    S3_VECTORS = "s3vectors"
    PINECONE = "pinecone"
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Workload:
    """A job, and the searches of the month after it.

    Attributes:
        photos: Number of photos to index.
        photos_per_second: Speed of one vCPU.
        faces_per_photo: Mean number of faces stored per photo.
        searches: Number of searches per month, each with one face.
        store: Store of the faces. With the embedded store the job runs on one machine, without
            the workflow on AWS.
        max_vcpus: Maximum number of concurrent vCPUs.
        images_per_child: Number of photos per child; 0 chooses it from the number of photos.
        new_collection: Whether the job creates the collection. In an existing one, each
            commit costs another request to the store.

    Raises:
        InvalidInputError: A number is not finite or too small.
    """

    photos: int
    photos_per_second: float
    faces_per_photo: float = 1.0
    searches: int = 0
    store: Store = Store.S3_VECTORS
    max_vcpus: int = 256
    images_per_child: int = 0
    new_collection: bool = True

    def __post_init__(self) -> None:
        """Check the numbers, and choose the photos per child as the planner does."""
        require_positive("photos_per_second", self.photos_per_second)
        require_positive("max_vcpus", self.max_vcpus)
        for name in ("photos", "faces_per_photo", "searches", "images_per_child"):
            require_not_negative(name, getattr(self, name))
        if not self.images_per_child:
            object.__setattr__(self, "images_per_child", children.images_per_child(self.photos))

    @property
    def faces(self) -> float:
        """Number of faces that the job stores; faces of earlier jobs are not included."""
        return self.photos * self.faces_per_photo

    @property
    def steps(self) -> int:
        """Total number of commits of all children."""
        return -(-self.photos // attempt.DEPLOYED_STEP.photos)


def require_positive(name: str, value: float) -> None:
    """Check that an argument is a finite number greater than 0.

    Raises:
        InvalidInputError: It is not.
    """
    if not _is_finite(value) or value <= 0:
        raise InvalidInputError(f"{name} must be a number greater than 0, got {value!r}")


def require_not_negative(name: str, value: float) -> None:
    """Check that an argument is a finite number of at least 0.

    Raises:
        InvalidInputError: It is not.
    """
    if not _is_finite(value) or value < 0:
        raise InvalidInputError(f"{name} must be a number of at least 0, got {value!r}")


def _is_finite(value: float) -> bool:
    return is_number(value) and math.isfinite(value)
