"""What is to be estimated: how many photos and faces, on what machines, searched how often."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from facerec.jobs.child import PHOTOS_OF_STEP
from facerec.jobs.planning import IMAGES_PER_CHILD


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
        images_per_child: photos of a child of the job.
    """

    photos: int
    photos_per_second: float
    faces_per_photo: float = 1.0
    searches: int = 0
    store: Store = Store.PINECONE
    max_vcpus: int = 256
    images_per_child: int = IMAGES_PER_CHILD

    @property
    def faces(self) -> float:
        """Faces in the collection after the job."""
        return self.photos * self.faces_per_photo

    @property
    def steps(self) -> int:
        """Commits of all children together."""
        return -(-self.photos // PHOTOS_OF_STEP)
