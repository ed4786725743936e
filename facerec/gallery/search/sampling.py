"""Samples of stored faces and the people they show, for measurements on a collection."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.batches import batches
from facerec.core.limits import MAX_PAGE
from facerec.gallery.people.corrections import corrected_faces
from facerec.gallery.people.names import Identity, identity_of
from facerec.gallery.scores.scoring import stats_of_stored

if TYPE_CHECKING:
    from facerec.core.faces import CohortStats
    from facerec.core.protocols.engine import Cohort
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import StoredFace
    from facerec.storage.faces import FaceStore


@dataclass(frozen=True, slots=True, eq=False)
class SampledFace:
    """A stored face of a sample.

    Attributes:
        face: The face with its embedding.
        stats: Cohort stats of the face.
        identity: The known and the denied names of the person whom the face shows.
    """

    face: StoredFace
    stats: CohortStats
    identity: Identity


def sample_faces(
    collection_id: str, limit: int, *, faces: FaceStore, records: RecordStore, cohort: Cohort
) -> list[SampledFace]:
    """Return the faces of a collection, or a random sample; see ``Gallery.sample_faces``."""
    chosen = _chosen((record.face_id for record in faces.all_faces(collection_id)), limit)
    sampled: list[SampledFace] = []
    for face_ids in batches(chosen, MAX_PAGE):
        owners = records.users_of_faces(collection_id, face_ids)
        corrected = corrected_faces(collection_id, face_ids, records=records)
        for face in faces.get_faces(collection_id, face_ids):
            face_id = face.record.face_id
            identity = identity_of(
                face.record, owners.get(face_id), corrected.get(face_id, frozenset())
            )
            sampled.append(SampledFace(face, stats_of_stored(face, cohort), identity))
    return sampled


def _chosen(face_ids: Iterator[str], limit: int) -> list[str]:
    """Return a random sample in order, without all ids in memory (Vitter 1985, algorithm R)."""
    source = random.Random(0)  # noqa: S311 - not a secret
    chosen: list[str] = []
    for number, face_id in enumerate(face_ids):
        if number < limit:
            chosen.append(face_id)
        elif (position := source.randrange(number + 1)) < limit:
            chosen[position] = face_id
    return sorted(chosen)
