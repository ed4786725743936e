"""The job to estimate, and the searches of the month after it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule

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
        faces_per_photo: Faces stored per photo, on average.
        searches: Searches per month, each with one face.
        store: Store of the faces. With the embedded store the job runs on one machine, without
            the workflow on AWS.
        max_vcpus: Maximum concurrent vCPUs.
        images_per_child: Photos per child; 0 chooses it from the number of photos.
        new_collection: Whether the job creates the collection. In an existing one, each
            commit costs another request to the store.
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
        """Choose the photos per child as the planner does."""
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
