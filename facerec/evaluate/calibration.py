"""Measures error rates on a collection's own faces, and finds faces with doubtful names.

Two faces in one photo show different people. For two faces in different photos, their names and
people decide (``facerec.gallery.people.names.is_one_person``). Pairs are not used if this is
unknown, or if they are one face in two copies of a photo, or in a photo that was indexed twice.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from facerec.evaluate.rates import Interval, wilson
from facerec.gallery.indexing.storing import is_same_face
from facerec.gallery.people.names import Identity, is_one_person
from facerec.gallery.scores.normalisation import (
    false_match_rate_of,
    score_of_similarity,
    similarity_at,
    similarity_of_score,
)
from facerec.gallery.search.sampling import SampledFace

SIMILARITIES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
MAX_FACES = 4_000
"""Maximum number of faces to compare: 4,000 make 8 million pairs."""

MIN_MATCHES = 5
"""Minimum number of matching pairs of different people for a rate to count as measured."""

DUPLICATE_DISTANCE = 0.1
"""Maximum distance of a face in two copies of a photo; faces in two photos are farther apart."""

SAME_PERSON_SIMILARITY = 0.98
"""Similarity from which two names may belong to one person."""

MIN_SUSPECTS = 3
"""Suspects are reported only if they are more than twice the number of pairs that the scale expects
at ``SAME_PERSON_SIMILARITY``, plus this number: fewer may be chance."""

OTHER_PERSON_SIMILARITY = 0.5
"""Similarity that a face with a wrong name does not reach with any other face of that name."""

SHOWN = 50
"""Maximum number of pairs or faces in each list, most striking first."""

BINS = 80

MAX_DENSITY = 200_000
"""Approximate number of pairs that are sampled for a density."""

_BLOCK = 256

_DIFFERENT, _UNKNOWN, _SAME = -1, 0, 1

Value = TypeVar("Value", bound=Hashable)


@dataclass(frozen=True, slots=True)
class DoubtfulPair:
    """Two stored faces whose names are doubtful.

    Attributes:
        face_a: Id of a face.
        face_b: Id of the other face.
        person_a: The person whom ``face_a`` shows according to its names; None without a name.
        person_b: The person whom ``face_b`` shows according to its names; None without a name.
        similarity: Similarity of the two faces, 0 to 1.
    """

    face_a: str
    face_b: str
    person_a: str | None
    person_b: str | None
    similarity: float


@dataclass(frozen=True, slots=True)
class CalibratedRate:
    """Error rates at a similarity.

    Attributes:
        similarity: The threshold.
        predicted_false_match_rate: False match rate that the scale of similarity predicts.
        false_match_rate: Share of pairs of different people that reach the threshold.
        false_search_rate: Share of searches for a stranger that have a match in the collection.
        false_non_match_rate: Share of pairs of one person that do not reach the threshold.
    """

    similarity: float
    predicted_false_match_rate: float
    false_match_rate: Interval
    false_search_rate: Interval
    false_non_match_rate: Interval


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds measured on a collection's own faces.

    Attributes:
        faces: Number of faces in the collection.
        sampled: Number of faces that were compared.
        named: Number of sampled faces with the name of a person.
        people: Number of different names.
        genuine: Number of pairs of one person.
        impostors: Number of pairs of different people.
        rates: Error rates by similarity.
        target_search_rate: Target share of searches for a stranger that have a match.
        threshold: Similarity that meets this target.
        is_measured: Whether the threshold is measured on these faces. If there are too few, it
            follows from the scale of similarity.
        has_wrong_names: Whether the pairs that determine the threshold look like people with two
            names: the scale predicts less than a tenth of the target rate at that threshold.
        suspects: Number of pairs that may be of one person under two names, if they affect a
            measured threshold and are far more than the scale expects; 0 otherwise.
        faces_needed: Number of named faces of different people that is enough to measure the
            threshold.
        needed_interval: The target share of searches with the 95 % interval to which this
            number of faces measures it.
        duplicates: Pairs of one face in two copies of a photo, or in a photo indexed twice.
        one_person: Pairs of faces that may show one person under two names.
        two_people: Faces that may not show the person of their name, each with the most similar
            face of that name.
        genuine_density: Share of the pairs of one person by similarity.
        impostor_density: Share of the pairs of different people by similarity.
    """

    faces: int
    sampled: int
    named: int
    people: int
    genuine: int
    impostors: int
    rates: list[CalibratedRate]
    target_search_rate: float
    threshold: float
    is_measured: bool
    has_wrong_names: bool
    suspects: int
    faces_needed: int
    needed_interval: Interval
    duplicates: list[DoubtfulPair]
    one_person: list[DoubtfulPair]
    two_people: list[DoubtfulPair]
    genuine_density: list[tuple[float, float]]
    impostor_density: list[tuple[float, float]]


def calibrate(
    sample: Sequence[SampledFace], faces: int, *, target_search_rate: float
) -> Calibration:
    """Measure how well similarities separate the people of a collection.

    Args:
        sample: Faces of the collection, or some of them.
        faces: Number of faces in the collection.
        target_search_rate: Share of searches for a stranger that may have a match, above 0 and
            below 1.
    """
    pairs = _Pairs(sample)
    genuine = np.sort(pairs.scores[pairs.same])
    impostors = np.sort(pairs.scores[pairs.different])
    target_rate = -math.expm1(math.log1p(-target_search_rate) / max(1, faces))
    allowed = math.floor(target_rate * len(impostors))
    is_measured = allowed >= MIN_MATCHES
    if is_measured:
        threshold = math.nextafter(similarity_of_score(float(impostors[allowed])), 2.0)
    else:
        threshold = similarity_at(target_rate)
    pairs_needed = MIN_MATCHES / target_rate
    needed = wilson(MIN_MATCHES, max(MIN_MATCHES, round(pairs_needed)))
    one_person = (
        pairs.different
        & ~pairs.same_photo
        & (pairs.scores <= score_of_similarity(SAME_PERSON_SIMILARITY))
    )
    suspects = int(one_person.sum())
    expected = len(impostors) * false_match_rate_of(SAME_PERSON_SIMILARITY)
    return Calibration(
        faces=faces,
        sampled=len(sample),
        named=sum(each.identity.person is not None for each in sample),
        people=pairs.people,
        genuine=len(genuine),
        impostors=len(impostors),
        rates=[_rates(similarity, genuine, impostors, faces) for similarity in SIMILARITIES],
        target_search_rate=target_search_rate,
        threshold=min(1.0, threshold),
        is_measured=is_measured,
        has_wrong_names=false_match_rate_of(min(1.0, threshold)) < target_rate / 10,
        suspects=suspects if is_measured and suspects > 2 * expected + MIN_SUSPECTS else 0,
        faces_needed=math.ceil((1 + math.sqrt(1 + 8 * pairs_needed)) / 2),
        needed_interval=_interval_per_search(needed, faces),
        duplicates=pairs.listed(pairs.copies),
        one_person=pairs.listed(one_person),
        two_people=pairs.outsiders(),
        genuine_density=_density(genuine),
        impostor_density=_density(impostors),
    )


class _Pairs:
    """All pairs of faces of a sample, with the known people."""

    def __init__(self, sample: Sequence[SampledFace]) -> None:
        self._sample = sample
        self._one, self._other = np.triu_indices(len(sample), 1)
        embeddings = np.array([each.face.embedding for each in sample], np.float32).reshape(
            len(sample), 128
        )
        self.distances = _distances(embeddings)
        means = np.array([each.stats.mean for each in sample])
        deviations = np.array([each.stats.deviation for each in sample])
        one, other = self._one, self._other
        self.scores: NDArray[np.float64] = (
            (self.distances - means[one]) / deviations[one]
            + (self.distances - means[other]) / deviations[other]
        ) / 2
        # few faces differ in their names in corrections
        mentioned = frozenset[str]().union(*(each.identity.denied for each in sample))
        identities, which = _numbers(
            [replace(each.identity, names=each.identity.names & mentioned) for each in sample]
        )
        stated = _stated(identities)[which[one], which[other]]
        self.people = _count_people(identities)
        users = _numbers([each.identity.user_id for each in sample])[1]
        photos = _numbers([each.face.record.image_id for each in sample])[1]
        self.same_photo: NDArray[np.bool_] = photos[one] == photos[other]
        # a collage may show a person twice
        repeated = self.same_photo & (users[one] >= 0) & (users[one] == users[other])
        self.same = (stated == _SAME) & ~self.same_photo
        self.different = ((stated == _DIFFERENT) | self.same_photo) & ~repeated
        # one face under two names does not show two people
        self.copies = self._copies()
        self.same &= ~self.copies
        self.different &= ~self.copies

    def _copies(self) -> NDArray[np.bool_]:
        """Return which pairs are of one face in copies of a photo, or in a photo indexed twice."""
        copies: NDArray[np.bool_] = self.distances <= DUPLICATE_DISTANCE
        for position in np.flatnonzero(self.same_photo & ~copies):
            one, other = self._sample[self._one[position]], self._sample[self._other[position]]
            copies[position] = is_same_face(one.face.record, other.face.record)
        return copies

    def listed(self, chosen: NDArray[np.bool_]) -> list[DoubtfulPair]:
        """Return at most ``SHOWN`` of the chosen pairs, most similar first."""
        positions = np.flatnonzero(chosen)
        return [
            self._pair(position)
            for position in positions[np.argsort(self.scores[positions])][:SHOWN]
        ]

    def outsiders(self) -> list[DoubtfulPair]:
        """Return the faces that resemble no other face of their name, least similar first.

        Each is paired with the most similar face of its name. At most ``SHOWN`` are returned.
        """
        positions = np.flatnonzero(self.same)
        best = np.full(len(self._sample), -1)
        for position in positions[np.argsort(-self.scores[positions])]:
            best[self._one[position]] = best[self._other[position]] = position
        limit = score_of_similarity(OTHER_PERSON_SIMILARITY)
        found = sorted(
            {int(position) for position in best if position >= 0 and self.scores[position] > limit},
            key=lambda position: -self.scores[position],
        )
        return [self._pair(position) for position in found[:SHOWN]]

    def _pair(self, position: int) -> DoubtfulPair:
        one, other = self._sample[self._one[position]], self._sample[self._other[position]]
        # the distances of all pairs are rounded; equal embeddings are 0 apart
        copies = np.array_equal(one.face.embedding, other.face.embedding)
        return DoubtfulPair(
            one.face.record.face_id,
            other.face.record.face_id,
            one.identity.person,
            other.identity.person,
            1.0 if copies else similarity_of_score(float(self.scores[position])),
        )


def _distances(embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the distances of all pairs, in the order of ``numpy.triu_indices``."""
    rows = embeddings.astype(np.float64)
    squares = np.einsum("ij,ij->i", rows, rows)
    parts = [np.empty(0)]
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        squared = squares[start : start + _BLOCK, None] + squares - 2 * block @ rows.T
        parts += [
            np.maximum(own[start + position + 1 :], 0) for position, own in enumerate(squared)
        ]
    return np.sqrt(np.concatenate(parts))


def _numbers(values: Sequence[Value | None]) -> tuple[list[Value], NDArray[np.int64]]:
    """Return the distinct values, and the position of each value among them, -1 for None."""
    numbers: dict[Value, int] = {}
    positions = [
        -1 if value is None else numbers.setdefault(value, len(numbers)) for value in values
    ]
    return list(numbers), np.array(positions, np.int64)


def _stated(identities: Sequence[Identity]) -> NDArray[np.int8]:
    """Return whether each pair of identities is known to be one person or two, of shape (n, n)."""
    stated = np.empty((len(identities), len(identities)), np.int8)
    for row, one in enumerate(identities):
        for column in range(row + 1):
            same = is_one_person(one, identities[column])
            value = _UNKNOWN if same is None else _SAME if same else _DIFFERENT
            stated[row, column] = stated[column, row] = value
    return stated


def _count_people(identities: Sequence[Identity]) -> int:
    """Return the number of people with an id or a name.

    If a face has both a person and a name, only the person is counted.
    """
    people = {each.person for each in identities} - {None}
    return len(people - {each.name for each in identities if each.name != each.person})


def _rates(
    similarity: float, genuine: NDArray[np.float64], impostors: NDArray[np.float64], faces: int
) -> CalibratedRate:
    threshold = score_of_similarity(similarity)
    matches = int(np.searchsorted(impostors, threshold, "right"))
    missed = len(genuine) - int(np.searchsorted(genuine, threshold, "right"))
    rate = wilson(matches, len(impostors))
    return CalibratedRate(
        similarity,
        false_match_rate_of(similarity),
        rate,
        _interval_per_search(rate, faces),
        wilson(missed, len(genuine)),
    )


def _interval_per_search(rate: Interval, faces: int) -> Interval:
    return Interval(*(_per_search(each, faces) for each in (rate.rate, rate.low, rate.high)))


def _per_search(rate: float, faces: int) -> float:
    """Return the share of searches with a match among ``faces``, from the rate per comparison."""
    return 1.0 if rate >= 1 else -math.expm1(faces * math.log1p(-rate))


def _density(scores: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return similarities with the share of pairs around each."""
    if not len(scores):
        return []
    edges = np.linspace(0, 1, BINS + 1)
    step = max(1, len(scores) // MAX_DENSITY)
    similarities = [similarity_of_score(score) for score in scores[::step].tolist()]
    counts, _ = np.histogram(similarities, edges)
    middles = (edges[:-1] + edges[1:]) / 2
    return list(zip(middles.tolist(), (counts / counts.sum()).tolist(), strict=True))
