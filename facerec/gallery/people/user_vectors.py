"""People's vectors: a person's vector is the mean of the embeddings of the person's faces.

They are stored in the vector store, in a separate namespace for each collection. Records and
vectors may be in two stores. So a change is first written to the record, which decides between
concurrent callers, and then to the vector. This is repeated until the vector belongs to the newest
version of the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.core.ids import first_of_group, image_id, image_key
from facerec.core.vectors import Vector, VectorMatch
from facerec.errors import ConflictError, UserNotFoundError
from facerec.storage.faces import people_namespace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import User
    from facerec.storage.faces import FaceStore

MAX_ATTEMPTS = 8
"""Number of attempts at a change before concurrent callers are reported as a conflict."""

_USER_ID = "user_id"
"""Name of the metadata of a person's vector."""

_EARLIER_USER_ID = "external_image_id"
"""Name of the same metadata in the first release; some indexes still contain it."""


def mean_embedding(embeddings: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the mean of one or more embeddings, float32 of shape (128,)."""
    mean: NDArray[np.float64] = np.mean(np.stack(embeddings), axis=0, dtype=np.float64)
    return mean.astype(np.float32)


def user_vector(faces: FaceStore, collection_id: str, user: User) -> NDArray[np.float32] | None:
    """Return the vector of a person's stored faces, float32 of shape (128,); None without faces.

    Raises:
        ConflictError: The collection was switched to another model version.
    """
    stored = faces.get_faces(collection_id, user.face_ids) if user.face_ids else []
    return mean_embedding([face.embedding for face in stored]) if stored else None


def refresh_vector(faces: FaceStore, records: RecordStore, collection_id: str, user: User) -> User:
    """Store the vector of the newest version of a person, and return that version.

    After ``MAX_ATTEMPTS`` concurrent changes, the stored vector may be that of an earlier version.

    Raises:
        CollectionNotFoundError: The collection was deleted concurrently.
        UserNotFoundError: The person was deleted concurrently; the vector is deleted too.
        ConflictError: The collection is being switched to another model version.
    """
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            put_vector(faces.of_served(collection_id), collection_id, user)
        except ConflictError:
            # The collection was switched to another model version, or is being switched.
            if attempt == MAX_ATTEMPTS:
                raise
            continue
        if records.set_vector_version(collection_id, user):
            break
        # A concurrent caller that changed the person may have stored its vector before this one,
        # so that the newest must be stored again.
        user = _existing(faces, records, collection_id, user.user_id)
    return _existing(faces, records, collection_id, user.user_id)


def put_vector(faces: FaceStore, collection_id: str, user: User) -> None:
    """Store the vector of a person's stored faces; delete it if none of the faces is stored.

    Raises:
        ConflictError: The collection was switched to another model version, or is being switched.
    """
    _put_vector(faces, collection_id, user.user_id, user_vector(faces, collection_id, user))


def delete_vector(faces: FaceStore, collection_id: str, user_id: str) -> None:
    """Delete the vector of a person."""
    _put_vector(faces, collection_id, user_id, None)


def has_vector(faces: FaceStore, collection_id: str, user_id: str) -> bool:
    """Return whether the vector of a person is stored."""
    namespace = people_namespace(collection_id)
    return bool(faces.vectors.get_groups(namespace, [_group(namespace, user_id)]))


def delete_vectors(faces: FaceStore, collection_id: str) -> None:
    """Delete the vectors of all people of a collection."""
    faces.vectors.delete_namespace(people_namespace(collection_id))


def search_vectors(
    faces: FaceStore,
    collection_id: str,
    probe: NDArray[np.float32],
    *,
    limit: int,
    max_distance: float,
) -> list[tuple[str, float]]:
    """Return the ids of the people nearest to a probe with their distances, nearest first.

    Args:
        faces: Store of the collection's faces and of its people's vectors.
        collection_id: Id of the collection.
        probe: Embedding, float32 of shape (128,).
        limit: Maximum number of people.
        max_distance: Maximum Euclidean distance.

    Raises:
        InvalidInputError: The store cannot return that many people.
        ConflictError: The collection was switched to another model version.
    """
    (found,) = faces.vectors.search(
        people_namespace(collection_id), probe[np.newaxis], limit=limit, max_distance=max_distance
    )
    return [(_user_id(match), match.distance) for match in found]


def nearest_users(
    faces: FaceStore,
    collection_id: str,
    probes: NDArray[np.float32],
    *,
    limit: int,
    max_distance: float,
) -> list[dict[str, NDArray[np.float32]]]:
    """Return, for each probe, the stored vectors of the nearest people, nearest first.

    The keys are user ids. People who are deleted concurrently are omitted.

    Args:
        faces: Store of the collection's faces and of its people's vectors.
        collection_id: Id of the collection.
        probes: Embeddings, float32 of shape (n, 128).
        limit: Maximum number of people per probe.
        max_distance: Maximum Euclidean distance.

    Raises:
        InvalidInputError: The store cannot return that many people.
        ConflictError: The collection was switched to another model version.
    """
    namespace = people_namespace(collection_id)
    found = faces.vectors.search(namespace, probes, limit=limit, max_distance=max_distance)
    ids = sorted({match.id for matches in found for match in matches})
    values = {vector.id: vector.values for vector in faces.vectors.get_vectors(namespace, ids)}
    return [
        {_user_id(match): values[match.id] for match in matches if match.id in values}
        for matches in found
    ]


def _existing(faces: FaceStore, records: RecordStore, collection_id: str, user_id: str) -> User:
    try:
        return records.get_user(collection_id, user_id)
    except UserNotFoundError:
        delete_vector(faces, collection_id, user_id)
        for created_again in records.get_users(collection_id, [user_id]):
            with suppress(UserNotFoundError):
                refresh_vector(faces, records, collection_id, created_again)
        raise


def _put_vector(
    faces: FaceStore, collection_id: str, user_id: str, vector: NDArray[np.float32] | None
) -> None:
    namespace = people_namespace(collection_id)
    group = _group(namespace, user_id)
    vectors = []
    if vector is not None:
        vectors.append(Vector(first_of_group(group), {_USER_ID: user_id}, vector))
    faces.vectors.put_groups(namespace, {group: vectors})


def _group(namespace: str, user_id: str) -> str:
    return image_key(namespace, image_id(user_id.encode()), user_id, "user")


def _user_id(match: VectorMatch) -> str:
    return str(match.metadata.get(_USER_ID) or match.metadata[_EARLIER_USER_ID])
