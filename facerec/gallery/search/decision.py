"""The decision whether the nearest faces of a collection identify a probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.gallery.indexing.storing import is_same_face
from facerec.gallery.people.names import Identity, identity_of, is_one_person
from facerec.gallery.scores.scoring import is_match, similarity_between

if TYPE_CHECKING:
    from facerec.core.faces import CohortStats
    from facerec.core.records import StoredFace

MARGIN = 1.5
"""Minimum lead of the most similar person over the next one, in normalised score;
``docs/accuracy.md`` shows how often a smaller lead belongs to the wrong person."""

MIN_SIMILARITY = 0.5
"""Minimum similarity at which two unnamed faces may count as one person, whatever lower threshold
a caller chooses: at a threshold of 0, everybody matches everybody."""


def is_close(score: float, best: float) -> bool:
    """Return whether a normalised score is too close to the best one to tell two people apart."""
    return score <= best + MARGIN


class Decision(StrEnum):
    """Whether the matches of a probe identify one person."""

    MATCH = "match"
    """One person of the collection is similar enough, and nobody else is nearly as similar."""

    AMBIGUOUS = "ambiguous"
    """Two people of the collection are about equally similar."""

    UNKNOWN = "unknown"
    """Nobody in the collection is similar enough."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A stored face that may show the person of a probe.

    Attributes:
        face: The stored face.
        score: Normalised score against the probe; the lower, the more similar.
        similarity: Similarity to the probe, 0 to 1.
        user_id: The person that the face is associated with, if any.
        stats: Cohort stats of the face.
        corrected: Names of people that the face does not show.
    """

    face: StoredFace
    score: float
    similarity: float
    user_id: str | None
    stats: CohortStats
    corrected: frozenset[str] = frozenset()

    @cached_property
    def identity(self) -> Identity:
        """The known and the denied names of the person whom the face shows."""
        return identity_of(self.face.record, self.user_id, self.corrected)


def decide(
    nearest: Sequence[Candidate], *, threshold: float
) -> tuple[Decision, tuple[Candidate, ...]]:
    """Decide which person a probe shows, if any.

    Not every face in a collection has a person, so ``same_person`` groups the faces by person.

    Args:
        nearest: The stored faces that score at most ``MARGIN`` worse than the best one, which
            comes first.
        threshold: Minimum similarity of two faces of one person.

    Returns:
        The decision, and the best face of each person in question: one for a match, at least two
        if it is ambiguous, none if the probe is unknown.
    """
    if not nearest or not is_match(nearest[0].similarity, threshold):
        return Decision.UNKNOWN, ()
    people: list[list[Candidate]] = []
    for candidate in nearest:
        for person in people:
            if any(same_person(candidate, other, threshold) for other in person):
                person.append(candidate)
                break
        else:
            people.append([candidate])
    best = tuple(person[0] for person in people)
    return (Decision.MATCH if len(best) == 1 else Decision.AMBIGUOUS), best


def same_person(one: Candidate, other: Candidate, threshold: float) -> bool:
    """Return whether two stored faces count as the same person.

    Two faces in one photo are different people. Otherwise their names and corrections decide
    (``is_one_person``). If these decide nothing, faces are one person if they match each other, or
    are one face of a photo that was indexed several times.

    Args:
        one: A face.
        other: Another face.
        threshold: Minimum similarity of two faces of one person.
    """
    first, second = one.face.record, other.face.record
    if first.face_id == second.face_id:
        return True
    stated = is_one_person(one.identity, other.identity)
    same_user = one.user_id is not None and one.user_id == other.user_id
    same_face = is_same_face(first, second)
    if first.image_id == second.image_id and not (same_user or same_face):
        return False
    if stated is not None:
        return stated
    if same_face:
        return True
    distance = float(np.linalg.norm(one.face.embedding - other.face.embedding))
    similarity = similarity_between(distance, one.stats, other.stats)
    return is_match(similarity, max(threshold, MIN_SIMILARITY))
