"""Reads the clusters of all faces of a collection into memory: 45 MB per million faces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.storage.dynamodb.cluster_items import SHARD, members_of
from facerec.storage.dynamodb.items import clusters_partition

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.storage.dynamodb.table import Table

ID_TYPE = "S36"
"""Type of an array of face ids, in numpy's notation."""


def face_id_array(face_ids: Iterable[str]) -> NDArray[np.bytes_]:
    """Return face ids as an array of ASCII bytes."""
    return np.array(list(face_ids), ID_TYPE)


@dataclass(frozen=True, slots=True, eq=False)
class Membership:
    """The faces that were clustered, in the order of their ids.

    Attributes:
        ids: Ids of the faces, as ASCII bytes.
        numbers: int64; numbers of the clusters that contain the faces, or 0.
    """

    ids: NDArray[np.bytes_]
    numbers: NDArray[np.int64]

    def numbers_of(self, face_ids: Sequence[str]) -> list[int | None]:
        """Return the cluster number of each face: 0 without a cluster, None for an unknown face."""
        if not len(self.ids):
            return [None] * len(face_ids)
        sought = face_id_array(face_ids)
        places = np.minimum(np.searchsorted(self.ids, sought), len(self.ids) - 1)
        known = (self.ids[places] == sought).tolist()
        found = self.numbers[places].tolist()
        return [number if each else None for number, each in zip(found, known, strict=True)]

    def members(self, numbers: Iterable[int]) -> dict[int, list[str]]:
        """Return the faces of clusters by number, ordered by id."""
        members: dict[int, list[str]] = {}
        wanted = [number for number in numbers if number > 0]
        rows = np.flatnonzero(np.isin(self.numbers, wanted))
        rows = rows[np.argsort(self.numbers[rows], kind="stable")]
        for number, face_id in zip(self.numbers[rows].tolist(), self.ids[rows], strict=True):
            members.setdefault(number, []).append(face_id.decode())
        return members


def read_membership(table: Table, collection_id: str) -> Membership:
    """Return the clusters of all faces of a collection."""
    ids, numbers = list[str](), list[int]()
    # Shards are in the order of their faces' ids, and so are the faces of a shard.
    for item in table.beginning(clusters_partition(collection_id), SHARD):
        for face_id, number in members_of(item):
            ids.append(face_id)
            numbers.append(number)
    return Membership(face_id_array(ids), np.array(numbers, np.int64))
