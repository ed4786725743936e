"""Finds the similar pairs of two sets of faces.

Distances are bounded first in the 32 dimensions in which embeddings differ most: the distance of
two projections is never larger than that of the embeddings. Only pairs that this leaves, mostly
fewer than one in 1,000, are compared in all dimensions. For each pair, a matrix product returns the
difference of two halved squared distances: the largest that the pair may have, and its lower bound.
Pairs with a negative difference are dropped.
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

DIMENSIONS = 32
"""Number of dimensions in which distances are bounded. They hold three quarters of the variance of
LFW's faces."""

_SLACK = np.float32(1e-4)
"""Maximum rounding error of half a squared distance."""

_FACES_AT_ONCE = 512
_PAIRS_AT_ONCE = 524_288
_SAMPLE = 2_048
_ROUNDS = 6
_TINY = 1e-9
"""Keeps directions independent if the faces of the sample are few."""


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
        """Return the faces at these positions."""
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
    # Faces of about the same reach have about the same limits.
    order = np.argsort(reach(faces, others.rows, max_score))
    reaches = reach(faces, probes.rows, max_score)
    weights: NDArray[np.float32] = np.float32(1) / faces.deviations[probes.rows]
    for start in range(0, len(others), _FACES_AT_ONCE):
        some = order[start : start + _FACES_AT_ONCE]
        halves = others.halves[some, np.newaxis]
        left = np.concatenate((others.projected[some], -halves, np.ones_like(halves)), axis=1)
        limits = _limits(faces, reaches, weights, others.rows[some], max_score)
        step = _PAIRS_AT_ONCE // len(some)
        for first in range(0, len(probes), step):
            own = slice(first, first + step)
            yield _pairs_of(faces, probes.take(own), others, some, left, limits[own], max_score)


def _pairs_of(
    faces: FaceArrays,
    probes: Compared,
    others: Compared,
    some: NDArray[np.int64],
    left: NDArray[np.float32],
    limits: NDArray[np.float32],
    max_score: float,
) -> Found:
    """Return the pairs of a probe and another face that reach a score, except faces of one photo.

    Embeddings are read only for the pairs that the product leaves.

    Args:
        faces: all faces.
        probes: the probes.
        others: the other faces.
        some: positions in ``others`` of the faces to compare.
        left: left factor of the product: a row for each face at ``some``.
        limits: half of the squared distance at which each probe may reach the score.
        max_score: maximum normalised score of a pair.
    """
    ends = np.stack((np.ones_like(limits), limits - probes.halves))
    right: NDArray[np.float32] = np.concatenate((probes.projected.T, ends))
    room = product(left, right).ravel()
    near = np.flatnonzero(room >= 0)
    among, places = np.divmod(near, len(limits))
    among = some[among]
    first, second = probes.rows[places], others.rows[among]
    bounds = np.sqrt(np.maximum(2 * (limits[places] - room[near] - _SLACK), 0))
    chosen = scores_at(bounds, faces, first, second) <= max_score
    chosen &= faces.photos[first] != faces.photos[second]
    first, second = first[chosen], second[chosen]
    differences = probes.embeddings[places[chosen]] - others.embeddings[among[chosen]]
    distances = np.sqrt(np.einsum("ij,ij->i", differences, differences))
    scores = scores_at(distances, faces, first, second)
    kept = scores <= max_score
    return first[kept], second[kept], scores[kept]


def _limits(
    faces: FaceArrays,
    reaches: NDArray[np.float32],
    weights: NDArray[np.float32],
    others: NDArray[np.int64],
    max_score: float,
) -> NDArray[np.float32]:
    """Return half of the squared distance at which each probe may reach a score with another face.

    A pair reaches the score at the mean of the reaches of both faces, weighted by the inverses of
    their deviations. This limit is largest for the farthest reach, and for a weight at an end of
    its range.

    Args:
        faces: all faces.
        reaches: reach of each probe.
        weights: inverse of the deviation of each probe.
        others: rows of the other faces.
        max_score: maximum normalised score of a pair.
    """
    farthest = reach(faces, others, max_score).max()
    deviations = faces.deviations[others]
    min_weight, max_weight = 1 / deviations.max(), 1 / deviations.min()
    beyond = reaches - farthest
    shares = weights / (weights + np.where(beyond > 0, min_weight, max_weight))
    limits: NDArray[np.float32] = (farthest + shares * beyond).astype(np.float32) ** 2 / 2
    return limits + _SLACK
