"""The cohort: vectors of strangers that normalise the distances of a face.

dlib's distances are too small where its embeddings crowd, for example among children. The
distances of a face from a fixed cohort of strangers show how crowded its surroundings are. Each
vector of the cohort is a mixture, the average of two similar strangers; it contains no real
person's embedding. ``training/cohort`` contains the script that builds it, its sources and their
attribution.

The cohort has two parts: mixtures of clear faces, and mixtures of faces that were turned, made
grainy, pixelated, stretched or blurred. A face is normalised by the part that it is nearer to, so
that damaged faces do not displace the nearest clear ones.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pkgutil import get_data
from typing import Self

import numpy as np
from numpy.typing import NDArray

from facerec.core.faces import CohortStats
from facerec.core.options import Recipe

NEAREST_CLEAR = 16
"""Number of nearest clear mixtures from which a face's stats are computed. Up to 50 give nearly the
same error rates overall; with fewer, the error rates of groups of people are more equal
(``docs/accuracy.md``)."""

NEAREST_DAMAGED = 30
"""Number of nearest damaged mixtures from which a face's stats are computed."""

OWN_SHARE = 0.3
"""Weight of a face's own deviation in its stats; the rest is the typical one. A face's own
deviation is estimated from few distances, and alone causes more false non-matches."""

_BATCH = 64
"""Maximum number of faces in one matrix of distances: 1 MB with 4,000 cohort vectors, which stays
in the processor's caches."""

_VECTORS_AT_ONCE = 1024
"""Number of cohort vectors that one product compares with a face: 0.5 MB, which stay in the caches
for the next face. OpenBLAS computes much larger products on all cores (its
``GEMM_MULTITHREAD_THRESHOLD``), and its threads then wait for those of other workers. On a busy
machine, one face then takes 6 ms of processor time instead of 0.03."""


class Cohort:
    """Vectors of mixed strangers, from which the stats of faces are computed."""

    def __init__(
        self,
        vectors: NDArray[np.float32],
        *,
        clear: int,
        typical_deviation: float,
        version: str,
    ) -> None:
        """Create a cohort.

        Args:
            vectors: float32 of shape (n, 128); mixtures of clear faces, then of damaged ones.
            clear: Number of mixtures of clear faces, at least ``NEAREST_CLEAR``. The number of the
                others must be 0, or at least ``NEAREST_DAMAGED``.
            typical_deviation: Standard deviation of the distances of a face's nearest vectors,
                averaged over faces.
            version: Version of the vectors.
        """
        self.version = version
        self._vectors = vectors
        self._clear = clear
        self._squares = np.einsum("ij,ij->i", vectors, vectors)
        self.typical_deviation = typical_deviation

    @classmethod
    @cache
    def load(cls, recipe: Recipe = Recipe.FAST) -> Self:
        """Return the cohort that is shipped for a recipe."""
        file = BytesIO(get_data(__package__, f"cohort-{recipe}.npz") or b"")
        with np.load(file, allow_pickle=False) as content:
            return cls(
                content["vectors"].astype(np.float32) * np.float32(content["step"]),
                clear=int(content["clear"]),
                typical_deviation=float(content["typical_deviation"]),
                version=str(content["version"]),
            )

    def __len__(self) -> int:
        return len(self._vectors)

    def stats(self, embeddings: NDArray[np.float32]) -> list[CohortStats]:
        """Return the stats of each face: the distances of its nearest vectors in the cohort.

        Args:
            embeddings: float32 of shape (n, 128).
        """
        stats: list[CohortStats] = []
        for start in range(0, len(embeddings), _BATCH):
            means, own = self._nearest(np.asarray(embeddings[start : start + _BATCH], np.float32))
            deviations = OWN_SHARE * own + (1 - OWN_SHARE) * self.typical_deviation
            stats += [
                CohortStats(float(mean), float(deviation), self.version)
                for mean, deviation in zip(means, deviations, strict=True)
            ]
        return stats

    def _nearest(
        self, embeddings: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and deviation of the distances of each face's nearest vectors."""
        squares = np.einsum("ij,ij->i", embeddings, embeddings)[:, None] + self._squares
        doubled = 2 * embeddings
        for start in range(0, len(self._vectors), _VECTORS_AT_ONCE):
            block = slice(start, start + _VECTORS_AT_ONCE)
            # One product for all faces would round differently for another number of faces, so a
            # face would have other stats when it is indexed again.
            for face, own_squares in zip(doubled, squares, strict=True):
                own_squares[block] -= self._vectors[block] @ face
        means, deviations = _moments(squares[:, : self._clear], NEAREST_CLEAR)
        if self._clear < len(self._vectors):
            other_means, other_deviations = _moments(squares[:, self._clear :], NEAREST_DAMAGED)
            damaged = other_means < means
            means = np.where(damaged, other_means, means)
            deviations = np.where(damaged, other_deviations, deviations)
        return means, deviations


def _moments(
    squares: NDArray[np.float32], nearest: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and deviation of the square roots of the smallest values of each row."""
    smallest = np.partition(squares, nearest - 1, axis=1)[:, :nearest]
    distances: NDArray[np.float64] = np.sqrt(np.maximum(smallest, 0), dtype=np.float64)
    return distances.mean(axis=1), distances.std(axis=1)
