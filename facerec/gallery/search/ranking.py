"""Orders the faces of a collection of any size by their similarity to a probe."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from facerec.core.arrays import np
from facerec.core.limits import MAX_PAGE
from facerec.core.vectors import Vector, VectorMatch
from facerec.errors import InvalidInputError
from facerec.gallery.scores.scoring import ScoredFace, is_match, reach, score_neighbours
from facerec.storage.faces import FaceStore, Neighbour

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core.faces import CohortStats
    from facerec.core.protocols.engine import Cohort
    from facerec.core.records import StoredFace

Position: TypeAlias = tuple[float, str]
"""Position of a face in a ranking: its score and its id."""

WINDOW = 8192
"""Maximum number of faces to keep in memory during a pass over a collection."""

START: Position = (-math.inf, "")
"""The position before the first face."""

SEARCHED = 1000
"""Maximum number of neighbours of one search. Some stores cannot reliably return more, so a longer
ranking is computed from all faces of the collection."""


def position(face: ScoredFace) -> Position:
    """Return the position of a face in a ranking."""
    return face.score, face.face_id


class Ranking:
    """The stored faces that resemble a probe, most similar first.

    At most ``WINDOW`` faces and one page of the collection are in memory.
    """

    def __init__(
        self,
        embedding: NDArray[np.float32],
        stats: CohortStats,
        *,
        collection_id: str,
        faces: FaceStore,
        cohort: Cohort,
        threshold: float,
        included: Sequence[str] = (),
    ) -> None:
        """Create a ranking.

        Args:
            embedding: The probe, float32 of shape (128,).
            stats: Cohort stats of the probe.
            collection_id: Id of the collection.
            faces: Store of its faces.
            cohort: Computes the stats of faces that are stored without them.
            threshold: Minimum similarity of a face that is ranked, 0 to 1.
            included: Ids of faces to rank even below the threshold.
        """
        self._embedding, self._stats = embedding, stats
        self._collection_id, self._faces, self._cohort = collection_id, faces, cohort
        self._threshold = threshold
        self._included = frozenset(included)
        self._reach = reach(threshold, stats)
        self._window: list[ScoredFace] = []
        self._window_start: Position = (math.inf, "")

    def after(self, last: Position, limit: int) -> list[ScoredFace]:
        """Return the faces that follow a position, at most ``limit``.

        Raises:
            ConflictError: The collection was switched to another model version concurrently.
        """
        if self._nearest is not None:
            return _following(self._nearest, last, limit)
        following = _following(self._window, last, limit) if last >= self._window_start else []
        if len(following) < limit and (last < self._window_start or len(self._window) >= WINDOW):
            self._window, self._window_start = self._pass(last, max(limit, WINDOW)), last
            following = _following(self._window, last, limit)
        return following

    def score(self, stored: Sequence[StoredFace]) -> list[ScoredFace]:
        """Return stored faces with their scores against the probe, most similar first.

        Faces that have been deleted concurrently are omitted.

        Raises:
            ConflictError: The collection was switched to another model version concurrently.
        """
        vectors = self._faces.vectors.get_vectors(
            self._collection_id, [face.record.face_id for face in stored]
        )
        return self._scored(vectors)

    @cached_property
    def _nearest(self) -> list[ScoredFace] | None:
        """Return all faces of the ranking, or None if a search may not find all of them."""
        try:
            found = self._faces.search(
                self._collection_id,
                self._embedding[np.newaxis],
                limit=SEARCHED,
                max_distance=self._reach,
            )
        except InvalidInputError:
            # The store does not return that many.
            return None
        if len(found[0]) >= SEARCHED:
            return None
        (scored,) = score_neighbours(
            self._collection_id, found, [self._stats], faces=self._faces, cohort=self._cohort
        )
        known = {face.face_id for face in scored}
        missing = sorted(self._included - known)
        if missing:
            vectors = self._faces.vectors.get_vectors(self._collection_id, missing)
            scored += self._scored(vectors)
        return sorted(filter(self._is_ranked, scored), key=position)

    def _pass(self, last: Position, limit: int) -> list[ScoredFace]:
        """Read all faces once, and return the first ``limit`` that follow a position."""
        best: list[ScoredFace] = []
        after = None
        vectors = self._faces.vectors
        while page := vectors.list_vectors(self._collection_id, after=after, limit=MAX_PAGE):
            after = page[-1].id
            stored = vectors.get_vectors(self._collection_id, [record.id for record in page])
            following = [
                face
                for face in self._scored(stored, self._reach)
                if self._is_ranked(face) and position(face) > last
            ]
            best = heapq.nsmallest(limit, [*best, *following], key=position)
        return best

    def _scored(
        self, vectors: Sequence[Vector], max_distance: float = math.inf
    ) -> list[ScoredFace]:
        if not vectors:
            return []
        differences = np.stack([vector.values for vector in vectors]) - self._embedding.astype(
            np.float64
        )
        distances = np.sqrt(np.einsum("ij,ij->i", differences, differences))
        near = [
            Neighbour(VectorMatch(vector.id, vector.metadata, float(distance)))
            for vector, distance in zip(vectors, distances, strict=True)
            if distance <= max_distance or vector.id in self._included
        ]
        (scored,) = score_neighbours(
            self._collection_id, [near], [self._stats], faces=self._faces, cohort=self._cohort
        )
        return scored

    def _is_ranked(self, face: ScoredFace) -> bool:
        return is_match(face.similarity, self._threshold) or face.face_id in self._included


def _following(ranked: Sequence[ScoredFace], last: Position, limit: int) -> list[ScoredFace]:
    """Return the faces that follow a position, at most ``limit``."""
    return list(islice((face for face in ranked if position(face) > last), limit))
