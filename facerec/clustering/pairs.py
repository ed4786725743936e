"""Pairs of similar faces: the edges of the graph of neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.clustering.cells import VISITED_CELLS, divide, nearest_cells
from facerec.clustering.comparisons import prepared, principal_directions, similar_pairs
from facerec.core.arrays import np
from facerec.core.clusters import FaceArrays
from facerec.core.faces import EMBEDDING_SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.clustering.scores import Found, Read

EXACT_PAIRS = 4 * 10**9
"""Maximum number of pairs of faces that are all compared: 63,000 faces with each other, or 4,000
new faces with a million. It takes about 4 seconds of processor time; cells take less for more
pairs."""

MAX_NEIGHBOURS = 24
"""Maximum number of pairs kept for each face, most similar first. A face needs one pair to join a
cluster; others are used if that cluster is not allowed."""

_FACES_AT_ONCE = 4_096
"""Number of faces to read and compare at once. The memory of more, which is several times that of
their embeddings, may be returned to the system each time, which takes a sixth longer."""

_PAIRS_AT_ONCE = 8_000_000
"""Number of pairs in memory at which those beyond ``MAX_NEIGHBOURS`` are dropped."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of rows, most similar first; each pair once.

    Attributes:
        first: Row of one face of each pair, int64.
        second: Row of the other face, int64.
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
    read: Read,
    *,
    max_score: float,
    threads: int = 1,
) -> Pairs:
    """Return the most similar pairs of some faces with any face, except faces of the same photo.

    At most ``MAX_NEIGHBOURS`` pairs of each of these faces are returned. If there are more than
    ``EXACT_PAIRS`` pairs, only faces in the nearest ``VISITED_CELLS`` cells are compared.

    Args:
        faces: All faces.
        rows: Rows of the faces to find pairs of, in order.
        read: Returns the embeddings of rows in order.
        max_score: Maximum normalised score of a pair.
        threads: Number of threads.
    """
    if not len(rows):
        return Pairs(*_no_pairs())
    search = _in_all if len(rows) * len(faces) <= EXACT_PAIRS else _in_cells
    pairs = [_no_pairs()]
    held = 0
    with ThreadPoolExecutor(threads) as pool:
        for each in search(pool, faces, rows, read, max_score):
            pairs.append(each)
            held += len(each[0])
            if held > _PAIRS_AT_ONCE:
                pairs = [_best_of_each(*_joined(pairs))]
                held = len(pairs[0][0])
    return _unordered(*_best_of_each(*_joined(pairs)), count=len(faces))


def _in_all(
    pool: ThreadPoolExecutor,
    faces: FaceArrays,
    rows: NDArray[np.int64],
    read: Read,
    max_score: float,
) -> Iterator[Found]:
    """Yield the pairs of probes with all faces."""
    embeddings = read(rows)
    directions = principal_directions(embeddings)
    probes = prepared(rows, embeddings, directions)

    def pairs_with(start: int) -> Found:
        members = np.arange(start, min(start + _FACES_AT_ONCE, len(faces)))
        others = prepared(members, read(members), directions)
        return _joined([_no_pairs(), *similar_pairs(faces, probes, others, max_score)])

    return pool.map(pairs_with, range(0, len(faces), _FACES_AT_ONCE))


def _in_cells(
    pool: ThreadPoolExecutor,
    faces: FaceArrays,
    rows: NDArray[np.int64],
    read: Read,
    max_score: float,
) -> Iterator[Found]:
    """Yield the pairs of probes with the faces of the cells near them."""
    embeddings = np.empty((len(faces), EMBEDDING_SIZE), np.float32)
    for start in range(0, len(faces), _FACES_AT_ONCE):
        members = np.arange(start, min(start + _FACES_AT_ONCE, len(faces)))
        embeddings[members] = read(members)
    cells = divide(embeddings)
    visited = nearest_cells(embeddings, rows, cells.centres, VISITED_CELLS)
    visits = visited.shape[1]
    order = np.argsort(visited.ravel(), kind="stable").astype(np.uint32)
    starts = np.searchsorted(visited.ravel(), np.arange(len(cells) + 1), sorter=order)
    del visited
    directions = principal_directions(embeddings)
    compared = prepared(np.arange(len(faces)), embeddings, directions)

    def pairs_with(cell: int) -> Found:
        probes = compared.take(rows[order[starts[cell] : starts[cell + 1]] // visits])
        others = compared.take(cells.members(cell))
        return _joined([_no_pairs(), *similar_pairs(faces, probes, others, max_score)])

    return pool.map(pairs_with, range(len(cells)))


def _no_pairs() -> Found:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)


def _joined(pairs: list[Found]) -> Found:
    first, second, scores = zip(*pairs, strict=True)
    return np.concatenate(first), np.concatenate(second), np.concatenate(scores)


def _best_of_each(
    first: NDArray[np.int64], second: NDArray[np.int64], scores: NDArray[np.float32]
) -> Found:
    """Return the ``MAX_NEIGHBOURS`` most similar pairs of each first face."""
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
