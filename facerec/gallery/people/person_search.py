"""Searches for people whose faces are still in the collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.gallery.people.user_vectors import mean_embedding, search_vectors
from facerec.gallery.scores.scoring import (
    Fetched,
    is_match,
    reach,
    search_for,
    similarity_between,
    stats_of,
    stats_of_stored,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core.faces import CohortStats
    from facerec.core.photos import EmbeddedFace, RejectedFace
    from facerec.core.protocols.engine import Cohort
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import User
    from facerec.storage.faces import FaceStore


@dataclass(frozen=True, slots=True)
class UserPage:
    """A page of a collection's people, and the token of the next page; None on the last one."""

    collection_id: str
    users: tuple[User, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class UserMatch:
    """A person who resembles a probe.

    Attributes:
        user: The person.
        distance: Euclidean distance of the probe and the person's vector.
        similarity: 0 to 1; see ``facerec.gallery.scores.similarity``.
    """

    user: User
    distance: float
    similarity: float


@dataclass(frozen=True, slots=True)
class UserSearchResult:
    """The people found, most similar first.

    Attributes:
        collection_id: Id of the collection.
        model_version: Model version of the collection.
        threshold: Minimum similarity of a match, 0 to 1.
        matches: The people, most similar first.
        more_matches: Whether more people than the limit reach the threshold.
    """

    collection_id: str
    model_version: str
    threshold: float
    matches: tuple[UserMatch, ...]
    more_matches: bool


@dataclass(frozen=True, slots=True)
class PhotoUserSearchResult(UserSearchResult):
    """The people found for a photo.

    Attributes:
        face: The largest face, which was searched; None if the photo shows no accepted face.
        smaller: The other accepted faces.
        rejected: Faces that the options rejected.
    """

    face: EmbeddedFace | None
    smaller: tuple[EmbeddedFace, ...]
    rejected: tuple[RejectedFace, ...]


def search_users(
    probe: NDArray[np.float32],
    *,
    collection_id: str,
    faces: FaceStore,
    records: RecordStore,
    cohort: Cohort,
    threshold: float,
    limit: int,
    exclude: str | None = None,
) -> tuple[tuple[UserMatch, ...], bool]:
    """Return the people who resemble a probe, most similar first, and whether there are more.

    A person's vector is the mean of the person's faces. A job that replaces the faces of a photo,
    or a deletion that was interrupted, can remove faces before the vector changes. So each person
    found is compared by the remaining faces, and omitted if none remains.

    Args:
        probe: Embedding, float32 of shape (128,).
        collection_id: Id of the collection.
        faces: Store of its faces and of its people's vectors.
        records: Store of its people.
        cohort: Computes the stats that similarity needs.
        threshold: Minimum similarity, 0 to 1.
        limit: Maximum number of people.
        exclude: Id of a person to omit.

    Raises:
        InvalidInputError: The store cannot return that many people.
        ConflictError: The collection was switched to another model version concurrently.
    """
    probe_stats = stats_of(probe, cohort)

    def search(count: int) -> Fetched[list[UserMatch]]:
        nearest = search_vectors(
            faces, collection_id, probe, limit=count, max_distance=reach(threshold, probe_stats)
        )
        others = [user_id for user_id, _ in nearest if user_id != exclude]
        # a person deleted since the search is not returned
        vectors = _current_vectors(records.get_users(collection_id, others), collection_id, faces)
        matches = _matches(probe, probe_stats, vectors, cohort=cohort, threshold=threshold)
        hidden = _hidden_users(
            probe,
            probe_stats,
            matches,
            collection_id=collection_id,
            faces=faces,
            records=records,
            cohort=cohort,
        )
        shown = [match for match in matches if match.user.user_id not in hidden]
        enough = len(shown) > limit or len(nearest) < count
        return Fetched(shown, 0 if enough else len(others) - len(vectors) + len(hidden))

    shown = search_for(limit, search, itself=exclude is not None)
    return tuple(shown[:limit]), len(shown) > limit


def _current_vectors(
    users: Sequence[User], collection_id: str, faces: FaceStore
) -> list[tuple[User, NDArray[np.float32]]]:
    """Return people with the mean of their remaining faces; people without faces are omitted."""
    face_ids = [face_id for user in users for face_id in user.face_ids]
    stored = faces.get_faces(collection_id, face_ids) if face_ids else []
    left = {face.record.face_id: face.embedding for face in stored}
    return [
        (user, mean_embedding([left[each] for each in user.face_ids if each in left]))
        for user in users
        if any(each in left for each in user.face_ids)
    ]


def _matches(
    probe: NDArray[np.float32],
    probe_stats: CohortStats,
    vectors: Sequence[tuple[User, NDArray[np.float32]]],
    *,
    cohort: Cohort,
    threshold: float,
) -> list[UserMatch]:
    """Return the people who reach the threshold, most similar first."""
    if not vectors:
        return []
    stats = cohort.cohort_stats(np.stack([vector for _, vector in vectors]))
    matches = []
    for (user, vector), own in zip(vectors, stats, strict=True):
        distance = float(np.linalg.norm(vector.astype(np.float64) - probe))
        similarity = similarity_between(distance, probe_stats, own)
        if is_match(similarity, threshold):
            matches.append(UserMatch(user, distance, similarity))
    return sorted(matches, key=lambda match: (-match.similarity, match.distance))


def _hidden_users(
    probe: NDArray[np.float32],
    probe_stats: CohortStats,
    matches: Sequence[UserMatch],
    *,
    collection_id: str,
    faces: FaceStore,
    records: RecordStore,
    cohort: Cohort,
) -> set[str]:
    """Return the ids of people less similar to the probe than a face that does not show them."""
    similarity_of = {match.user.user_id: match.similarity for match in matches}
    corrections = records.corrections_of_people(collection_id, list(similarity_of))
    if not corrections:
        return set()
    face_ids = list(dict.fromkeys(each.face_id for each in corrections))
    stored = {face.record.face_id: face for face in faces.get_faces(collection_id, face_ids)}
    hidden = set()
    for each in corrections:
        face = stored.get(each.face_id)
        if face is not None:
            distance = float(np.linalg.norm(face.embedding.astype(np.float64) - probe))
            similarity = similarity_between(distance, probe_stats, stats_of_stored(face, cohort))
            if similarity >= similarity_of[each.person]:
                hidden.add(each.person)
    return hidden
