"""Faces for the tests of stores: real records around embeddings of fake people."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facerec.core.faces import BoundingBox, Landmarks, Point, Pose, Quality
from facerec.core.ids import face_id, image_id, image_key
from facerec.core.records import FaceRecord, StoredFace, by_image
from facerec.testing.engine import FAKE_COHORT_STATS, fake_embedding

__all__ = ["by_image", "stored_face"]


def stored_face(
    person: str,
    *,
    image: str = "",
    place: int = 0,
    away: float = 0.0,
    shot: int = 0,
    embedding: NDArray[np.float32] | None = None,
    external_image_id: str | None = None,
    source: str = "",
    model_version: str = "fake-1",
) -> StoredFace:
    """Return a face of a person in a photo, by default in a photo of that person only.

    Args:
        person: Name of the person; see ``fake_embedding``.
        image: Name of the photo.
        place: Position of the face in the photo; faces of one photo have different ones.
        away: See ``fake_embedding``.
        shot: See ``fake_embedding``.
        embedding: The embedding, in place of the person's.
        external_image_id: External image id of the photo.
        source: Source of the photo (``FaceRecord.source``).
        model_version: Model version of the embedding.
    """
    content_id = image_id((image or person).encode())
    key = image_key("any", content_id, external_image_id, model_version)
    box = BoundingBox(0.1 + place / 100, 0.25, 0.02, 0.03)
    record = FaceRecord(
        face_id=face_id(key, box),
        image_id=content_id,
        external_image_id=external_image_id,
        source=source,
        box=box,
        confidence=0.987654321,
        landmarks=Landmarks(
            Point(0.11, 0.3), Point(0.15, 0.3), Point(0.2, 0.3), Point(0.25, 0.3), Point(0.18, 0.4)
        ),
        quality=Quality(size=80.5, sharpness=71.0, brightness=55.0, pose=Pose(1.5, -20.0, 3.25)),
        model_version=model_version,
        options_digest="0123456789ab",
        indexed_at=1_700_000_000.125,
        stats=FAKE_COHORT_STATS,
    )
    if embedding is None:
        embedding = fake_embedding(person, away, shot)
    return StoredFace(record, embedding)
