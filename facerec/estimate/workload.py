"""The job to estimate, and the searches of the month after it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from facerec.core.checks import is_number, is_whole
from facerec.core.deferred import DeferredModule
from facerec.errors import InvalidInputError

if TYPE_CHECKING:
    from facerec.jobs.child import attempt
    from facerec.jobs.planning import children
else:
    children = DeferredModule("facerec.jobs.planning.children")
    attempt = DeferredModule("facerec.jobs.child.attempt")


MAX_COUNT = 10**21
"""Maximum of a number of photos, searches or vCPUs; larger ones overflow as floats."""

MAX_RATE = 10**12
"""Maximum of a rate; its inverse is the minimum of a rate that must be positive."""


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
        InvalidInputError: A number is too small or too large, or a count is not whole.
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
        """Check the numbers, and choose the photos per child like the planner."""
        require_positive("photos_per_second", self.photos_per_second)
        require_not_negative("faces_per_photo", self.faces_per_photo)
        minima = {"photos": 0, "searches": 0, "images_per_child": 0, "max_vcpus": 1}
        for name, minimum in minima.items():
            object.__setattr__(self, name, whole(name, getattr(self, name), minimum))
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


def whole(name: str, value: float, minimum: int, maximum: int = MAX_COUNT) -> int:
    """Return a whole number of a range; floats such as 20.0 count.

    Raises:
        InvalidInputError: The value is not a whole number in the range.
    """
    if not is_number(value) or not minimum <= value <= maximum or not is_whole(value):
        raise InvalidInputError(
            f"{name} must be a whole number from {minimum} to {maximum:,}, got {value!r}"
        )
    return int(value)


def require_positive(name: str, value: float) -> None:
    """Check that an argument is a number greater than 0 within the range for calculations.

    Raises:
        InvalidInputError: The argument is not such a number.
    """
    if not is_number(value) or not 1 / MAX_RATE <= value <= MAX_RATE:
        raise InvalidInputError(
            f"{name} must be a number greater than 0, up to {MAX_RATE:,}, got {value!r}"
        )


def require_not_negative(name: str, value: float) -> None:
    """Check that an argument is a number of at least 0 within the range for calculations.

    Raises:
        InvalidInputError: The argument is not such a number.
    """
    if not is_number(value) or not 0 <= value <= MAX_RATE:
        raise InvalidInputError(f"{name} must be a number from 0 to {MAX_RATE:,}, got {value!r}")
