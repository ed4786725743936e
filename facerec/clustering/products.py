"""Matrix products that OpenBLAS computes on one thread.

OpenBLAS computes larger products on all cores (its ``GEMM_MULTITHREAD_THRESHOLD``). If other
processes or threads use the cores, the threads of OpenBLAS mostly wait for each other: with two
threads on a busy machine, a clustering takes three times the processor time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.arrays import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAX_MULTIPLICATIONS = 262_144
_COLUMNS = 480
"""Maximum width of a tile. Wide and low tiles take a sixth less time than 128 columns
if ``k`` is small, as between projections, and the same time for whole embeddings."""


def product(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the matrix product of arrays of shapes (m, k) and (k, n), in tiles."""
    rows, inner = left.shape
    columns = right.shape[1]
    height = max(1, _MAX_MULTIPLICATIONS // (inner * min(columns, _COLUMNS)))
    whole = rows // height * height
    tiles = left[:whole].reshape(-1, height, inner)
    result = np.empty((rows, columns), np.float32)
    tiles_of_result = result[:whole].reshape(-1, height, columns)
    for start in range(0, columns, _COLUMNS):
        some = slice(start, start + _COLUMNS)
        np.matmul(tiles, right[:, some], out=tiles_of_result[:, :, some])
        np.matmul(left[whole:], right[:, some], out=result[whole:, some])
    return result
