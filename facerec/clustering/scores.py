"""Normalised scores of pairs of rows; see ``facerec.gallery.scores.normalisation``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.arrays import np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from facerec.core.clusters import FaceArrays

    Read = Callable[[NDArray[np.int64]], NDArray[np.float32]]
    """Returns the embeddings of rows in ascending order: float32, shape (n, 128)."""

    Found = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]
    """Pairs: the row of the probe and of the other face, and the score of each."""

MAX_REACH = 4.0
"""Upper bound of the distance of two faces, whose embeddings have norms of about 1.4."""


def scores_at(
    distances: NDArray[np.float32],
    faces: FaceArrays,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return the normalised scores of pairs at Euclidean distances.

    ``facerec.gallery.scores.normalisation.normalised_score`` computes the same for one pair.
    """
    own = (distances - faces.means[first]) / faces.deviations[first]
    own += (distances - faces.means[second]) / faces.deviations[second]
    own /= 2
    return own


def reach(faces: FaceArrays, rows: NDArray[np.int64], max_score: float) -> NDArray[np.float32]:
    """Return the distance, at most ``MAX_REACH``, at which each face reaches a score.

    It follows from the stats of this face alone. A score averages over both faces, so two faces
    that reach it are within the reach of at least one of them.
    """
    own = faces.means[rows] + np.float32(max_score) * faces.deviations[rows]
    return np.clip(own, 0, MAX_REACH)
