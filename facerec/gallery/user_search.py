"""Users found for a face: only users whose faces are still in the collection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facerec.core.photos import EmbeddedFace, RejectedFace
from facerec.core.protocols import RecordStore
from facerec.core.records import User
from facerec.gallery.similarity import distance_of, similarity_of
from facerec.gallery.user_vectors import mean_embedding, search_vectors
from facerec.storage.faces import FaceStore


@dataclass(frozen=True, slots=True)
class UserPage:
    """A page of a collection's users, and the token of the next page; None on the last one."""

    users: tuple[User, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class UserMatch:
    """A user that resembles a probe.

    Attributes:
        user: The user.
        distance: Euclidean distance of the probe and the user's vector.
        similarity: 0 to 1; see ``facerec.gallery.similarity``.
    """

    user: User
    distance: float
    similarity: float


@dataclass(frozen=True, slots=True)
class UserSearchResult:
    """The users found, most similar first, and the model version of their collection."""

    matches: tuple[UserMatch, ...]
    model_version: str


@dataclass(frozen=True, slots=True)
class PhotoUserSearchResult(UserSearchResult):
    """The users found for a photo.

    Attributes:
        face: The largest face, which was searched; None if the photo shows no accepted face.
        smaller: The other accepted faces.
        rejected: Faces that the options rejected.
    """

    face: EmbeddedFace | None
    smaller: tuple[EmbeddedFace, ...]
    rejected: tuple[RejectedFace, ...]


def find_users(
    probe: NDArray[np.float32],
    *,
    collection_id: str,
    faces: FaceStore,
    users: RecordStore,
    threshold: float,
    limit: int,
    exclude: str | None = None,
) -> tuple[UserMatch, ...]:
    """Return the users that resemble a probe, most similar first.

    A user's vector is made from its faces, and faces can go without their user's knowledge: a job
    replaces the faces of a photo, and a deletion may be interrupted. So each user found is
    compared by the faces that are left, and one with none left is not returned.

    Args:
        probe: Embedding, float32 of shape (128,).
        collection_id: Id of the collection.
        faces: Store of its faces and of its users' vectors.
        users: Store of its users.
        threshold: Minimum similarity, 0 to 1.
        limit: Maximum number of users.
        exclude: Id of a user that is not returned.
    """
    distances = dict(
        search_vectors(
            faces,
            collection_id,
            probe,
            limit=limit + (exclude is not None),
            max_distance=distance_of(threshold),
        )
    )
    # a user deleted since the search is not returned
    found = users.get_users(collection_id, [each for each in distances if each != exclude])
    candidates = [
        UserMatch(user, distances[user.user_id], similarity_of(distances[user.user_id]))
        for user in found[:limit]
    ]
    face_ids = [face_id for match in candidates for face_id in match.user.face_ids]
    stored = faces.get_faces(collection_id, face_ids) if face_ids else []
    left = {face.record.face_id: face.embedding for face in stored}
    matches = []
    for match in candidates:
        embeddings = [left[face_id] for face_id in match.user.face_ids if face_id in left]
        if not embeddings:
            continue
        if len(embeddings) == len(match.user.face_ids):
            matches.append(match)
            continue
        vector = mean_embedding(embeddings).astype(np.float64)
        distance = float(np.linalg.norm(vector - probe))
        similarity = similarity_of(distance)
        if similarity >= threshold:
            matches.append(UserMatch(match.user, distance, similarity))
    return tuple(sorted(matches, key=lambda match: match.distance))
