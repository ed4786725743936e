"""Whether the nearest faces of a collection say who a probe is."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from facerec.core.records import FaceRecord, StoredFace

MARGIN = 0.05
"""Euclidean distance by which the nearest person must lead before the next; see
``docs/accuracy.md`` for how often a lead below it is the wrong person's."""


class Decision(StrEnum):
    """What the matches of a probe's face mean."""

    MATCH = "match"
    """One person of the collection is alike enough, and no other nearly as much."""

    AMBIGUOUS = "ambiguous"
    """Two people of the collection are about equally alike."""

    UNKNOWN = "unknown"
    """Nobody in the collection is alike enough."""


def decide(nearest: Sequence[tuple[StoredFace, float]], *, max_distance: float) -> Decision:
    """Decide whom a probe's nearest faces show.

    A collection knows photos, not people, so whether two stored faces show one person follows
    from what is known of them: they do if they bear the same external image id, or if their
    embeddings are within ``max_distance`` of each other.

    Args:
        nearest: stored faces with their distances from the probe, the nearest first, and all
            within ``max_distance + MARGIN``.
        max_distance: Euclidean; from here on two faces count as one person's.
    """
    if not nearest or nearest[0][1] > max_distance:
        return Decision.UNKNOWN
    best, best_distance = nearest[0]
    for rival, distance in nearest[1:]:
        if distance > best_distance + MARGIN:
            break
        if not _same_person(best, rival, max_distance):
            return Decision.AMBIGUOUS
    return Decision.MATCH


def _same_person(face: StoredFace, other: StoredFace, max_distance: float) -> bool:
    return _same_name(face.record, other.record) or (
        float(np.linalg.norm(face.embedding - other.embedding)) <= max_distance
    )


def _same_name(face: FaceRecord, other: FaceRecord) -> bool:
    # faces on one photo bear one name, but one person is not on a photo twice
    return (
        face.external_image_id is not None
        and face.external_image_id == other.external_image_id
        and face.image_id != other.image_id
    )
