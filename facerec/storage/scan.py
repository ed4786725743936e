"""Exact nearest neighbours by one pass over all embeddings.

The squared distance |x - q|^2 = |x|^2 - 2 x.q + |q|^2 needs one matrix product, which runs as fast
as memory delivers the embeddings. But if x and q are close, the difference of the large terms loses
all digits, so the product is only used to select candidates, with a margin. Their distances are
then computed from the differences, in float64.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.core.faces import EMBEDDING_SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAR = 1e15
"""Value of all components of an embedding in a free slot, which no search ever reaches."""

MAX_NORM = 1e6
"""Norm from which embeddings are rejected, so that none comes near ``FAR``."""

PROBES_AT_ONCE = 64
"""Number of probes per pass, which limits temporary memory to 4 bytes * 64 * rows of a chunk."""

MATRIX_PROBES = 8
"""Minimum number of probes for which one matrix product is faster than a product per probe. For
fewer, BLAS first copies the embeddings into its own order, which takes longer than the product
(``benchmarks/search.py``)."""

ROUNDING = 2 * EMBEDDING_SIZE * 2.0**-23
"""Bound of the relative error of a float32 dot product of two embeddings, for any order of the
additions (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1), doubled
because candidates are picked by comparing two such products. 2**-23 is the distance from 1 to the
next float32."""


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """A part of a collection in memory that is scanned as a whole; only ``free_rows`` changes it.

    Attributes:
        embeddings: float32, shape (n, 128).
        half_norms: float32, shape (n,): half of each embedding's squared norm.
        slots: int64, shape (n,): numbers by which the caller identifies the embeddings.
        largest_norm: The largest norm among embeddings that are not ``FAR``.
    """

    embeddings: NDArray[np.float32]
    half_norms: NDArray[np.float32]
    slots: NDArray[np.int64]
    largest_norm: float

    @property
    def size(self) -> int:
        """Size of the chunk in memory, in bytes."""
        return self.embeddings.nbytes + self.half_norms.nbytes + self.slots.nbytes


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The nearest embeddings of one probe, nearest first; ties are ordered by slot.

    Attributes:
        distances: float64, shape (n,); Euclidean distances.
        slots: int64, shape (n,); numbers that identify the embeddings.
    """

    distances: NDArray[np.float64]
    slots: NDArray[np.int64]


def make_chunk(embeddings: NDArray[np.float32], slots: NDArray[np.int64]) -> Chunk:
    """Prepare embeddings (float32, shape (n, 128)) for scans."""
    half_norms = np.einsum("ij,ij->i", embeddings, embeddings) / np.float32(2)
    held = half_norms[half_norms < MAX_NORM**2]
    largest = float(np.sqrt(2 * held.max())) if held.size else 0.0
    return Chunk(embeddings, half_norms, slots, largest)


def free_rows(chunk: Chunk, slots: NDArray[np.int64]) -> None:
    """Overwrite the embeddings of slots in a chunk, which other threads may be scanning.

    The half norms are overwritten first: from then on, no scan selects the rows. A scan that has
    already selected them computes a distance of about 10^16.

    Args:
        chunk: A chunk whose slots are in order.
        slots: int64, in order; those of other chunks are ignored.
    """
    rows = np.searchsorted(chunk.slots, slots)
    rows = rows[rows < len(chunk.slots)]
    rows = rows[np.isin(chunk.slots[rows], slots)]
    chunk.half_norms[rows] = np.inf
    chunk.embeddings[rows] = FAR


def scan(
    chunks: Iterable[Chunk],
    probes: NDArray[np.float32],
    *,
    limit: int,
    max_distance: float,
) -> list[Nearest]:
    """Return the nearest embeddings of each probe.

    Args:
        chunks: The collection, read once if there are at most ``PROBES_AT_ONCE`` probes.
        probes: float32, shape (n, 128), finite.
        limit: Maximum number of neighbours of each probe.
        max_distance: Maximum Euclidean distance, inclusive.
    """
    if len(probes) > PROBES_AT_ONCE:
        chunks = tuple(chunks)
    reach = min(max_distance, 2 * MAX_NORM)
    found = []
    for start in range(0, len(probes), PROBES_AT_ONCE):
        group = np.ascontiguousarray(probes[start : start + PROBES_AT_ONCE])
        found += _scan_group(chunks, group, limit, reach)
    return found


def _scan_group(
    chunks: Iterable[Chunk], probes: NDArray[np.float32], limit: int, reach: float
) -> list[Nearest]:
    exact_probes = probes.astype(np.float64)
    squared_norms = np.einsum("ij,ij->i", exact_probes, exact_probes)
    norms = np.sqrt(squared_norms)
    found = [_Found(probe, limit, reach) for probe in exact_probes]
    reaches = np.full(len(probes), reach)
    for chunk in chunks:
        slack = ROUNDING * chunk.largest_norm * (chunk.largest_norm + norms)
        slack += ROUNDING * squared_norms
        # scores are half of |x|^2 - 2 x.q, which is the squared distance without the probe's norm
        scores = _products(probes, chunk.embeddings)
        np.subtract(chunk.half_norms, scores, out=scores)
        bounds = (reaches**2 - squared_norms) / 2 + slack
        near = scores <= bounds.astype(np.float32)[:, None]
        for probe in np.flatnonzero(near.any(axis=1)):
            rows = np.flatnonzero(near[probe])
            rows = _best_rows(rows, scores[probe, rows], limit, slack[probe])
            reaches[probe] = found[probe].add(chunk, rows)
    return [each.nearest() for each in found]


class _Found:
    """The nearest embeddings of one probe so far, and candidates that may be nearer.

    Candidates are compared only once there are as many as the limit: comparing each at once would
    take longer than keeping a few too many.
    """

    def __init__(self, probe: NDArray[np.float64], limit: int, reach: float) -> None:
        self._probe, self._limit, self._reach = probe, limit, reach
        self._nearest = Nearest(np.empty(0), np.empty(0, np.int64))
        self._waiting: list[tuple[NDArray[np.float32], NDArray[np.int64]]] = []

    def add(self, chunk: Chunk, rows: NDArray[np.intp]) -> float:
        """Add rows of a chunk; return the distance beyond which embeddings need not be added."""
        self._waiting.append((chunk.embeddings[rows], chunk.slots[rows]))
        if sum(len(slots) for _, slots in self._waiting) >= self._limit:
            self._nearest, self._waiting = self.nearest(), []
            if len(self._nearest.distances) == self._limit:
                self._reach = self._nearest.distances[-1]
        return self._reach

    def nearest(self) -> Nearest:
        """Return the nearest embeddings among all that were added."""
        if not self._waiting:
            return self._nearest
        embeddings, slots = map(np.concatenate, zip(*self._waiting, strict=True))
        differences = embeddings - self._probe
        distances = np.sqrt(np.einsum("ij,ij->i", differences, differences))
        return _merge(self._nearest, distances, slots, self._limit, self._reach)


def _products(probes: NDArray[np.float32], embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the products of probes and embeddings: float32, shape (probes, embeddings)."""
    if len(probes) >= MATRIX_PROBES:
        return probes @ embeddings.T
    products = np.empty((len(probes), len(embeddings)), np.float32)
    for probe, product in zip(probes, products, strict=True):
        np.vecdot(embeddings, probe, out=product)
    return products


def _best_rows(
    rows: NDArray[np.intp], scores: NDArray[np.float32], limit: int, slack: float
) -> NDArray[np.intp]:
    if len(rows) <= limit:
        return rows
    last = np.partition(scores, limit - 1)[limit - 1]
    best: NDArray[np.intp] = rows[scores <= last + np.float32(slack)]
    return best


def _merge(
    nearest: Nearest,
    distances: NDArray[np.float64],
    slots: NDArray[np.int64],
    limit: int,
    reach: float,
) -> Nearest:
    within = distances <= reach
    distances = np.concatenate((nearest.distances, distances[within]))
    slots = np.concatenate((nearest.slots, slots[within]))
    order = np.lexsort((slots, distances))[:limit]
    return Nearest(distances[order], slots[order])
