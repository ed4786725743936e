"""What is to be estimated: how many photos and faces, on what machines, searched how often."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from facerec.jobs.child.attempt import PHOTOS_OF_STEP
from facerec.jobs.planner import images_per_child


class Store(StrEnum):
    """Where the faces live."""

    PINECONE = "pinecone"
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Workload:
    """A job, and the month after it.

    Attributes:
        photos: to index.
        photos_per_second: that one vCPU indexes.
        faces_per_photo: that are kept, on average.
        searches: photos that are searched in a month, one face each.
        store: where the faces live. With the embedded store the job runs on one machine, and
            nothing of the workflow on AWS is used.
        max_vcpus: that work at once at most.
        images_per_child: photos of a child of the job; 0 lets it follow from their number.
        new_collection: whether the job makes the collection; in one that exists Pinecone is asked
            for the faces of each photo.
    """

    photos: int
    photos_per_second: float
    faces_per_photo: float = 1.0
    searches: int = 0
    store: Store = Store.PINECONE
    max_vcpus: int = 256
    images_per_child: int = 0
    new_collection: bool = True

    def __post_init__(self) -> None:
        """Let the photos of a child follow from those of the job, as planning does it."""
        if not self.images_per_child:
            object.__setattr__(self, "images_per_child", images_per_child(self.photos))

    @property
    def faces(self) -> float:
        """Faces in the collection after the job."""
        return self.photos * self.faces_per_photo

    @property
    def steps(self) -> int:
        """Commits of all children together."""
        return -(-self.photos // PHOTOS_OF_STEP)
