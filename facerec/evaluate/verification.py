"""Measures how often photos are judged correctly to show the same person, or different people."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facerec.errors import InvalidInputError
from facerec.evaluate.faces import DescribedFaces
from facerec.evaluate.pairs import LabelledPair
from facerec.evaluate.people import people_of
from facerec.evaluate.rates import (
    Interval,
    MissRate,
    ScoredPairs,
    accuracies,
    curve,
    miss_rates,
    wilson,
)
from facerec.gallery.scores.normalisation import (
    false_match_rate_of,
    score_of_similarity,
    similarity_of_score,
)

MAX_PHOTOS_OF_ALL_PAIRS = 6_000
"""Maximum number of photos that are all compared with each other. If there are more, a random
sample of this size is compared: 18 million pairs, which take 0.6 GB."""

SIMILARITIES = (0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99)
ERRORS_SHOWN = 24
_BLOCK = 256


@dataclass(frozen=True, slots=True)
class PairError:
    """A pair that is judged wrongly, with its distance and similarity."""

    image_a: str
    image_b: str
    distance: float
    similarity: float


@dataclass(frozen=True, slots=True)
class ThresholdRates:
    """The predicted and the measured error rates at a similarity.

    Attributes:
        similarity: The threshold.
        predicted_false_match_rate: False match rate that the scale of similarity predicts.
        false_match_rate: Share of the pairs of different people that reach the threshold.
        false_matches: Number of these pairs.
        false_non_match_rate: Share of the pairs of one person that do not reach the threshold.
    """

    similarity: float
    predicted_false_match_rate: float
    false_match_rate: float
    false_matches: int
    false_non_match_rate: Interval


@dataclass(frozen=True, slots=True)
class CohortRates:
    """The error rates of the labelled pairs of a cohort at the default similarity of 0.8.

    Attributes:
        column: Name of the column of the cohort.
        value: The cohort.
        false_match_rate: Share of the pairs of different people that match.
        different: Number of pairs of different people.
        false_non_match_rate: Share of the pairs of one person that do not match.
        same: Number of pairs of one person.
    """

    column: str
    value: str
    false_match_rate: Interval
    different: int
    false_non_match_rate: Interval
    same: int


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of judging labelled pairs.

    Attributes:
        photos: Number of photos in the pairs.
        failures: Reasons why photos have no face, by name.
        labelled_pairs: Number of pairs in the file.
        pairs_without_a_face: Number of labelled pairs with a photo that has no face.
        all_pairs: Whether pairs of all photos were judged, because folders name people.
        genuine: Number of pairs of one person that were judged.
        impostors: Number of pairs of different people that were judged.
        share_without_a_face: Share of the pairs of one person that were not judged, because a photo
            has no face. Miss rates do not count them.
        accuracy: Accuracy and score threshold of each fold; empty without folds.
        plain_accuracy: The same by plain distance.
        miss_rates: Miss rates at chosen false match rates, by normalised score.
        plain_miss_rates: The same by plain distance.
        thresholds: Error rates by similarity.
        cohorts: Error rates by cohort.
        curve: False match rates with false non-match rates, by normalised score.
        plain_curve: The same by plain distance.
        false_matches: The most similar pairs of different people with a similarity of at least 0.5;
            at most ``ERRORS_SHOWN``.
        false_non_matches: The least similar pairs of one person with a similarity below 0.5; at
            most ``ERRORS_SHOWN``.
    """

    photos: int
    failures: dict[str, str]
    labelled_pairs: int
    pairs_without_a_face: int
    all_pairs: bool
    genuine: int
    impostors: int
    share_without_a_face: float
    accuracy: dict[str, tuple[float, float]]
    plain_accuracy: dict[str, tuple[float, float]]
    miss_rates: list[MissRate]
    plain_miss_rates: list[MissRate]
    thresholds: list[ThresholdRates]
    cohorts: list[CohortRates]
    curve: list[tuple[float, float]]
    plain_curve: list[tuple[float, float]]
    false_matches: list[PairError]
    false_non_matches: list[PairError]


@dataclass(frozen=True, slots=True, eq=False)
class _JudgedPairs:
    """Pairs of faces by position, with their scores."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    distances: NDArray[np.float64]
    scores: NDArray[np.float64]
    same: NDArray[np.bool_]


def verify(pairs: Sequence[LabelledPair], faces: DescribedFaces) -> Verification:
    """Judge labelled pairs.

    Args:
        pairs: Pairs to judge. Each fold has pairs of both kinds.
        faces: The described faces of their photos.

    Raises:
        InvalidInputError: Faces were found in too few photos to judge both kinds of pairs.
    """
    people, all_pairs = people_of(pairs)
    numbers = np.unique([people[name] for name in faces.names], return_inverse=True)[1]
    numbers = numbers.astype(np.int64)
    labelled, found = _labelled_pairs(pairs, faces)
    judged = _all_pairs(faces, numbers) if all_pairs else labelled
    if judged.same.all() or not judged.same.any():
        raise InvalidInputError(
            "no pair of one person, or no pair of different people, has a face in both photos; "
            f"photos without a face: {len(faces.failures):,}",
            "error rates need pairs of one person and pairs of different people",
        )
    photos_of = np.bincount(numbers)
    genuine, impostors = (
        _scored(judged, numbers, judged.same == kind, judged.scores) for kind in (True, False)
    )
    plain_genuine, plain_impostors = (
        _scored(judged, numbers, judged.same == kind, judged.distances) for kind in (True, False)
    )
    return Verification(
        photos=len(faces.names) + len(faces.failures),
        failures=faces.failures,
        labelled_pairs=len(pairs),
        pairs_without_a_face=len(pairs) - int(found.sum()),
        all_pairs=all_pairs,
        genuine=len(genuine),
        impostors=len(impostors),
        share_without_a_face=_share_without_a_face(
            people if all_pairs else None, numbers, pairs, found
        ),
        accuracy=_fold_accuracies(pairs, labelled.scores, found),
        plain_accuracy=_fold_accuracies(pairs, labelled.distances, found),
        miss_rates=miss_rates(genuine, impostors, photos_of),
        plain_miss_rates=miss_rates(plain_genuine, plain_impostors, photos_of),
        thresholds=_threshold_rates(genuine.scores, impostors.scores),
        cohorts=_cohort_rates(
            [pair for pair, has in zip(pairs, found, strict=True) if has], labelled
        ),
        curve=curve(genuine.scores, impostors.scores),
        plain_curve=curve(plain_genuine.scores, plain_impostors.scores),
        false_matches=_errors(faces, judged, same=False),
        false_non_matches=_errors(faces, judged, same=True),
    )


def _share_without_a_face(
    people: Mapping[str, str] | None,
    described: NDArray[np.int64],
    pairs: Sequence[LabelledPair],
    found: NDArray[np.bool_],
) -> float:
    """Return the share of the pairs of one person with a photo in which no face was found.

    Args:
        people: Person of each photo if all pairs of photos count; None for the labelled pairs.
        described: Number of the person of each photo with a face.
        pairs: The labelled pairs.
        found: Whether both photos of each labelled pair have a face.
    """
    if people is None:
        same = np.array([pair.same for pair in pairs])
        return float(np.mean(~found[same])) if same.any() else 0.0
    photos, judged = (
        sum(math.comb(count, 2) for count in Counter(own).values())
        for own in (people.values(), described.tolist())
    )
    return 1 - judged / photos if photos else 0.0


def _labelled_pairs(
    pairs: Sequence[LabelledPair], faces: DescribedFaces
) -> tuple[_JudgedPairs, NDArray[np.bool_]]:
    """Return the labelled pairs whose faces were found, and a mask of them among all pairs."""
    positions = {name: position for position, name in enumerate(faces.names)}
    found = np.array([pair.image_a in positions and pair.image_b in positions for pair in pairs])
    with_faces = [pair for pair, has in zip(pairs, found, strict=True) if has]
    one = np.array([positions[pair.image_a] for pair in with_faces], np.int64)
    other = np.array([positions[pair.image_b] for pair in with_faces], np.int64)
    distances, scores = faces.scores(one, other)
    same = np.array([pair.same for pair in with_faces], bool)
    return _JudgedPairs(one, other, distances, scores, same), found


def _all_pairs(faces: DescribedFaces, people: NDArray[np.int64]) -> _JudgedPairs:
    """Return the pairs of all photos, or of a sample of them."""
    chosen = np.arange(len(faces.names))
    if len(chosen) > MAX_PHOTOS_OF_ALL_PAIRS:
        random = np.random.default_rng(0)
        chosen = np.sort(random.choice(chosen, MAX_PHOTOS_OF_ALL_PAIRS, replace=False))
    embeddings = faces.embeddings[chosen].astype(np.float64)
    squares = np.einsum("ij,ij->i", embeddings, embeddings)
    ones, others, distances = [], [], []
    for start in range(0, len(chosen), _BLOCK):
        block = slice(start, start + _BLOCK)
        squared = squares[block, None] + squares - 2 * embeddings[block] @ embeddings.T
        row, column = np.nonzero(np.arange(len(chosen)) > np.arange(len(squared))[:, None] + start)
        ones.append(chosen[row + start])
        others.append(chosen[column])
        distances.append(np.sqrt(np.maximum(squared[row, column], 0)))
    one, other, distance = (np.concatenate(parts) for parts in (ones, others, distances))
    scores = faces.normalised(distance, one, other)
    return _JudgedPairs(one, other, distance, scores, people[one] == people[other])


def _scored(
    judged: _JudgedPairs,
    people: NDArray[np.int64],
    kind: NDArray[np.bool_],
    scores: NDArray[np.float64],
) -> ScoredPairs:
    return ScoredPairs(scores[kind], people[judged.one[kind]], people[judged.other[kind]])


def _fold_accuracies(
    pairs: Sequence[LabelledPair],
    scores: NDArray[np.float64],
    found: NDArray[np.bool_],
) -> dict[str, tuple[float, float]]:
    folds = np.array([pair.fold for pair in pairs])
    if len(np.unique(folds)) < 2:
        return {}
    all_scores = np.full(len(pairs), np.inf)
    all_scores[found] = scores
    return accuracies(all_scores, np.array([pair.same for pair in pairs]), folds)


def _threshold_rates(
    genuine: NDArray[np.float64], impostors: NDArray[np.float64]
) -> list[ThresholdRates]:
    rates = []
    for similarity in SIMILARITIES:
        threshold = score_of_similarity(similarity)
        matches = int(np.sum(impostors <= threshold))
        rates.append(
            ThresholdRates(
                similarity,
                false_match_rate_of(similarity),
                matches / len(impostors),
                matches,
                wilson(int(np.sum(genuine > threshold)), len(genuine)),
            )
        )
    return rates


def _cohort_rates(pairs: Sequence[LabelledPair], labelled: _JudgedPairs) -> list[CohortRates]:
    threshold = score_of_similarity(0.8)
    matched = labelled.scores <= threshold
    rates = []
    for column in pairs[0].cohorts if pairs else ():
        values = np.array([pair.cohorts[column] for pair in pairs])
        for value in np.unique(values):
            same, different = (
                matched[(values == value) & (labelled.same == kind)] for kind in (True, False)
            )
            rates.append(
                CohortRates(
                    column,
                    str(value),
                    wilson(int(different.sum()), len(different)),
                    len(different),
                    wilson(int((~same).sum()), len(same)),
                    len(same),
                )
            )
    return rates


def _errors(faces: DescribedFaces, judged: _JudgedPairs, *, same: bool) -> list[PairError]:
    """Return the worst false non-matches, or false matches, at a similarity of 0.5."""
    threshold = score_of_similarity(0.5)
    wrong = judged.scores > threshold if same else judged.scores <= threshold
    positions = np.flatnonzero((judged.same == same) & wrong)
    scores = judged.scores[positions]
    order = positions[np.argsort(-scores if same else scores)][:ERRORS_SHOWN]
    return [
        PairError(
            faces.names[judged.one[position]],
            faces.names[judged.other[position]],
            float(judged.distances[position]),
            similarity_of_score(float(judged.scores[position])),
        )
        for position in order
    ]
