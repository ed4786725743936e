"""Clusters: faces that seem to show the same person.

A cluster's number is never reused in its collection. Faces that belong to people are in clusters
too, so that further faces of a person are found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.errors import ConflictError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CLUSTER_ID_PATTERN = "^c[1-9][0-9]{0,17}$"
"""Regular expression of the text form of the id of a cluster."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Faces that seem to show the same person.

    Attributes:
        number: 1 or more; the text form of the id is ``c`` and the number.
        face_ids: Ids of the faces without a person, ordered.
        user_id: Id of the person who also has faces in the cluster; None if nobody does.
        ignored: Whether the cluster is hidden from suggestions.
    """

    number: int
    face_ids: tuple[str, ...]
    user_id: str | None = None
    ignored: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class FaceArrays:
    """The data that clustering needs about each face of a collection, besides its embedding.

    All arrays have the same length. Detections marked as "not a face" are excluded.

    Attributes:
        slots: int64; numbers by which the store identifies faces, ordered.
        means: float32; means of cohort stats, NaN if a face has none of the current version.
        deviations: float32; deviations of cohort stats, NaN in the same places.
        photos: uint64; equal for faces of one photo (``facerec.core.ids.photo_number``).
        clear: Bool; whether a face is clear enough to connect others.
        changed: Bool; whether a face may have been stored, or have left its cluster, since clusters
            were last saved.
        state: State of the collection, to pass to ``save_clusters``; None if it never had a face;
            in some stores, also if it has none now.
    """

    slots: NDArray[np.int64]
    means: NDArray[np.float32]
    deviations: NDArray[np.float32]
    photos: NDArray[np.uint64]
    clear: NDArray[np.bool_]
    changed: NDArray[np.bool_]
    state: tuple[int, int, int] | None

    def __len__(self) -> int:
        return len(self.slots)

    def take(self, rows: NDArray[np.int64]) -> FaceArrays:
        """Return some of the faces, in the order of ``rows``."""
        return FaceArrays(
            self.slots[rows],
            self.means[rows],
            self.deviations[rows],
            self.photos[rows],
            self.clear[rows],
            self.changed[rows],
            self.state,
        )


@dataclass(frozen=True, slots=True)
class ClusterChanges:
    """The changes that a clustering makes.

    Attributes:
        joined: Number of the existing cluster that each face joins, by face id.
        merged: Maps the number of a merged cluster to the number of the cluster that absorbs it.
        created: Face ids of each new cluster.
    """

    joined: Mapping[str, int]
    merged: Mapping[int, int]
    created: Sequence[Sequence[str]]


def clusters_changed() -> ConflictError:
    """Return the error for changes that were computed from an earlier state of the clusters."""
    return ConflictError("the clusters were changed while they were computed", "try again")
