"""Clusters the faces of a collection; statements about them take precedence.

Two clusters are merged if the most similar pair of their faces reaches a threshold, and the mean of
all pairs reaches a lower one. At the lower threshold, the false match rate is five times as high.
By default the threshold depends on the number of faces: in a large collection, a face resembles
more strangers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.clustering.linkage import link
from facerec.clustering.pairs import Pairs, find_pairs
from facerec.core.arrays import np
from facerec.core.clusters import ClusterChanges, FaceArrays
from facerec.core.limits import MAX_PAGE
from facerec.core.options import QualityFilter
from facerec.engine.describe.quality import LIMITS, rejections
from facerec.errors import ConflictError
from facerec.gallery.clusters.involved import Involved
from facerec.gallery.clusters.statements import Statements
from facerec.gallery.scores.normalisation import (
    false_match_rate_of,
    score_of_similarity,
    similarity_at,
)

if TYPE_CHECKING:
    from facerec.core.faces import Quality
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
"""Ratio of the false match rate at the threshold for the mean to that at the threshold for a pair.
Measured, like the two numbers above, by ``python -m benchmarks.clustering``."""

MAX_ATTEMPTS = 5
"""Maximum attempts at a clustering that concurrent statements about faces invalidate."""

_CLEAR_RULE = repr(LIMITS[QualityFilter.MEDIUM])


@dataclass(frozen=True, slots=True)
class ClusteringResult:
    """The outcome of a clustering.

    Attributes:
        collection_id: Id of the collection.
        pair_threshold: Minimum similarity of two faces that connect clusters, 0 to 1.
        considered: Number of faces that were compared with all other faces.
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
    return _is_clear(record.quality)


def _is_clear(quality: Quality) -> bool:
    return not rejections(quality, QualityFilter.MEDIUM)


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
    """Cluster faces that are new since the last clustering; see ``Gallery.cluster_faces``.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: The clusters were changed repeatedly while they were computed.
    """

    def statements() -> Statements:
        return Statements(collection_id, clusters=clusters, faces=faces, records=records)

    for _ in range(MAX_ATTEMPTS):
        statements().take_apart()
        # Read first: a later statement changes the version.
        version = clusters.read_version(collection_id)
        said = statements()
        arrays = clusters.read_face_arrays(
            collection_id, cohort.cohort_version, _is_clear, _CLEAR_RULE
        )
        _compute_missing_stats(arrays, clusters, cohort)
        similarity = pair_threshold
        if similarity is None:
            similarity = default_pair_threshold(len(arrays))
        changes, considered = _cluster(arrays, said, similarity, threads)
        try:
            created = clusters.save_clusters(collection_id, changes, arrays.state, version=version)
        except ConflictError:
            continue
        # People and corrections of faces may have changed while clusters were saved.
        statements().take_apart()
        return ClusteringResult(
            collection_id,
            similarity,
            considered,
            len(changes.joined),
            len(created),
            len(changes.merged),
        )
    raise ConflictError(
        "the clusters were changed repeatedly while they were computed", "try again"
    )


def _cluster(
    arrays: FaceArrays, said: Statements, pair_threshold: float, threads: int
) -> tuple[ClusterChanges, int]:
    """Return the changes to clusters, and the number of faces compared with all others."""
    mean = similarity_at(min(1.0, MEAN_RATE_RATIO * false_match_rate_of(pair_threshold)))
    rows = np.flatnonzero(arrays.changed)
    pairs = find_pairs(
        arrays,
        rows,
        lambda rows: said.clusters.read_embeddings(arrays.slots[rows]),
        max_score=score_of_similarity(pair_threshold),
        threads=threads,
    )
    return _changes(arrays, pairs, said, score_of_similarity(mean)), len(rows)


def _changes(arrays: FaceArrays, pairs: Pairs, said: Statements, max_mean: float) -> ClusterChanges:
    """Return the changes to clusters that follow from pairs of similar faces."""
    involved = Involved(arrays, pairs, said)
    linkage = link(
        arrays.take(involved.rows),
        said.clusters.read_embeddings(arrays.slots[involved.rows]),
        involved.pairs_of_positions(pairs),
        involved.stored_clusters(),
        lambda position: involved.cluster_of([position], None),
        max_mean=max_mean,
    )
    joined: dict[str, int] = {}
    created: list[list[str]] = []
    for cluster in linkage.clusters:
        if cluster.number is None:
            created.append([each.decode() for each in involved.ids[cluster.rows].tolist()])
            continue
        rows = np.array(cluster.rows)
        new = involved.ids[rows[involved.numbers[rows] == 0]].tolist()
        joined |= {each.decode(): cluster.number for each in new}
    created.sort(key=len, reverse=True)
    return ClusterChanges(joined, linkage.merged, created)


def _compute_missing_stats(arrays: FaceArrays, clusters: ClusterStore, cohort: Cohort) -> None:
    missing = np.flatnonzero(np.isnan(arrays.means))
    for start in range(0, len(missing), MAX_PAGE):
        rows = missing[start : start + MAX_PAGE]
        stats = cohort.cohort_stats(clusters.read_embeddings(arrays.slots[rows]))
        arrays.means[rows] = [each.mean for each in stats]
        arrays.deviations[rows] = [each.deviation for each in stats]
