"""The cohort: vectors of strangers by which the distances of a face are normalised.

dlib's distances are too small where its descriptors crowd, for example among children. How near a
face comes to a fixed cohort of strangers shows how crowded its surroundings are. Each vector of
the cohort is a mixture, the average of two similar strangers; no real person's descriptor is in
it. ``training/cohort`` holds the script that builds it, its sources and their attribution.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Self

import numpy as np
from numpy.typing import NDArray

from facerec.core.faces import CohortStats
from facerec.engine.describe.recipe import Recipe

NEAREST = 50
"""Cohort vectors that the stats of a face are taken over. 30 to 300 give nearly the same error
rates overall; fewer give groups of people more equal ones (``docs/accuracy.md``)."""

_BATCH = 512
"""Faces in one matrix of distances: 6 MB with 3,000 cohort vectors."""


_MAX_PRODUCT = 262_144
"""Multiplications of one matrix product. OpenBLAS computes larger ones with all cores (its
``GEMM_MULTITHREAD_THRESHOLD``), whose threads then wait for those of other workers: on a busy
machine, 6 ms of processor time instead of 0.03 for one face."""


class Cohort:
    """Vectors of mixed strangers, and the stats of faces against them."""

    def __init__(
        self, vectors: NDArray[np.float32], *, typical_deviation: float, version: str
    ) -> None:
        """Create a cohort.

        Args:
            vectors: float32 of shape (n, 128), n at least ``NEAREST``.
            typical_deviation: standard deviation of the distances of a face's nearest vectors,
                averaged over faces.
            version: version of the vectors.
        """
        self.version = version
        self._vectors = vectors
        self._squares = np.einsum("ij,ij->i", vectors, vectors)
        self.typical_deviation = typical_deviation

    @classmethod
    @cache
    def load(cls, recipe: Recipe = Recipe.FAST) -> Self:
        """Return the cohort that is shipped for a recipe."""
        resource = files(__package__) / f"cohort-{recipe}.npz"
        with resource.open("rb") as file, np.load(file, allow_pickle=False) as content:
            return cls(
                content["vectors"].astype(np.float32) * np.float32(content["step"]),
                typical_deviation=float(content["typical_deviation"]),
                version=str(content["version"]),
            )

    def __len__(self) -> int:
        return len(self._vectors)

    def stats(self, embeddings: NDArray[np.float32]) -> list[CohortStats]:
        """Return the stats of faces.

        The deviation is the average of the face's own and the typical one. The face's own is
        estimated from few distances: alone it gives more false non-matches.

        Args:
            embeddings: float32 of shape (n, 128).
        """
        stats: list[CohortStats] = []
        for start in range(0, len(embeddings), _BATCH):
            nearest = self._nearest(np.asarray(embeddings[start : start + _BATCH], np.float32))
            means = nearest.mean(axis=1)
            deviations = (nearest.std(axis=1) + self.typical_deviation) / 2
            stats += [
                CohortStats(float(mean), float(deviation), self.version)
                for mean, deviation in zip(means, deviations, strict=True)
            ]
        return stats

    def _nearest(self, embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the distances of each face's nearest vectors, shape (n, ``NEAREST``)."""
        squares = np.einsum("ij,ij->i", embeddings, embeddings)[:, None] + self._squares
        rows = max(1, _MAX_PRODUCT // embeddings.size)
        for start in range(0, len(self._vectors), rows):
            block = slice(start, start + rows)
            squares[:, block] -= 2 * embeddings @ self._vectors[block].T
        squares.partition(NEAREST - 1, axis=1)
        nearest: NDArray[np.float64] = np.sqrt(
            np.maximum(squares[:, :NEAREST], 0), dtype=np.float64
        )
        return nearest
