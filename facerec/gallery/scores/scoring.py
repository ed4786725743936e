"""Scores stored faces against a probe and orders them by similarity."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from facerec.core.arrays import np
from facerec.core.limits import MAX_NEIGHBOURS
from facerec.errors import InvalidInputError
from facerec.gallery.scores.normalisation import (
    normalised_score,
    score_of_similarity,
    similarity_of_score,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core.faces import CohortStats
    from facerec.core.protocols.engine import Cohort
    from facerec.core.records import FaceRecord, StoredFace
    from facerec.storage.faces import FaceStore, Neighbour

Found = TypeVar("Found")

NEIGHBOURS_TO_SCORE = 100
"""Number of nearest faces, by distance, that are scored. Among the 3,811 photos of LFW folds 1 to 5
the best score is among the nearest 19, and every similarity of 0.8 or more among the nearest 75."""

MAX_MEAN = 0.8
"""Upper bound of the mean of cohort stats; the highest among LFW's 3,811 faces is 0.72."""

DEVIATIONS = (0.01, 0.05)
"""Bounds of the deviation of cohort stats."""


@dataclass(frozen=True, slots=True)
class ScoredFace:
    """A stored face with its score against a probe.

    Attributes:
        neighbour: The stored face and its distance from the probe.
        score: Normalised score; the lower, the more similar.
        similarity: 0 to 1.
    """

    neighbour: Neighbour
    score: float
    similarity: float

    @property
    def face_id(self) -> str:
        """Id of the stored face."""
        return self.neighbour.face_id

    @property
    def distance(self) -> float:
        """Euclidean distance of the two embeddings."""
        return self.neighbour.distance

    @property
    def record(self) -> FaceRecord:
        """The stored face; reading it decodes it."""
        return self.neighbour.record


@dataclass(frozen=True, slots=True)
class Fetched(Generic[Found]):
    """The result of a search among the nearest neighbours.

    Attributes:
        found: The result.
        missing: Number of neighbours that the next search requests in addition to those of the
            first search, not of this one (``search_for``); 0 if the result is complete, or the
            store has no more neighbours.
    """

    found: Found
    missing: int


def similarity_between(distance: float, a: CohortStats, b: CohortStats) -> float:
    """Return the similarity, 0 to 1, of two faces; 1 if their embeddings are equal."""
    return _similarity(distance, normalised_score(distance, a, b))


def is_match(similarity: float, threshold: float) -> bool:
    """Return whether faces of this similarity, 0 to 1, count as the same person.

    Every search and every decision uses this function. It compares similarities, not scores,
    because equal embeddings have similarity 1, which no score maps to.
    """
    return similarity >= threshold


def stats_of(embedding: NDArray[np.float32], cohort: Cohort) -> CohortStats:
    """Return the cohort stats of one embedding, float32 of shape (128,)."""
    (stats,) = cohort.cohort_stats(embedding[np.newaxis])
    return stats


def stats_of_stored(face: StoredFace, cohort: Cohort) -> CohortStats:
    """Return the stats of a stored face; compute them if it has no stats of this cohort."""
    stats = face.record.stats
    if stats is not None and stats.version == cohort.cohort_version:
        return stats
    return stats_of(face.embedding, cohort)


def reach(threshold: float, probe: CohortStats, *, margin: float = 0.0) -> float:
    """Return the maximum distance at which a face can reach a similarity, regardless of its stats.

    Args:
        threshold: Minimum similarity, 0 to 1.
        probe: Stats of the probe.
        margin: Normalised score to add to the threshold's.
    """
    score = score_of_similarity(threshold) + margin
    if math.isinf(score):
        return math.inf if score > 0 else 0.0
    # A score is an average over both faces, so at least one of them has this score or a lower one.
    deviation = DEVIATIONS[0] if score < 0 else DEVIATIONS[1]
    return max(0.0, probe.mean + score * probe.deviation, MAX_MEAN + score * deviation)


def search_for(
    limit: int, search: Callable[[int], Fetched[Found]], *, itself: bool = False
) -> Found:
    """Search for the nearest neighbours, and search again for more until none is missing.

    Args:
        limit: Maximum number of matches. One more is requested, to detect whether there are more.
        search: Searches among this number of neighbours.
        itself: Whether the probe is a stored face, and thus its own nearest neighbour.

    Raises:
        InvalidInputError: The store cannot return that many matches.
    """
    needed = max(limit + 1, NEIGHBOURS_TO_SCORE) + itself
    count = needed
    fetched = search(count)
    while (more := min(needed + fetched.missing, MAX_NEIGHBOURS)) > count:
        count = more
        try:
            fetched = search(count)
        except InvalidInputError:
            # The store does not return that many, and the caller asked for fewer.
            break
    return fetched.found


def score_neighbours(
    collection_id: str,
    found: Sequence[Sequence[Neighbour]],
    probes: Sequence[CohortStats],
    *,
    faces: FaceStore,
    cohort: Cohort,
) -> list[list[ScoredFace]]:
    """Return the neighbours of each probe, most similar first.

    Stats that are missing or of another cohort are computed from the stored embeddings. Faces
    without such stats that have been deleted since the search are not returned.

    Args:
        collection_id: Id of the collection.
        found: Neighbours of each probe.
        probes: Stats of each probe.
        faces: Store of the collection's faces.
        cohort: Computes stats.
    """
    stats = _known_stats(collection_id, found, faces=faces, cohort=cohort)
    scored = []
    for neighbours, probe in zip(found, probes, strict=True):
        own = [
            _scored(each, probe, stats[each.face_id])
            for each in neighbours
            if each.face_id in stats
        ]
        scored.append(sorted(own, key=lambda face: (-face.similarity, face.score, face.distance)))
    return scored


def _scored(neighbour: Neighbour, probe: CohortStats, stats: CohortStats) -> ScoredFace:
    score = normalised_score(neighbour.distance, probe, stats)
    return ScoredFace(neighbour, score, _similarity(neighbour.distance, score))


def _similarity(distance: float, score: float) -> float:
    return 1.0 if distance == 0 else similarity_of_score(score)


def _known_stats(
    collection_id: str,
    found: Sequence[Sequence[Neighbour]],
    *,
    faces: FaceStore,
    cohort: Cohort,
) -> dict[str, CohortStats]:
    version = cohort.cohort_version
    known: dict[str, CohortStats] = {}
    unknown = set[str]()
    for each in {each.face_id: each for own in found for each in own}.values():
        stats = each.stats
        if stats is not None and stats.version == version:
            known[each.face_id] = stats
        else:
            unknown.add(each.face_id)
    stored = faces.get_faces(collection_id, sorted(unknown)) if unknown else []
    if stored:
        computed = cohort.cohort_stats(np.stack([face.embedding for face in stored]))
        known |= {face.record.face_id: stats for face, stats in zip(stored, computed, strict=True)}
    return known
