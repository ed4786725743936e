"""What job folders keep of faces, forgotten when the faces are deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facerec.jobs.erasure import erase_collection, erase_faces
from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class JobFolders:
    """The ``JobData`` in the job folders of a deployment.

    Attributes:
        objects: Store of the folders.
        jobs_root: Parent of all job folders; ends in ``/``.
    """

    objects: ObjectStore
    jobs_root: str

    def forget_faces(self, collection_id: str, face_ids: Sequence[str]) -> None:
        """Delete the embeddings of faces from the folders of their collection's jobs."""
        erase_faces(self.objects, self.jobs_root, collection_id, face_ids)

    def forget_collection(self, collection_id: str) -> None:
        """Delete the folders of all jobs of a collection."""
        erase_collection(self.objects, self.jobs_root, collection_id)
