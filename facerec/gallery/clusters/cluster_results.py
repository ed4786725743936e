"""Results of operations on clusters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facerec.core.records import FaceRecord

MAX_SHOWN = 100
"""Maximum number of a cluster's faces that are read to choose the best one and to list their
photos."""


@dataclass(frozen=True, slots=True)
class ClusterSummary:
    """A cluster, with its clearest face and the photos that help to recognise the person.

    Attributes:
        cluster_id: ``c`` and the number of the cluster.
        face_ids: Ids of the faces without a person, ordered.
        user_id: Id of the person that other faces of the cluster belong to, or None.
        person_name: The display name of that person, if any.
        ignored: Whether the cluster is ignored.
        best: The clearest of the first ``MAX_SHOWN`` faces.
        sources: Sources of the photos of these faces (``FaceRecord.source``), beginning with that
            of the clearest face; photos without a source are omitted.
    """

    cluster_id: str
    face_ids: tuple[str, ...]
    user_id: str | None
    person_name: str | None = field(repr=False)
    ignored: bool
    best: FaceRecord
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClusterPage:
    """A page of a collection's clusters, and the token of the next page; None on the last."""

    collection_id: str
    clusters: tuple[ClusterSummary, ...]
    next_token: str | None
