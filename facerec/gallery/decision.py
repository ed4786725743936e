"""The decision whether the nearest faces of a collection identify a probe."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from facerec.core.names import is_derived
from facerec.core.records import FaceRecord, StoredFace

MARGIN = 0.05
"""Euclidean distance by which the nearest person must be nearer than the next one;
``docs/accuracy.md`` shows how often a smaller lead is the wrong person's."""


class Decision(StrEnum):
    """Who a face of a probe shows, as far as its matches can tell."""

    MATCH = "match"
    """One person of the collection is similar enough, and nobody else nearly as similar."""

    AMBIGUOUS = "ambiguous"
    """Two people of the collection are about equally similar."""

    UNKNOWN = "unknown"
    """Nobody in the collection is similar enough."""


def decide(nearest: Sequence[tuple[StoredFace, float]], *, max_distance: float) -> Decision:
    """Decide who a probe shows.

    A collection holds photos, not people. Two stored faces count as one person's if they have the
    same external image id, or if their embeddings are within ``max_distance`` of each other. An id
    that was only derived from the path of a photo names the photo, not a person: two folders may
    both have a ``1.jpg``.

    Args:
        nearest: Stored faces with their Euclidean distances from the probe, nearest first, all
            within ``max_distance + MARGIN``.
        max_distance: Maximum Euclidean distance of two faces of one person.
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
    # the faces of one photo have one name, but a photo shows nobody twice
    return (
        face.external_image_id is not None
        and face.external_image_id == other.external_image_id
        and face.image_id != other.image_id
        and not is_derived(face.external_image_id, face.source)
        and not is_derived(face.external_image_id, other.source)
    )
