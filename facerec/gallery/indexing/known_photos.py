"""Finds the faces of a photo that a collection contains under any external image id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from facerec.core.arrays import np

if TYPE_CHECKING:
    from facerec.core.records import FaceRecord, StoredFace
    from facerec.storage.faces import FaceStore

MAX_DISTANCE = 0.3
"""Maximum Euclidean distance of two embeddings of the same face in the same photo: its box may
differ with the options. Faces of one person in two photos are mostly farther apart."""

NEAREST = 30
"""Number of nearest stored faces that are checked for being of the same photo."""


def known_faces(
    collection_id: str, found: Sequence[StoredFace], *, faces: FaceStore
) -> list[FaceRecord]:
    """Return the stored faces of a photo, regardless of the external image id it was indexed with.

    No store has an index of photos by their content. So this searches for faces that resemble those
    of the photo, and returns the ones whose photo has the same content.

    Args:
        collection_id: Id of the collection.
        found: Faces found in the photo.
        faces: Store of the collection's faces.

    Raises:
        ConflictError: The collection was switched to another model version concurrently.
    """
    if not found:
        return []
    image_id = found[0].record.image_id
    nearest = faces.search(
        collection_id,
        np.stack([face.embedding for face in found]),
        limit=NEAREST,
        max_distance=MAX_DISTANCE,
    )
    records = (neighbour.record for neighbours in nearest for neighbour in neighbours)
    known = {record.face_id: record for record in records if record.image_id == image_id}
    return list(known.values())
