"""Finds all faces of a collection that show a person, and which of them are doubtful."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.gallery.listing import all_corrections
from facerec.gallery.people.corrections import corrected_faces
from facerec.gallery.people.names import display_names, person_names
from facerec.gallery.people.user_vectors import nearest_users
from facerec.gallery.scores.normalisation import normalised_score
from facerec.gallery.scores.scoring import ScoredFace, reach, stats_of_stored
from facerec.gallery.search.decision import MARGIN, is_close
from facerec.gallery.search.found_faces import Doubt, FoundFace
from facerec.gallery.search.ranking import START, Position, Ranking, position
from facerec.gallery.search.search_results import Match

if TYPE_CHECKING:
    from facerec.core.protocols.engine import Cohort
    from facerec.core.protocols.records import RecordStore
    from facerec.storage.faces import FaceStore

BATCH = 1000
"""Number of a ranking's faces to process per batch."""

RIVALS = 3
"""Number of nearest people to compare a face with, including the person who is searched for."""


@dataclass(frozen=True, slots=True)
class SearchedPerson:
    """The person whom a search looks for, known by id or by a photo.

    Attributes:
        doubtful_below: Similarity below which a face is doubtful, 0 to 1.
        user_id: Id of the person; None if a photo was given and its person is unknown.
        by_user: Whether the caller specified the person rather than a photo.
        held: Ids of the person's own faces, if the caller specified the person.
        ambiguous: Whether a photo was given that resembles several people about equally.
    """

    doubtful_below: float
    user_id: str | None
    by_user: bool = False
    held: frozenset[str] = frozenset()
    ambiguous: bool = False


class CorrectionFilter:
    """Drops the faces that corrections hide, by ``facerec.gallery.people.corrections``."""

    def __init__(
        self,
        ranking: Ranking,
        person: SearchedPerson,
        collection_id: str,
        *,
        faces: FaceStore,
        records: RecordStore,
    ) -> None:
        """Read the corrections of a collection, and compare the corrected faces with the probe.

        If the caller specified a person, only the corrections of the person's own faces are read.
        """
        self._collection_id, self._records = collection_id, records
        self._held, self._own = person.held, frozenset[str]()
        self._excluded: list[tuple[Position, frozenset[str]]] = []
        if person.by_user:
            own = faces.get_faces(collection_id, sorted(person.held)) if person.held else []
            self._own = frozenset({person.user_id or ""}).union(
                *(person_names(face.record, person.user_id) for face in own)
            )
            for names in corrected_faces(
                collection_id, sorted(person.held), records=records
            ).values():
                self._excluded.append((START, names))
            return
        corrected = {each.face_id for each in all_corrections(collection_id, records=records)}
        stored = faces.get_faces(collection_id, sorted(corrected)) if corrected else []
        scored = sorted(ranking.score(stored), key=position)
        for face, names, owner in self._with_names(scored):
            if not self._hides(face, names, owner):
                self._excluded.append((position(face), names))

    def shown(self, scored: Sequence[ScoredFace]) -> Iterator[tuple[ScoredFace, str | None]]:
        """Yield faces that no correction hides, each with the id of its person or None."""
        for face, names, owner in self._with_names(scored):
            if not self._hides(face, names, owner):
                yield face, owner

    def _with_names(
        self, scored: Sequence[ScoredFace]
    ) -> Iterator[tuple[ScoredFace, frozenset[str], str | None]]:
        face_ids = [face.face_id for face in scored]
        if not face_ids:
            return
        owners = self._records.users_of_faces(self._collection_id, face_ids)
        corrected = corrected_faces(self._collection_id, face_ids, records=self._records)
        for face in scored:
            names = corrected.get(face.face_id, frozenset())
            yield face, names, owners.get(face.face_id)

    def _hides(self, face: ScoredFace, not_shown: frozenset[str], owner: str | None) -> bool:
        if face.face_id in self._held:
            return False
        if not_shown & self._own:
            return True
        if not self._excluded:
            return False
        names = person_names(face.record, owner) - not_shown
        return any(before < position(face) and names & them for before, them in self._excluded)


def faces_showing(
    person: SearchedPerson,
    ranking: Ranking,
    corrections: CorrectionFilter,
    *,
    after: Position,
    doubtful: bool,
    collection_id: str,
    faces: FaceStore,
    records: RecordStore,
    cohort: Cohort,
) -> Iterator[tuple[Position, FoundFace]]:
    """Yield the faces that show a person, or the doubtful ones, most similar first.

    Args:
        person: The person to search for.
        ranking: Faces that resemble the person, in order.
        corrections: Drops the faces that corrections hide.
        after: Position after which to start.
        doubtful: Whether to yield the doubtful faces instead of the others.
        collection_id: Id of the collection.
        faces: Store of its faces.
        records: Store of its people.
        cohort: Computes stats.

    Raises:
        ConflictError: The collection was switched to another model version concurrently.
    """
    while batch := ranking.after(after, BATCH):
        after = position(batch[-1])
        shown = [
            (face, owner)
            for face, owner in corrections.shown(batch)
            # the face is known to show another person
            if not (person.by_user and owner not in (None, person.user_id))
        ]
        rivalled = _rivalled(person, shown, collection_id, faces=faces, cohort=cohort)
        chosen = []
        for face, owner in shown:
            doubt = _doubt(person, face, owner, rivalled)
            if (doubt is not None) == doubtful:
                chosen.append((face, owner, doubt))
        people = [owner for _, owner, _ in chosen if owner is not None]
        names = display_names(collection_id, people, records=records)
        for face, owner, doubt in chosen:
            match = Match(
                face.record, face.similarity, face.distance, owner, names.get(owner or "")
            )
            yield position(face), FoundFace(match, doubt)
        if len(batch) < BATCH:
            return


def _doubt(
    person: SearchedPerson, face: ScoredFace, owner: str | None, rivalled: frozenset[str]
) -> Doubt | None:
    if person.by_user and owner is not None:
        return None
    if person.ambiguous or face.face_id in rivalled:
        return Doubt.AMBIGUOUS
    if face.similarity < person.doubtful_below:
        return Doubt.LESS_SIMILAR
    if owner is not None and person.user_id is not None and owner != person.user_id:
        return Doubt.OTHER_PERSON
    return None


def _rivalled(
    person: SearchedPerson,
    shown: Iterable[tuple[ScoredFace, str | None]],
    collection_id: str,
    *,
    faces: FaceStore,
    cohort: Cohort,
) -> frozenset[str]:
    """Return the ids of faces without a person that resemble another person about as closely.

    The result is empty if a photo was given instead of a person.
    """
    free = {face.face_id: face for face, owner in shown if owner is None}
    if not person.by_user or not free:
        return frozenset()
    stored = faces.get_faces(collection_id, list(free))
    if not stored:
        return frozenset()
    stats = [stats_of_stored(face, cohort) for face in stored]
    farthest = max(
        reach(free[face.record.face_id].similarity, own, margin=MARGIN)
        for face, own in zip(stored, stats, strict=True)
    )
    found = nearest_users(
        faces,
        collection_id,
        np.stack([face.embedding for face in stored]),
        limit=RIVALS,
        max_distance=farthest,
    )
    vectors = {user_id: vector for users in found for user_id, vector in users.items()}
    vectors.pop(person.user_id or "", None)
    if not vectors:
        return frozenset()
    stats_of_user = dict(
        zip(vectors, cohort.cohort_stats(np.stack(list(vectors.values()))), strict=True)
    )
    rivalled = set()
    for face, own, users in zip(stored, stats, found, strict=True):
        best = free[face.record.face_id].score
        for user_id in users.keys() & vectors.keys():
            distance = float(np.linalg.norm(vectors[user_id].astype(np.float64) - face.embedding))
            if is_close(normalised_score(distance, own, stats_of_user[user_id]), best):
                rivalled.add(face.record.face_id)
    return frozenset(rivalled)
