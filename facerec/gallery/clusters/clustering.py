"""Clusters the faces of a collection; statements about them always take precedence.

Two clusters are merged if the most similar pair of their faces reaches a threshold, and the mean of
all pairs reaches a lower threshold, at which the false match rate is five times as high. By default
the threshold depends on the number of faces: in a large collection, a face resembles more
strangers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.clustering.cells import divide
from facerec.clustering.linkage import Linked, link
from facerec.clustering.pairs import Pairs, find_pairs
from facerec.core.arrays import np
from facerec.core.batches import batches
from facerec.core.clusters import ClusterChanges, FaceArrays
from facerec.core.limits import MAX_PAGE
from facerec.core.options import QualityFilter
from facerec.engine.describe.quality import rejections
from facerec.gallery.listing import all_corrections
from facerec.gallery.people.names import person_names
from facerec.gallery.scores.normalisation import (
    false_match_rate_of,
    score_of_similarity,
    similarity_at,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core.protocols.clusters import ClusterStore
    from facerec.core.protocols.engine import Cohort
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import FaceRecord
    from facerec.storage.faces import FaceStore

MAX_PAIR_RATE = 3.5e-5
"""Default false match rate of a pair that connects two clusters, in small collections."""

EXPECTED_STRANGERS = 0.15
"""Expected number of strangers per face at the default threshold, as among LFW's 4,171 faces."""

MEAN_RATE_RATIO = 5.0
"""Ratio of the false match rates at the two thresholds: that for the mean, and that for a pair.
Measured, like the two numbers above, by ``python -m benchmarks.clustering``."""

_IDS_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class ClusteringResult:
    """The outcome of a clustering.

    Attributes:
        collection_id: Id of the collection.
        pair_threshold: Minimum similarity of two faces that connect clusters, 0 to 1.
        considered: Number of faces that were compared with all others.
        joined: Number of faces that joined existing clusters.
        created: Number of new clusters.
        merged: Number of clusters that became part of others.
    """

    collection_id: str
    pair_threshold: float
    considered: int
    joined: int
    created: int
    merged: int


def default_pair_threshold(faces: int) -> float:
    """Return the default threshold of a pair in a collection of this many faces."""
    return similarity_at(min(MAX_PAIR_RATE, EXPECTED_STRANGERS / max(1, faces)))


def is_clear(record: FaceRecord) -> bool:
    """Return whether a face is clear enough to connect others: it passes the MEDIUM filter."""
    return not rejections(record.quality, QualityFilter.MEDIUM)


def cluster_faces(
    collection_id: str,
    *,
    clusters: ClusterStore,
    faces: FaceStore,
    records: RecordStore,
    cohort: Cohort,
    pair_threshold: float | None,
    threads: int,
) -> ClusteringResult:
    """Cluster faces that are new since the last clustering; see ``Gallery.cluster_faces``."""
    said = _Statements(collection_id, clusters=clusters, faces=faces, records=records)
    said.take_apart()
    arrays = clusters.read_face_arrays(collection_id, cohort.cohort_version, is_clear)
    _compute_missing_stats(arrays, cohort)
    if pair_threshold is None:
        pair_threshold = default_pair_threshold(len(arrays.slots))
    pair_rate = false_match_rate_of(pair_threshold)
    mean = similarity_at(min(1.0, MEAN_RATE_RATIO * pair_rate))
    rows = np.flatnonzero(arrays.changed)
    pairs = find_pairs(
        arrays,
        rows,
        divide(arrays.embeddings),
        max_score=score_of_similarity(pair_threshold),
        threads=threads,
    )
    changes = _changes(arrays, pairs, said, score_of_similarity(mean))
    created = clusters.save_clusters(collection_id, changes, arrays.mark)
    return ClusteringResult(
        collection_id,
        pair_threshold,
        len(rows),
        len(changes.joined),
        len(created),
        len(changes.merged),
    )


class _Statements:
    """Statements about the faces of a collection: people, corrections and ignored clusters."""

    def __init__(
        self, collection_id: str, *, clusters: ClusterStore, faces: FaceStore, records: RecordStore
    ) -> None:
        self.collection_id, self.clusters = collection_id, clusters
        self._faces, self._records = faces, records
        self.ignored = clusters.ignored_clusters(collection_id)
        denied: dict[str, set[str]] = {}
        for each in all_corrections(collection_id, records=records):
            denied.setdefault(each.face_id, set()).add(each.person)
        self.denied = {face_id: frozenset(people) for face_id, people in denied.items()}
        self.people = frozenset[str]().union(*self.denied.values())

    def owners(self, face_ids: Sequence[str]) -> dict[str, str]:
        """Return the people of faces by face id."""
        owners: dict[str, str] = {}
        for some in batches(face_ids, _IDS_AT_ONCE):
            owners |= self._records.users_of_faces(self.collection_id, some)
        return owners

    def names(
        self, face_ids: Sequence[str], owners: Mapping[str, str]
    ) -> dict[str, frozenset[str]]:
        """Return the names of the person that a face shows, by face id, if corrections use them."""
        names: dict[str, frozenset[str]] = {}
        for some in batches(face_ids if self.people else (), MAX_PAGE):
            for face in self._faces.get_faces(self.collection_id, some):
                face_id = face.record.face_id
                own = person_names(face.record, owners.get(face_id))
                names[face_id] = (own - self.denied.get(face_id, frozenset())) & self.people
        return names

    def take_apart(self) -> None:
        """Remove faces from clusters that newer statements contradict."""
        left = [*self._of_other_users(), *self._denied_in_clusters()]
        if left:
            self.clusters.leave_clusters(self.collection_id, left)

    def _of_other_users(self) -> Iterator[str]:
        """Yield faces of all but the most frequent person in clusters of several people."""
        mixed = self.clusters.mixed_clusters(self.collection_id)
        members = self.clusters.members_of_clusters(self.collection_id, mixed)
        for number in mixed:
            owners = self.owners(members[number])
            users = list(owners.values())
            kept = min(set(users), key=lambda user: (-users.count(user), user))
            yield from (face_id for face_id, user in owners.items() if user != kept)

    def _denied_in_clusters(self) -> Iterator[str]:
        """Yield the faces in a cluster with a person whom they do not show."""
        numbers = self.clusters.clusters_of_faces(self.collection_id, list(self.denied))
        shown = sorted({*numbers.values()} - self.ignored)
        for members in self.clusters.members_of_clusters(self.collection_id, shown).values():
            names = self.names(members, self.owners(members))
            for face_id in members:
                others = (names.get(each, frozenset()) for each in members if each != face_id)
                if not self.denied.get(face_id, frozenset()).isdisjoint(
                    frozenset[str]().union(*others)
                ):
                    yield face_id


def _changes(
    arrays: FaceArrays, pairs: Pairs, said: _Statements, max_mean: float
) -> ClusterChanges:
    """Return the changes to clusters that follow from pairs of similar faces."""
    clusters, collection_id = said.clusters, said.collection_id
    involved = np.unique(np.concatenate((pairs.first, pairs.second)))
    ids = _ids_of_rows(clusters, arrays, involved)
    numbers: dict[str, int] = {}
    for some in batches(list(ids.values()), _IDS_AT_ONCE):
        numbers |= clusters.clusters_of_faces(collection_id, some)
    members = clusters.members_of_clusters(collection_id, sorted({*numbers.values()}))
    member_ids = [face_id for own in members.values() for face_id in own]
    row_of = _rows_by_id(clusters, collection_id, arrays, member_ids)
    ids |= {row: face_id for face_id, row in row_of.items()}
    known = list(ids.values())
    owners = said.owners(known)
    names = said.names(known, owners)

    def cluster_of(rows: list[int], face_ids: Iterable[str], number: int | None) -> Linked:
        own = list(face_ids)
        return Linked(
            rows,
            number,
            ignored=number in said.ignored,
            user_id=next((owners[each] for each in own if each in owners), None),
            names=frozenset[str]().union(*(names.get(each, ()) for each in own)),
            denied=frozenset[str]().union(*(said.denied.get(each, ()) for each in own)),
        )

    stored = [
        cluster_of([row_of[each] for each in own if each in row_of], own, number)
        for number, own in members.items()
        if any(each in row_of for each in own)
    ]
    present = np.isin(pairs.first, list(ids)) & np.isin(pairs.second, list(ids))
    pairs = Pairs(pairs.first[present], pairs.second[present], pairs.scores[present])
    linkage = link(
        arrays, pairs, stored, lambda row: cluster_of([row], [ids[row]], None), max_mean=max_mean
    )
    inside = set(member_ids)
    joined: dict[str, int] = {}
    created: list[list[str]] = []
    for cluster in linkage.clusters:
        face_ids = [ids[row] for row in cluster.rows]
        if cluster.number is None:
            created.append(face_ids)
        else:
            joined |= {each: cluster.number for each in face_ids if each not in inside}
    created.sort(key=len, reverse=True)
    return ClusterChanges(joined, linkage.merged, created)


def _compute_missing_stats(arrays: FaceArrays, cohort: Cohort) -> None:
    missing = np.flatnonzero(np.isnan(arrays.means))
    for start in range(0, len(missing), MAX_PAGE):
        rows = missing[start : start + MAX_PAGE]
        stats = cohort.cohort_stats(arrays.embeddings[rows])
        arrays.means[rows] = [each.mean for each in stats]
        arrays.deviations[rows] = [each.deviation for each in stats]


def _ids_of_rows(
    clusters: ClusterStore, arrays: FaceArrays, rows: NDArray[np.int64]
) -> dict[int, str]:
    """Return the ids of faces by row, without those deleted since the arrays were read."""
    ids: dict[int, str] = {}
    for some in batches(rows.tolist(), _IDS_AT_ONCE):
        by_slot = clusters.face_ids_of_slots(arrays.slots[some].tolist())
        slots = arrays.slots[some].tolist()
        ids |= {
            row: by_slot[slot] for row, slot in zip(some, slots, strict=True) if slot in by_slot
        }
    return ids


def _rows_by_id(
    clusters: ClusterStore, collection_id: str, arrays: FaceArrays, face_ids: Sequence[str]
) -> dict[str, int]:
    """Return the rows of faces by id, without faces that are not in the arrays."""
    rows: dict[str, int] = {}
    for some in batches(face_ids, _IDS_AT_ONCE):
        for face_id, slot in clusters.slots_of_faces(collection_id, some).items():
            row = int(np.searchsorted(arrays.slots, slot))
            if row < len(arrays.slots) and arrays.slots[row] == slot:
                rows[face_id] = row
    return rows
