"""Average linkage with constraints, over the pairs of a graph of neighbours.

The pairs are taken in order, the most similar first. The clusters of the two faces become one if
the scores of all pairs of their faces are low enough on average, and if nothing forbids it. So
pairs of similar faces explain each cluster.

A face that is not clear connects nobody: it joins a cluster of clear faces after these are
complete, by a pair with a clear face.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from facerec.clustering.pairs import Pairs
from facerec.clustering.scores import scores_at
from facerec.core.arrays import np
from facerec.core.clusters import FaceArrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_COMPARED = 64
"""Maximum number of faces of a cluster that an average score includes: the first that joined."""

_PAIRS_AT_ONCE = 1_000_000
_NOBODY: frozenset[str] = frozenset()


@dataclass(slots=True, eq=False)
class Linked:
    """A cluster while it grows.

    Attributes:
        rows: Rows of its faces.
        number: Its number if it is stored; otherwise None.
        ignored: Whether somebody marked it as ignored.
        user_id: The person who has some of its faces, or None.
        names: Names of the people that its faces were stated to show.
        denied: Names of people that one of its faces was stated not to show.
        photos: Identifiers of the photos of its faces.
        compared: Rows of the faces with which its average score against a cluster is computed.
    """

    rows: list[int]
    number: int | None = None
    ignored: bool = False
    user_id: str | None = None
    names: frozenset[str] = _NOBODY
    denied: frozenset[str] = _NOBODY
    photos: set[int] = field(default_factory=set)
    compared: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Linkage:
    """Result of ``link``.

    Attributes:
        clusters: All clusters with two faces or more.
        merged: Maps the number of a merged cluster to the number of the cluster that absorbed it.
    """

    clusters: list[Linked]
    merged: dict[int, int]


def link(
    faces: FaceArrays,
    embeddings: NDArray[np.float32],
    pairs: Pairs,
    stored: Iterable[Linked],
    describe: Callable[[int], Linked],
    *,
    max_mean: float,
) -> Linkage:
    """Join faces and clusters that pairs connect.

    Args:
        faces: All faces of the pairs and of the clusters.
        embeddings: Embeddings of the faces, float32, shape (n, 128).
        pairs: Pairs of these faces, most similar first.
        stored: Clusters that exist. They are changed: their ``photos`` and ``compared`` are set,
            and they get the faces that join them.
        describe: Returns the cluster that consists of a single row.
        max_mean: Maximum mean normalised score of two clusters that may be joined.
    """
    growing = _Growing(faces, embeddings, describe, max_mean)
    for cluster in stored:
        growing.keep(growing.prepared(cluster))
    clear = faces.clear[pairs.first] & faces.clear[pairs.second]
    either = faces.clear[pairs.first] | faces.clear[pairs.second]
    for chosen in (clear, either & ~clear):
        numbers = np.flatnonzero(chosen)
        for start in range(0, len(numbers), _PAIRS_AT_ONCE):
            some = numbers[start : start + _PAIRS_AT_ONCE]
            first, second = pairs.first[some].tolist(), pairs.second[some].tolist()
            for one, other in zip(first, second, strict=True):
                growing.try_pair(one, other)
    clusters = {id(each): each for each in growing.cluster_of if each and len(each.rows) > 1}
    return Linkage(list(clusters.values()), _ends(growing.merged))


class _Growing:
    """Clusters while they grow.

    Attributes:
        cluster_of: The cluster of each row; None for a row that is not in a cluster yet.
        merged: Maps the number of a merged cluster to the number of the cluster that absorbed it.
    """

    def __init__(
        self,
        faces: FaceArrays,
        embeddings: NDArray[np.float32],
        describe: Callable[[int], Linked],
        max_mean: float,
    ) -> None:
        self._faces, self._embeddings = faces, embeddings
        self._describe, self._max_mean = describe, max_mean
        self.cluster_of: list[Linked | None] = [None] * len(faces)
        self.merged: dict[int, int] = {}

    def prepared(self, cluster: Linked) -> Linked:
        """Return a cluster after its ``photos`` and ``compared`` were set."""
        cluster.photos = set(self._faces.photos[cluster.rows].tolist())
        clear = [row for row in cluster.rows if self._faces.clear[row]]
        cluster.compared = (clear or cluster.rows)[:MAX_COMPARED]
        return cluster

    def keep(self, cluster: Linked) -> None:
        """Record a cluster as the cluster of each of its rows."""
        for row in cluster.rows:
            self.cluster_of[row] = cluster

    def _cluster(self, row: int) -> Linked:
        """Return the cluster of a row, or an unrecorded cluster of this row alone."""
        return self.cluster_of[row] or self.prepared(self._describe(row))

    def try_pair(self, first: int, second: int) -> None:
        """Join the clusters of a pair if they may be joined."""
        known = self.cluster_of[first]
        if known is not None and known is self.cluster_of[second]:
            return
        one, other = self._cluster(first), self._cluster(second)
        if not (_allowed(one, other) and self._is_bridge(first, one, second, other)):
            return
        # The score of a pair is lower than the maximum mean.
        if len(one.rows) == len(other.rows) == 1 or self._mean(one, other) <= self._max_mean:
            self._join(*sorted((one, other), key=_rank))

    def _is_bridge(self, first: int, one: Linked, second: int, other: Linked) -> bool:
        """Return whether a pair may join clusters: its faces must each be clear, or still alone."""
        clear = self._faces.clear
        return bool(
            (clear[first] or len(one.rows) == 1) and (clear[second] or len(other.rows) == 1)
        )

    def _mean(self, one: Linked, other: Linked) -> float:
        rows, columns = np.array(one.compared), np.array(other.compared)
        first, second = np.repeat(rows, len(columns)), np.tile(columns, len(rows))
        left, right = self._embeddings[rows], self._embeddings[columns]
        differences = left[:, np.newaxis] - right[np.newaxis]
        distances: NDArray[np.float32] = np.sqrt(np.einsum("ijk,ijk->ij", differences, differences))
        return float(scores_at(distances.ravel(), self._faces, first, second).mean())

    def _join(self, kept: Linked, lost: Linked) -> None:
        if len(kept.rows) == 1:
            self.keep(kept)
        kept.rows += lost.rows
        kept.photos |= lost.photos
        if self._faces.clear[lost.compared[0]]:
            kept.compared = (kept.compared + lost.compared)[:MAX_COMPARED]
        kept.user_id = kept.user_id or lost.user_id
        kept.names |= lost.names
        kept.denied |= lost.denied
        for row in lost.rows:
            self.cluster_of[row] = kept
        if lost.number is not None and kept.number is not None:
            self.merged[lost.number] = kept.number


def _allowed(one: Linked, other: Linked) -> bool:
    """Return whether two clusters may be merged, given people's statements and shared photos."""
    if (one.ignored or other.ignored) and None not in (one.number, other.number):
        return False
    if one.user_id and other.user_id and one.user_id != other.user_id:
        return False
    if one.denied & other.names or other.denied & one.names:
        return False
    return one.photos.isdisjoint(other.photos)


def _rank(cluster: Linked) -> tuple[bool, int, int]:
    """Return a sort key that orders the cluster that keeps its number first."""
    number = cluster.number
    return number is None, -len(cluster.rows), number if number is not None else cluster.rows[0]


def _ends(merged: Mapping[int, int]) -> dict[int, int]:
    """Return the cluster that each merged cluster finally became part of."""
    ends = {}
    for number, into in merged.items():
        end = into
        while end in merged:
            end = merged[end]
        ends[number] = end
    return ends
