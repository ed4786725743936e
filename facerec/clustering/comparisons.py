"""Finds the similar pairs of two sets of faces.

Distances are bounded first in the 40 dimensions in which embeddings differ most: the distance of
two projections is never larger than that of the embeddings. Only the remaining pairs, mostly fewer
than one in 10,000, are compared in all dimensions. For each pair, a matrix product computes half of
the largest squared distance that the pair may have, minus half of the lower bound of its squared
distance. Pairs with a negative difference are dropped.

The largest distance of a probe and another face is a convex function of the reach of the other
face, and so is its square. So it is at most the line between its values at the ends of the range of
reaches, which the product computes with one dimension more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.clustering.products import product
from facerec.clustering.scores import reach, scores_at
from facerec.core.arrays import np
from facerec.core.clusters import FaceArrays

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from facerec.clustering.scores import Found

DIMENSIONS = 40
"""Number of dimensions in which distances are bounded. They hold five sixths of the variance of
LFW's faces."""

_SLACK = np.float32(1e-4)
"""Maximum rounding error of half a squared distance."""

_PROBES_AT_ONCE = 1_000
_ROWS_AT_ONCE = 128
"""Number of rows of a product in memory, which then fits in the second-level cache."""

_PAIRS_AT_ONCE = 65_536
"""Number of candidate pairs at which they are compared in all dimensions, to bound memory if the
maximum score is high."""

_SAMPLE = 2_048
_ROUNDS = 6
_TINY = 1e-9
"""Small term that keeps directions independent if the sample has few faces."""


def principal_directions(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return orthonormal directions of about the largest variance: float32, (128, dimensions).

    They are computed from a sample, by subspace iteration (Golub and Van Loan, "Matrix
    Computations", section 8.2.4): LAPACK would use all cores, like the products of large matrices.
    """
    some = embeddings[:: len(embeddings) // _SAMPLE + 1]
    centred = (some - some.mean(axis=0)).astype(np.float64)
    covariance = sum(
        (np.dot(each.T, each) for each in np.split(centred, range(16, len(centred), 16))),
        start=np.zeros((embeddings.shape[1],) * 2),
    )
    directions = np.random.default_rng(0).normal(size=(len(covariance), DIMENSIONS))
    for _ in range(_ROUNDS):
        directions = _orthonormal(np.dot(covariance, directions) + _TINY * directions)
    return directions.astype(np.float32)


def _orthonormal(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return orthonormal columns that span the same space, by Gram and Schmidt's method, twice."""
    for _ in range(2):
        for column in range(vectors.shape[1]):
            own, earlier = vectors[:, column], vectors[:, :column]
            own -= earlier @ (earlier.T @ own)
            own /= np.linalg.norm(own)
    return vectors


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Faces, prepared to be compared.

    Attributes:
        rows: int64, shape (n,); rows of the faces in ``FaceArrays``.
        embeddings: float32, shape (n, 128).
        projected: float32, shape (n, dimensions).
        halves: float32, shape (n,); half of the squared norms of ``projected``.
    """

    rows: NDArray[np.int64]
    embeddings: NDArray[np.float32]
    projected: NDArray[np.float32]
    halves: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, positions: NDArray[np.int64] | slice) -> Compared:
        """Return the faces at the given positions."""
        return Compared(
            self.rows[positions],
            self.embeddings[positions],
            self.projected[positions],
            self.halves[positions],
        )


def prepared(
    rows: NDArray[np.int64], embeddings: NDArray[np.float32], directions: NDArray[np.float32]
) -> Compared:
    """Return faces, prepared to be compared in some directions first."""
    projected = product(embeddings, directions)
    halves = np.einsum("ij,ij->i", projected, projected) / np.float32(2)
    return Compared(rows, embeddings, projected, halves)


def similar_pairs(
    faces: FaceArrays, probes: Compared, others: Compared, max_score: float
) -> Iterator[Found]:
    """Yield the pairs of probes and other faces up to a score, except faces of one photo."""
    if not len(others):
        return
    reaches = reach(faces, others.rows, max_score)
    ends = reaches.min(), reaches.max()
    left = np.empty((len(others), DIMENSIONS + 3), np.float32)
    left[:, :DIMENSIONS] = others.projected
    left[:, -3] = -others.halves
    left[:, -2] = 1
    left[:, -1] = (reaches - ends[0]) / (ends[1] - ends[0] or 1)
    for start in range(0, len(probes), _PROBES_AT_ONCE):
        own = probes.take(slice(start, start + _PROBES_AT_ONCE))
        nearest, farthest = (_limits(faces, own.rows, others.rows, end, max_score) for end in ends)
        right = np.empty((DIMENSIONS + 3, len(own)), np.float32)
        right[:DIMENSIONS] = own.projected.T
        right[-3] = 1
        right[-2] = nearest + _SLACK - own.halves
        right[-1] = farthest - nearest
        for near in _near(left, right):
            yield _pairs_of(faces, own, others, near, max_score)


def _limits(
    faces: FaceArrays,
    probes: NDArray[np.int64],
    others: NDArray[np.int64],
    other_reach: np.float32,
    max_score: float,
) -> NDArray[np.float32]:
    """Return half of the squared distance at which probes may reach a score with another face.

    A pair reaches the score at the mean of the reaches of both faces, weighted by the inverses of
    their deviations. This limit is largest for a weight at an end of its range.

    Args:
        faces: All faces.
        probes: Rows of the probes.
        others: Rows of the other faces.
        other_reach: Reach of the other face.
        max_score: Maximum normalised score of a pair.
    """
    deviations = faces.deviations[others]
    min_weight, max_weight = 1 / deviations.max(), 1 / deviations.min()
    weights = 1 / faces.deviations[probes]
    beyond = reach(faces, probes, max_score) - other_reach
    shares = weights / (weights + np.where(beyond > 0, min_weight, max_weight))
    limits: NDArray[np.float32] = (other_reach + shares * beyond) ** 2 / 2
    return limits


def _near(
    left: NDArray[np.float32], right: NDArray[np.float32]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the rows and columns at which the product of two factors is not negative."""
    columns = right.shape[1]
    found, held = [], 0
    for start in range(0, len(left), _ROWS_AT_ONCE):
        room = product(left[start : start + _ROWS_AT_ONCE], right)
        found.append(np.flatnonzero(room >= 0) + start * columns)
        held += len(found[-1])
        if held >= _PAIRS_AT_ONCE or start + _ROWS_AT_ONCE >= len(left):
            yield np.divmod(np.concatenate(found), columns)
            found, held = [], 0


def _pairs_of(
    faces: FaceArrays,
    probes: Compared,
    others: Compared,
    near: tuple[NDArray[np.int64], NDArray[np.int64]],
    max_score: float,
) -> Found:
    """Return the pairs with a score of at most ``max_score``, except those within one photo.

    Args:
        faces: All faces.
        probes: The probes.
        others: The other faces.
        near: Candidate pairs: positions in ``others``, and positions in ``probes``.
        max_score: Maximum normalised score of a pair.

    Returns:
        Rows of the probes, rows of the other faces, and scores.
    """
    among, places = near
    first, second = probes.rows[places], others.rows[among]
    differences = probes.embeddings[places] - others.embeddings[among]
    distances = np.sqrt(np.einsum("ij,ij->i", differences, differences))
    scores = scores_at(distances, faces, first, second)
    kept = (scores <= max_score) & (faces.photos[first] != faces.photos[second])
    return first[kept], second[kept], scores[kept]
