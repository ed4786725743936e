"""Reads the clusters of a collection, with the ignored ones, and restores them in another store.

Clusters keep their numbers, since the history of people names them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.batches import batches
from facerec.core.limits import MAX_PAGE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from facerec.core import clusters as core_clusters
    from facerec.core.protocols.clusters import ClusterStore
    from facerec.storage.faces import FaceStore
else:
    from facerec.core.deferred import DeferredModule

    core_clusters = DeferredModule("facerec.core.clusters")


@dataclass(frozen=True, slots=True)
class ClusterCopy:
    """A cluster with all its faces, including those of people.

    Attributes:
        number: Number of the cluster, which is part of its id.
        face_ids: Ids of all faces in the cluster, including those of people.
        ignored: Whether the cluster is hidden from suggestions.
    """

    number: int
    face_ids: tuple[str, ...]
    ignored: bool


def all_clusters(
    collection_id: str, *, clusters: ClusterStore, faces: FaceStore
) -> Iterator[ClusterCopy]:
    """Yield the clusters of a collection in the order of their numbers."""
    ids = [face.face_id for face in faces.all_faces(collection_id)]
    numbers = sorted(set(clusters.clusters_of_faces(collection_id, ids).values()))
    ignored = clusters.ignored_clusters(collection_id)
    for part in batches(numbers, MAX_PAGE):
        members = clusters.members_of_clusters(collection_id, part)
        for number in part:
            yield ClusterCopy(number, tuple(members[number]), number in ignored)


def restore_clusters(
    collection_id: str,
    copies: Collection[ClusterCopy],
    not_faces: Collection[str],
    *,
    clusters: ClusterStore,
    faces: FaceStore,
) -> None:
    """Restore clusters in another store; after an interruption, call this again.

    If the store already has any of the clusters, only the marks of ``not_faces`` are stored.

    Args:
        collection_id: The collection, with its faces.
        copies: The clusters.
        not_faces: Ids of the faces marked as not a face.
        clusters: Store of clusters that receives them.
        faces: Store of the collection's faces.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: Too many concurrent changes of the clusters.
    """
    clusters.set_not_faces(collection_id, sorted(not_faces), lift=False)
    kept = {copy.number: copy for copy in copies}
    if not kept or clusters.get_clusters(collection_id, sorted(kept)):
        return
    # Noted first: if the process is killed before the clusters are saved, they are restored again.
    for number, copy in kept.items():
        if copy.ignored:
            clusters.set_ignored(collection_id, number, ignored=True)
    # A number without a cluster belonged to one that was merged or deleted.
    created = [
        kept[number].face_ids if number in kept else () for number in range(1, max(kept) + 1)
    ]
    clusters.save_clusters(
        collection_id,
        core_clusters.ClusterChanges({}, {}, created),
        clusters.read_state(collection_id),
    )
    clustered = {face_id for copy in kept.values() for face_id in copy.face_ids}
    free = [
        face.face_id for face in faces.all_faces(collection_id) if face.face_id not in clustered
    ]
    clusters.leave_clusters(collection_id, free)
