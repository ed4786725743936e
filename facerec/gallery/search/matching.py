"""Searches a collection for faces: neighbours become matches and, for a probe, a decision.

A face has a similarity, by which it matches (0 to 1; at least the threshold), and a normalised
score, by which it is compared with other faces (the lower, the more similar).

A search with the faces of a photo (``search_probes``) takes these steps:

1. The store returns the nearest faces, which are scored. If the best one matches, the *relevant*
   faces are those that match, and those that score nearly as well as the best one (``_relevant``).
2. Faces that corrections hide are dropped (``_without_hidden``).
3. If several faces of the photo match one person, only the most similar one keeps that person's
   faces (``_each_person_once``). The probes are decided in the order of their similarity, each
   without the people of earlier ones.
4. If too few faces are left, or all of them may show one person although others score nearly as
   well, all of this is repeated with more neighbours (``_missing``, ``search_for``).
5. The faces that are *close* to the best one decide whether the probe is known (``_close``,
   ``decision.decide``).
6. The relevant faces that reach the threshold become matches, with their people and names.

A search with a stored face (``search_stored_face``) has matches only, and no decision.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.gallery.people.corrections import Corrected, corrected_faces, hidden_faces
from facerec.gallery.people.names import display_names
from facerec.gallery.scores.scoring import (
    Fetched,
    ScoredFace,
    is_match,
    reach,
    score_neighbours,
    search_for,
    stats_of_stored,
)
from facerec.gallery.search.decision import (
    MARGIN,
    Candidate,
    Decision,
    decide,
    is_close,
    same_person,
)
from facerec.gallery.search.search_results import Match, SearchedFace

if TYPE_CHECKING:
    from facerec.core.photos import EmbeddedFace
    from facerec.core.protocols.engine import Cohort
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import StoredFace
    from facerec.storage.faces import FaceStore

FARTHEST = 10
"""Number of the farthest neighbours that show whether others may score nearly as well."""


def search_probes(
    probes: Sequence[EmbeddedFace],
    *,
    collection_id: str,
    faces: FaceStore,
    records: RecordStore,
    cohort: Cohort,
    threshold: float,
    limit: int,
    repeat_people: bool = False,
) -> tuple[SearchedFace, ...]:
    """Return the matches and the decision of each face of a photo.

    Args:
        probes: Faces to search for.
        collection_id: Id of the collection.
        faces: Store of its faces.
        records: Store of its people and corrections.
        cohort: Computes the stats of faces that are stored without them.
        threshold: Minimum similarity of a match, 0 to 1.
        limit: Maximum number of matches of each face.
        repeat_people: Whether several of the faces may match one person. By default only the most
            similar one does, since a photo shows nobody twice, and the other faces are decided
            without that person's faces.

    Raises:
        InvalidInputError: The store cannot return that many matches.
        ConflictError: The collection was switched to another model version concurrently.
    """
    if not probes:
        return ()

    def search(count: int) -> Fetched[_NearestFaces]:
        nearest = _nearest_faces(
            probes,
            count,
            collection_id=collection_id,
            faces=faces,
            records=records,
            cohort=cohort,
            threshold=threshold,
            repeat_people=repeat_people,
        )
        return Fetched(nearest, _missing(nearest, count, threshold, limit))

    nearest = search_for(limit, search)
    owners = nearest.known.owners
    names = display_names(collection_id, _owners_of(nearest.scored, owners), records=records)
    searched = []
    for probe, scored_faces in zip(probes, nearest.scored, strict=True):
        decision, best = decide(nearest.known.candidates(_close(scored_faces)), threshold=threshold)
        chosen = {candidate.face.record.face_id for candidate in best}
        searched.append(
            SearchedFace(
                probe,
                decision,
                _matches(scored_faces, threshold, limit, owners, names),
                tuple(
                    _match(face, owners, names) for face in scored_faces if face.face_id in chosen
                ),
                more_matches=_count_matches(scored_faces, threshold) > limit,
            )
        )
    return tuple(searched)


@dataclass(frozen=True, slots=True)
class _KnownFaces:
    """Stored data about the faces of a search.

    Attributes:
        stored: Faces with their embeddings, by face id: those that decisions compare.
        owners: People of faces by face id.
        corrected: People whom faces do not show, by face id.
        cohort: Computes the stats of faces that are stored without them.
    """

    stored: Mapping[str, StoredFace]
    owners: Mapping[str, str]
    corrected: Corrected
    cohort: Cohort

    def candidates(self, scored: Sequence[ScoredFace]) -> list[Candidate]:
        """Return faces as candidates of a decision; faces that have been deleted are omitted."""
        return [
            Candidate(
                self.stored[face.face_id],
                face.score,
                face.similarity,
                self.owners.get(face.face_id),
                stats_of_stored(self.stored[face.face_id], self.cohort),
                self.corrected.get(face.face_id, frozenset()),
            )
            for face in scored
            if face.face_id in self.stored
        ]


@dataclass(frozen=True, slots=True)
class _NearestFaces:
    """The stored faces nearest to probes.

    Attributes:
        scored: The faces that count for each probe, most similar first.
        dropped: Number of neighbours of each probe that were dropped from a truncated result; 0 if
            the store has no more.
        farthest: Ids of the farthest neighbours of each probe in a truncated result; none if the
            store has no more.
        known: Stored data about these faces.
    """

    scored: list[list[ScoredFace]]
    dropped: list[int]
    farthest: list[frozenset[str]]
    known: _KnownFaces


def _nearest_faces(
    probes: Sequence[EmbeddedFace],
    count: int,
    *,
    collection_id: str,
    faces: FaceStore,
    records: RecordStore,
    cohort: Cohort,
    threshold: float,
    repeat_people: bool,
) -> _NearestFaces:
    """Return the stored faces that count for each probe, of the ``count`` nearest ones."""
    stats = [probe.stats for probe in probes]
    neighbours = faces.search(
        collection_id,
        np.stack([probe.embedding for probe in probes]),
        limit=count,
        max_distance=max(reach(threshold, each, margin=MARGIN) for each in stats),
    )
    every = score_neighbours(collection_id, neighbours, stats, faces=faces, cohort=cohort)
    relevant = [_relevant(scored_faces, threshold) for scored_faces in every]
    face_ids = _face_ids(relevant)
    owners = records.users_of_faces(collection_id, face_ids) if face_ids else {}
    corrected = corrected_faces(collection_id, face_ids, records=records)
    scored = [_without_hidden(scored_faces, owners, corrected) for scored_faces in relevant]
    several = not repeat_people and sum(map(bool, scored)) > 1
    # Decisions compare embeddings, which a search does not return.
    deciding = _face_ids(scored if several else [_close(scored_faces) for scored_faces in scored])
    stored = {
        face.record.face_id: face
        for face in (faces.get_faces(collection_id, deciding) if deciding else [])
    }
    known = _KnownFaces(stored, owners, corrected, cohort)
    if several:
        scored = _each_person_once(scored, known, threshold)
    truncated = [len(own) == count for own in neighbours]
    dropped = [
        len(before) - len(scored_faces) if may_have_more else 0
        for before, scored_faces, may_have_more in zip(relevant, scored, truncated, strict=True)
    ]
    farthest = [
        frozenset(each.face_id for each in own[-FARTHEST:] if may_have_more)
        for own, may_have_more in zip(neighbours, truncated, strict=True)
    ]
    return _NearestFaces(scored, dropped, farthest, known)


def _missing(nearest: _NearestFaces, count: int, threshold: float, limit: int) -> int:
    """Return how many more neighbours than its first search ``search_for`` needs; 0 for no more.

    More neighbours only help a probe that has too few matches, or too few people.
    """
    missing = 0
    for scored_faces, dropped, farthest in zip(
        nearest.scored, nearest.dropped, nearest.farthest, strict=True
    ):
        if _may_have_rivals(scored_faces, farthest, nearest.known, threshold):
            # ``search_for`` adds this to its first number, which is at most ``count``. So the next
            # search gets three to four times as many, and a person with many photos takes few
            # searches.
            missing = max(missing, 3 * count)
        elif _count_matches(scored_faces, threshold) <= limit:
            missing = max(missing, dropped)
    return missing


def _relevant(scored: Sequence[ScoredFace], threshold: float) -> list[ScoredFace]:
    """Return the faces that match, and those that score nearly as well as the best one.

    The list is empty if the best one does not match.
    """
    if not scored:
        return []
    best = scored[0].score if is_match(scored[0].similarity, threshold) else -math.inf
    return [
        face
        for face in scored
        if is_match(face.similarity, threshold) or is_close(face.score, best)
    ]


def _close(relevant: Sequence[ScoredFace]) -> list[ScoredFace]:
    """Return the relevant faces that score nearly as well as the best one, for the decision."""
    return [face for face in relevant if is_close(face.score, relevant[0].score)]


def _may_have_rivals(
    relevant: Sequence[ScoredFace], farthest: frozenset[str], known: _KnownFaces, threshold: float
) -> bool:
    """Return whether a matched person may have a rival beyond the neighbours that were fetched.

    All fetched neighbours can be photos of one person, if the person has hundreds of them.
    Neighbours are ordered by distance, so if the farthest ones still score nearly as well as the
    best one, others may too.
    """
    close = _close(relevant)
    if farthest.isdisjoint(face.face_id for face in close):
        return False
    return decide(known.candidates(close), threshold=threshold)[0] is Decision.MATCH


def _without_hidden(
    scored: list[ScoredFace], owners: Mapping[str, str], corrected: Corrected
) -> list[ScoredFace]:
    """Return the faces of which corrections do not say that they show somebody else."""
    hidden = hidden_faces((face.record for face in scored), owners, corrected)
    return [face for face in scored if face.face_id not in hidden]


def _each_person_once(
    scored: Sequence[list[ScoredFace]],
    known: _KnownFaces,
    threshold: float,
) -> list[list[ScoredFace]]:
    """Return each probe's faces without the people whom a more similar probe matches.

    If several probes match a person, the most similar one keeps that person's faces.
    """
    remaining = list(scored)
    matched: list[Candidate] = []
    undecided = {probe for probe, scored_faces in enumerate(remaining) if scored_faces}
    while undecided:
        probe = min(undecided, key=lambda number: (remaining[number][0].score, number))
        best_score = remaining[probe][0].score
        unmatched = [
            candidate
            for candidate in known.candidates(remaining[probe])
            if not any(same_person(candidate, other, threshold) for other in matched)
        ]
        face_ids = {candidate.face.record.face_id for candidate in unmatched}
        scored_faces = [face for face in remaining[probe] if face.face_id in face_ids]
        # Which faces score nearly as well as the best one depends on which is the best one now.
        remaining[probe] = _relevant(scored_faces, threshold)
        if remaining[probe] and remaining[probe][0].score > best_score:
            # The best face of this probe showed a person who is matched already, so another probe
            # may be the most similar one now.
            continue
        undecided.discard(probe)
        decision, best = decide(known.candidates(_close(remaining[probe])), threshold=threshold)
        if decision is Decision.MATCH:
            matched += [each for each in unmatched if same_person(each, best[0], threshold)]
            matched.append(best[0])
    return remaining


def search_stored_face(
    face: StoredFace,
    *,
    collection_id: str,
    faces: FaceStore,
    records: RecordStore,
    cohort: Cohort,
    threshold: float,
    limit: int,
) -> tuple[tuple[Match, ...], bool]:
    """Return the stored faces that resemble a stored face, and whether there are more.

    The result does not include the face itself.

    Raises:
        InvalidInputError: The store cannot return that many matches.
        ConflictError: The collection was switched to another model version concurrently.
    """
    stats = stats_of_stored(face, cohort)
    own_id = face.record.face_id

    def search(count: int) -> Fetched[tuple[list[ScoredFace], dict[str, str]]]:
        neighbours = faces.search(
            collection_id,
            face.embedding[np.newaxis],
            limit=count,
            max_distance=reach(threshold, stats),
        )
        (scored,) = score_neighbours(collection_id, neighbours, [stats], faces=faces, cohort=cohort)
        others = [each for each in scored if each.face_id != own_id]
        others = [each for each in others if is_match(each.similarity, threshold)]
        face_ids = [own_id, *_face_ids([others])]
        owners = records.users_of_faces(collection_id, face_ids)
        hidden = hidden_faces(
            (each.record for each in others),
            owners,
            corrected_faces(collection_id, face_ids, records=records),
            probe=face.record,
        )
        shown = [each for each in others if each.face_id not in hidden]
        enough = len(shown) > limit or len(neighbours[0]) < count
        return Fetched((shown, owners), 0 if enough else len(hidden))

    shown, owners = search_for(limit, search, itself=True)
    names = display_names(collection_id, _owners_of([shown[:limit]], owners), records=records)
    return _matches(shown, threshold, limit, owners, names), len(shown) > limit


def _owners_of(scored: Iterable[Sequence[ScoredFace]], owners: Mapping[str, str]) -> list[str]:
    """Return the ids of the people whom faces are associated with."""
    return [owners[face_id] for face_id in _face_ids(scored) if face_id in owners]


def _count_matches(scored: Sequence[ScoredFace], threshold: float) -> int:
    return sum(is_match(face.similarity, threshold) for face in scored)


def _matches(
    scored: Sequence[ScoredFace],
    threshold: float,
    limit: int,
    owners: Mapping[str, str],
    names: Mapping[str, str],
) -> tuple[Match, ...]:
    matching = [face for face in scored[:limit] if is_match(face.similarity, threshold)]
    return tuple(_match(face, owners, names) for face in matching)


def _match(face: ScoredFace, owners: Mapping[str, str], names: Mapping[str, str]) -> Match:
    user_id = owners.get(face.face_id)
    name = None if user_id is None else names.get(user_id)
    return Match(face.record, face.similarity, face.distance, user_id, name)


def _face_ids(scored: Iterable[Sequence[ScoredFace]]) -> list[str]:
    return list(dict.fromkeys(face.face_id for scored_faces in scored for face in scored_faces))
