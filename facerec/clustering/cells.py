"""Groups embeddings into cells by nearest centre, so that neighbours are in few cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.clustering.products import product
from facerec.core.arrays import np

if TYPE_CHECKING:
    from numpy.typing import NDArray


VISITED_CELLS = 16
"""Number of cells to search for the neighbours of a face (``benchmarks/clustering.py``)."""

_FACES_PER_CELL = 500
_TRAINING_FACES_PER_CELL = 40
_ROUNDS = 8
_ROWS_AT_ONCE = 8_192


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The rows of faces, grouped by cell.

    Attributes:
        centres: float32, shape (cells, 128).
        rows: int64; all rows, ordered by cell.
        starts: int64, shape (cells + 1,); index in ``rows`` at which each cell starts.
    """

    centres: NDArray[np.float32]
    rows: NDArray[np.int64]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.centres)

    def members(self, cell: int) -> NDArray[np.int64]:
        """Return the rows of a cell."""
        return self.rows[self.starts[cell] : self.starts[cell + 1]]


def divide(embeddings: NDArray[np.float32]) -> Cells:
    """Divide embeddings, float32 of shape (n, 128), into cells; the result is deterministic."""
    return cells_of(embeddings, train(embeddings))


def train(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the centres of cells: float32, shape (cells, 128).

    They are k-means centres of a sample (Lloyd 1982, "Least squares quantization in PCM").
    """
    count = len(embeddings)
    number = math.ceil(count / _FACES_PER_CELL)
    source = np.random.default_rng(0)
    size = min(count, number * _TRAINING_FACES_PER_CELL)
    sample = embeddings[np.sort(source.choice(count, size, replace=False))]
    centres = sample[source.choice(size, number, replace=False)].copy()
    for _ in range(_ROUNDS):
        nearest = nearest_cells(sample, None, centres, 1)[:, 0]
        order = np.argsort(nearest, kind="stable")
        found, first = np.unique(nearest[order], return_index=True)
        sums = np.add.reduceat(sample[order], first, axis=0)
        sizes = np.diff(np.append(first, size))
        centres[found] = sums / sizes[:, np.newaxis]
    return centres


def cells_of(embeddings: NDArray[np.float32], centres: NDArray[np.float32]) -> Cells:
    """Return the cells of embeddings, float32 of shape (n, 128), by their nearest centre."""
    nearest = nearest_cells(embeddings, None, centres, 1)[:, 0]
    rows = np.argsort(nearest, kind="stable")
    starts = np.searchsorted(nearest[rows], np.arange(len(centres) + 1))
    return Cells(centres, rows, starts)


def nearest_cells(
    embeddings: NDArray[np.float32],
    rows: NDArray[np.int64] | None,
    centres: NDArray[np.float32],
    number: int,
) -> NDArray[np.int32]:
    """Return the cells nearest to embeddings, unordered: int32, shape (n, number or fewer).

    Args:
        embeddings: float32, shape (n, 128).
        rows: Rows of the embeddings whose cells to return; None for all.
        centres: The centres of the cells.
        number: Number of cells to return for each embedding.
    """
    number = min(number, len(centres))
    halves = np.einsum("ij,ij->i", centres, centres) / np.float32(2)
    count = len(embeddings) if rows is None else len(rows)
    nearest = np.empty((count, number), np.int32)
    for start in range(0, count, _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE)
        scores = halves - product(embeddings[some if rows is None else rows[some]], centres.T)
        found = scores.argmin(axis=1)[:, np.newaxis]
        if number > 1:
            found = np.argpartition(scores, number - 1, axis=1)[:, :number]
        nearest[start : start + _ROWS_AT_ONCE] = found
    return nearest
