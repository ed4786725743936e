"""Pairs of similar faces: the edges of the graph of neighbours."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.clustering.cells import VISITED_CELLS, Cells, nearest_cells
from facerec.core.arrays import np
from facerec.core.clusters import FaceArrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    _Found = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]

MAX_NEIGHBOURS = 24
"""Maximum number of pairs kept for each face, most similar first. A face needs one pair to join a
cluster; others are used if that cluster is not allowed."""

_PROBES_AT_ONCE = 1_024
_PAIRS_AT_ONCE = 8_000_000
"""Number of pairs in memory at which those beyond ``MAX_NEIGHBOURS`` are dropped."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of rows, most similar first; each pair once.

    Attributes:
        first: row of one face of each pair, int64.
        second: row of the other face, int64.
        scores: float32; normalised scores, the lower, the more similar.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)


def find_pairs(
    faces: FaceArrays,
    rows: NDArray[np.int64],
    cells: Cells,
    *,
    max_score: float,
    threads: int = 1,
) -> Pairs:
    """Return the pairs of some faces with any face, except faces of the same photo.

    Args:
        faces: all faces.
        rows: rows of the faces to find pairs of, in order.
        cells: cells of all faces.
        max_score: maximum normalised score of a pair.
        threads: number of threads.
    """
    if not len(rows):
        return Pairs(*_no_pairs())
    visited = nearest_cells(faces.embeddings[rows], cells.centres, VISITED_CELLS)
    cell_of_visit = visited.ravel()
    order = np.argsort(cell_of_visit, kind="stable")
    starts = np.searchsorted(cell_of_visit[order], np.arange(len(cells) + 1))
    probes = rows[order // visited.shape[1]]
    pairs = [_no_pairs()]
    held = 0
    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(
            lambda cell: _pairs_with_cell(
                faces, probes[starts[cell] : starts[cell + 1]], cells.members(cell), max_score
            ),
            range(len(cells)),
        )
        for each in found:
            pairs.append(each)
            held += len(each[0])
            if held > _PAIRS_AT_ONCE:
                pairs = [_best_of_each(*_joined(pairs))]
                held = len(pairs[0][0])
    return _unordered(*_best_of_each(*_joined(pairs)), count=len(faces.slots))


def _no_pairs() -> _Found:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)


def _joined(pairs: list[_Found]) -> _Found:
    first, second, scores = zip(*pairs, strict=True)
    return np.concatenate(first), np.concatenate(second), np.concatenate(scores)


def _pairs_with_cell(
    faces: FaceArrays, probes: NDArray[np.int64], members: NDArray[np.int64], max_score: float
) -> _Found:
    """Return the pairs of probes with the members of a cell."""
    if not (len(probes) and len(members)):
        return _no_pairs()
    embeddings = faces.embeddings[members]
    halves = np.einsum("ij,ij->i", embeddings, embeddings) / np.float32(2)
    farthest = _reach(faces, members, max_score).max()
    pairs = []
    for start in range(0, len(probes), _PROBES_AT_ONCE):
        own = probes[start : start + _PROBES_AT_ONCE]
        vectors = faces.embeddings[own]
        squares = np.einsum("ij,ij->i", vectors, vectors)
        # a score averages over both faces, so the distance is within the reach of at least one of
        # them
        reach = np.maximum(_reach(faces, own, max_score), farthest)
        bounds = (np.maximum(reach, 0) ** 2 - squares) / 2
        # half of |x|^2 - 2 x.p, which is the squared distance without the probe's norm
        products = vectors @ embeddings.T
        np.subtract(halves, products, out=products)
        near, among = np.nonzero(products <= bounds[:, np.newaxis])
        first, second = own[near], members[among]
        squared = np.maximum(2 * products[near, among] + squares[near], 0)
        scores = scores_at(np.sqrt(squared).astype(np.float32), faces, first, second)
        kept = (scores <= max_score) & (faces.photos[first] != faces.photos[second])
        pairs.append((first[kept], second[kept], scores[kept]))
    return _joined(pairs)


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


def _reach(faces: FaceArrays, rows: NDArray[np.int64], max_score: float) -> NDArray[np.float32]:
    """Return the distance at which each face reaches a score, by its own stats alone."""
    return faces.means[rows] + np.float32(max_score) * faces.deviations[rows]


def _best_of_each(
    first: NDArray[np.int64], second: NDArray[np.int64], scores: NDArray[np.float32]
) -> _Found:
    """Return the most similar pairs of each first face."""
    order = np.lexsort((second, scores, first))
    first = first[order]
    starts = np.flatnonzero(np.append(True, first[1:] != first[:-1])) if len(first) else order
    places = np.arange(len(first)) - np.repeat(starts, np.diff(np.append(starts, len(first))))
    kept = order[places < MAX_NEIGHBOURS]
    return first[places < MAX_NEIGHBOURS], second[kept], scores[kept]


def _unordered(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    scores: NDArray[np.float32],
    *,
    count: int,
) -> Pairs:
    """Return each pair once, most similar first; ties are ordered by row."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    _, unique = np.unique(low * count + high, return_index=True)
    low, high, scores = low[unique], high[unique], scores[unique]
    order = np.argsort(scores, kind="stable")
    return Pairs(low[order], high[order], scores[order])
