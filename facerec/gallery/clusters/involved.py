"""The faces that a clustering may move, as arrays, so that millions fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from facerec.clustering.linkage import Linked
from facerec.clustering.pairs import Pairs
from facerec.core.arrays import np
from facerec.core.batches import batches
from facerec.core.ids import photo_number
from facerec.gallery.clusters.statements import IDS_AT_ONCE, Statements

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core.clusters import FaceArrays
    from facerec.core.protocols.clusters import ClusterStore

_ID_TYPE = "S36"
"""Type of an array of face ids, in numpy's notation."""

_NOBODY: frozenset[str] = frozenset()


class Involved:
    """The faces of the pairs that a clustering found, and all other faces of their clusters.

    Attributes:
        rows: int64, shape (n,); rows of the faces in ``FaceArrays``, ordered. The other attributes
            are in the same order; a position is an index of these arrays.
        ids: Ids of the faces, as ASCII bytes; empty for faces that have been deleted.
        numbers: int64; numbers of the clusters that contain the faces, or 0.
        owners: Ids of the people that faces are associated with, by position.
        names: Names of the people whom a face shows, by position; see ``Statements.names``.
    """

    def __init__(self, arrays: FaceArrays, pairs: Pairs, said: Statements) -> None:
        self._said = said
        rows = np.unique(np.concatenate((pairs.first, pairs.second)))
        self.rows, self.ids = rows, _ids_of_rows(said.clusters, arrays, rows)
        self.numbers = self._numbers()
        self.rows = np.union1d(rows, self._rows_of_clusters(arrays))
        if len(self.rows) > len(rows):
            self.ids = _ids_of_rows(said.clusters, arrays, self.rows)
            self.numbers = self._numbers()
        self.owners: dict[int, str] = {}
        self.names: dict[int, frozenset[str]] = {}
        self._denied: dict[int, frozenset[str]] = {}
        for position_of in self._batches():
            owners = said.owners(list(position_of))
            names = said.names(list(position_of), owners)
            self.owners |= {position_of[each]: user for each, user in owners.items()}
            self.names |= {position_of[each]: own for each, own in names.items() if own}
            denied = said.denied.keys() & position_of.keys()
            self._denied |= {position_of[each]: said.denied[each] for each in denied}

    def _batches(self) -> Iterator[dict[str, int]]:
        """Yield, in batches, the positions of the faces that exist, by face id."""
        for start in range(0, len(self.ids), IDS_AT_ONCE):
            ids = self.ids[start : start + IDS_AT_ONCE].tolist()
            yield {each.decode(): position for position, each in enumerate(ids, start) if each}

    def _numbers(self) -> NDArray[np.int64]:
        numbers = np.zeros(len(self.ids), np.int64)
        for position_of in self._batches():
            found = self._said.clusters.clusters_of_faces(
                self._said.collection_id, list(position_of)
            )
            for face_id, number in found.items():
                numbers[position_of[face_id]] = number
        return numbers

    def _rows_of_clusters(self, arrays: FaceArrays) -> NDArray[np.int64]:
        """Return the rows of all faces of the clusters in ``numbers``."""
        clusters, collection_id = self._said.clusters, self._said.collection_id
        found = [np.empty(0, np.int64)]
        for some in batches(np.unique(self.numbers[self.numbers > 0]).tolist(), IDS_AT_ONCE):
            members = clusters.members_of_clusters(collection_id, some).values()
            for face_ids in batches((each for own in members for each in own), IDS_AT_ONCE):
                slots = list(clusters.slots_of_faces(collection_id, face_ids).values())
                found.append(np.flatnonzero(np.isin(arrays.slots, slots)))
        return np.concatenate(found)

    def cluster_of(self, positions: list[int], number: int | None) -> Linked:
        """Return faces as a cluster, under the number of a stored cluster or None."""
        return Linked(
            positions,
            number,
            ignored=number in self._said.ignored,
            user_id=next((self.owners[each] for each in positions if each in self.owners), None),
            names=_NOBODY.union(*(self.names.get(each, _NOBODY) for each in positions)),
            denied=_NOBODY.union(*(self._denied.get(each, _NOBODY) for each in positions)),
        )

    def stored_clusters(self) -> Iterator[Linked]:
        """Yield the clusters that exist."""
        positions = np.flatnonzero(self.numbers)
        positions = positions[np.argsort(self.numbers[positions], kind="stable")]
        numbers, starts = np.unique(self.numbers[positions], return_index=True)
        for number, own in zip(numbers.tolist(), np.split(positions, starts[1:]), strict=False):
            yield self.cluster_of(own.tolist(), number)

    def pairs_of_positions(self, pairs: Pairs) -> Pairs:
        """Return the pairs of faces that exist, with positions instead of rows."""
        first = np.searchsorted(self.rows, pairs.first)
        second = np.searchsorted(self.rows, pairs.second)
        exist = self.ids != b""
        kept = exist[first] & exist[second]
        return Pairs(first[kept], second[kept], pairs.scores[kept])


def _ids_of_rows(
    clusters: ClusterStore, arrays: FaceArrays, rows: NDArray[np.int64]
) -> NDArray[np.bytes_]:
    """Return the ids of faces as ASCII bytes; empty for faces that have been deleted."""
    ids = np.zeros(len(rows), _ID_TYPE)
    for start in range(0, len(rows), IDS_AT_ONCE):
        some = rows[start : start + IDS_AT_ONCE]
        slots = arrays.slots[some].tolist()
        by_slot = clusters.face_ids_of_slots(slots)
        photos = arrays.photos[some].tolist()
        for position, (slot, photo) in enumerate(zip(slots, photos, strict=True), start):
            face_id = by_slot.get(slot)
            # the slot may belong to another face now
            if face_id is not None and photo_number(face_id) == photo:
                ids[position] = face_id
    return ids
