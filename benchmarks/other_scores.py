"""Compare other scores of two faces with the shipped one.

    python -m benchmarks.other_scores [--data FOLDER] [--json FILE]

Needs ``lfw/`` and ``fairface/`` in the folder. Most of the scores need only what is stored of a
face: its embedding, and mean and deviation of its nearest vectors of the cohort. Misses and
accuracy are of LFW with the shipped cohort; rates by age and of groups are of both halves of
FairFace, at 1e-3 over all pairs, each with a cohort of the other half. Then scores are chosen on
half of LFW's people and checked on the other half. Takes seven minutes on one core.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate_similarity import SEEDS, against, described, numbers
from benchmarks.cohorts import AGES
from benchmarks.group_ratio import Halves, halves_of_fairface
from benchmarks.support.results import DATA, arguments, finish, show
from facerec.engine.describe import cohort as constants
from facerec.engine.describe.cohort import Cohort
from facerec.engine.engine import open_engine
from facerec.evaluate.faces import DescribedFaces
from facerec.evaluate.pairs import read_pairs
from facerec.evaluate.rates import accuracies
from training.cohort.build import typical_deviation

RATES = (1e-3, 1e-4, 1e-5)
METRIC_POWER = 0.25
"""Power of the covariance by which a learned metric shrinks differences; 0.5 is the full one, with
which the other half is missed more often."""

Values = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of faces, with what is stored of each face; all arrays are of shape (n,)."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    distances: Values
    means: tuple[Values, Values]
    deviations: tuple[Values, Values]


Score = Callable[[Pairs], Values]


def shipped(pairs: Pairs) -> Values:
    """Return the mean of the distances normalised by either side."""
    return (_side(pairs, 0) + _side(pairs, 1)) / 2


def power(share: float, exponent: float) -> Score:
    """Return a score that subtracts a share of the means, and divides by a power of deviations."""

    def score(pairs: Pairs) -> Values:
        mean = (pairs.means[0] + pairs.means[1]) / 2
        deviation = (pairs.deviations[0] + pairs.deviations[1]) / 2
        return (pairs.distances - np.float32(share) * mean) / deviation ** np.float32(exponent)

    return score


def with_distance(weight: float) -> Score:
    """Return the shipped score to which a multiple of the distance is added."""
    return lambda pairs: shipped(pairs) + np.float32(weight) * pairs.distances


def _side(pairs: Pairs, side: int) -> Values:
    return (pairs.distances - pairs.means[side]) / pairs.deviations[side]


SCORES: dict[str, Score] = {
    "distance": lambda pairs: pairs.distances,
    "**shipped**": shipped,
    "larger of both sides": lambda pairs: np.maximum(_side(pairs, 0), _side(pairs, 1)),
    "smaller of both sides": lambda pairs: np.minimum(_side(pairs, 0), _side(pairs, 1)),
    "distance to the geometric mean of the means": lambda pairs: (
        pairs.distances / np.sqrt(pairs.means[0] * pairs.means[1])
    ),
    "shipped + 6 distances": with_distance(6),
    "shipped + 20 distances": with_distance(20),
} | {
    f"{share:g} of the means, deviation^{exponent:g}": power(share, exponent)
    for share, exponent in ((0.6, 0), (0.8, 0), (0.8, 1), (0.9, 0), (0.9, 0.5), (1, 0), (1, 1))
}

CHOICES: dict[str, Score] = {
    f"{share:g} of the means, deviation^{exponent:g}": power(share, exponent)
    for share in (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1)
    for exponent in (0.0, 0.5, 1.0)
} | {f"shipped + {weight} distances": with_distance(weight) for weight in (1, 3, 6, 10, 20, 40)}
"""The scores among which half of the people choose."""

STATS: dict[str, Any] = {
    "10 and 20 nearest": {"NEAREST_CLEAR": 10, "NEAREST_DAMAGED": 20},
    "50 nearest": {"NEAREST_CLEAR": 50, "NEAREST_DAMAGED": 50},
    "100 nearest": {"NEAREST_CLEAR": 100, "NEAREST_DAMAGED": 100},
    "200 nearest": {"NEAREST_CLEAR": 200, "NEAREST_DAMAGED": 200},
    "300 nearest": {"NEAREST_CLEAR": 300, "NEAREST_DAMAGED": 300},
    "typical deviation only": {"OWN_SHARE": 0.0},
    "own deviation only": {"OWN_SHARE": 1.0},
}
"""Other constants of the stats; they would change what is stored of each face."""


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    lfw = described(options.data / "lfw" / "images", open_engine(threads=1))
    people = numbers([name.split("/")[0] for name in lfw.names])
    halves = halves_of_fairface(options.data / "fairface")
    rows = score_rows(lfw, people, halves, options.data / "lfw", SCORES)
    for name, changes in STATS.items():
        with patch.multiple(constants, **changes):
            stats = against(Cohort.load(), lfw, np.arange(len(people)))
            rows += score_rows(stats, people, halves, options.data / "lfw", {name: shipped})
    show("Scores", rows)
    chosen = [row for seed in range(SEEDS) for row in chosen_on_half(lfw, people, seed)]
    show("Scores chosen on one half of the people, for misses at 1e-3; misses of the other", chosen)
    finish("other_scores", {"scores": rows, "chosen": chosen}, options.json)


def all_pairs(faces: DescribedFaces) -> Pairs:
    """Return all pairs of faces."""
    one, other = np.triu_indices(len(faces.names), 1)
    return pairs_of(faces, one, other)


def pairs_of(faces: DescribedFaces, one: NDArray[np.int64], other: NDArray[np.int64]) -> Pairs:
    """Return pairs of faces, given by their indexes."""
    vectors = faces.embeddings.astype(np.float64)
    squares = (vectors**2).sum(axis=1)
    squared = squares[:, None] + squares - 2 * vectors @ vectors.T
    distances = np.sqrt(np.maximum(squared, 0)).astype(np.float32)[one, other]
    means, deviations = (own.astype(np.float32) for own in (faces.means, faces.deviations))
    return Pairs(
        one, other, distances, (means[one], means[other]), (deviations[one], deviations[other])
    )


def score_rows(
    lfw: DescribedFaces,
    people: NDArray[np.int64],
    halves: Halves,
    folder: Path,
    scores: dict[str, Score],
) -> list[dict[str, Any]]:
    """Return the figures of scores on LFW and FairFace."""
    pairs = all_pairs(lfw)
    fairface = [(places, all_pairs(own)) for places, own in halves.measured()]
    same = people[pairs.one] == people[pairs.other]
    labelled = read_pairs(folder / "pairs.csv", folder / "images")
    place_of = {name: place for place, name in enumerate(lfw.names)}
    judged = pairs_of(
        lfw,
        np.array([place_of[pair.image_a] for pair in labelled]),
        np.array([place_of[pair.image_b] for pair in labelled]),
    )
    truth = np.array([pair.same for pair in labelled])
    folds = np.array([pair.fold for pair in labelled])
    rows = []
    for name, score in scores.items():
        accuracy = accuracies(score(judged).astype(np.float64), truth, folds)
        rates = rates_of_kinds(halves, fairface, score)
        groups = [rates[group] for group in np.unique(halves.groups)]
        rows.append(
            {"score": name}
            | misses(score(pairs), same)
            | {"accuracy": float(np.mean([each for each, _ in accuracy.values()]))}
            | {"groups": max(groups) / min(groups)}
            | {age: rates[age] for age in AGES}
        )
    return rows


def misses(scores: Values, same: NDArray[np.bool_]) -> dict[str, float]:
    """Return the share of pairs of one person that are missed, by false match rate."""
    impostors = scores[~same]
    highest = int(max(RATES) * len(impostors)) + 1
    kept = np.sort(np.partition(impostors, highest)[:highest])
    return {
        f"{rate:.0e}": float(np.mean(scores[same] > kept[round(rate * len(impostors)) - 1]))
        for rate in RATES
    }


def rates_of_kinds(
    halves: Halves, fairface: list[tuple[NDArray[np.int64], Pairs]], score: Score
) -> dict[str, float]:
    """Return false match rates of ages and groups, at 1e-3 over all pairs of either half."""
    kinds = {name: np.isin(halves.ages, members) for name, members in AGES.items()}
    kinds |= {group: halves.groups == group for group in np.unique(halves.groups).tolist()}
    counts = dict.fromkeys(kinds, (0, 0))
    for places, pairs in fairface:
        scores = score(pairs)
        matched = scores <= np.quantile(scores, 1e-3)
        for kind, members in kinds.items():
            inside = members[places][pairs.one] & members[places][pairs.other]
            matches, total = counts[kind]
            counts[kind] = (matches + int((inside & matched).sum()), total + int(inside.sum()))
    return {kind: matches / total for kind, (matches, total) in counts.items()}


def chosen_on_half(
    lfw: DescribedFaces, people: NDArray[np.int64], seed: int
) -> list[dict[str, Any]]:
    """Choose a score on each half of the people, and return the misses of the other half."""
    order = np.random.default_rng(seed).permutation(people.max() + 1)
    first = np.isin(people, order[: people.max() // 2])
    found = []
    for members in (first, ~first):
        own = people[members]
        pairs = all_pairs(part(lfw, np.flatnonzero(members)))
        same = own[pairs.one] == own[pairs.other]
        found.append(
            {name: misses(score(pairs), same) for name, score in (CHOICES | {"": shipped}).items()}
        )
    rows = []
    for half, (mine, theirs) in enumerate(zip(found, found[::-1], strict=True)):
        choice = min(CHOICES, key=lambda name: mine[name]["1e-03"])
        learned = learned_misses(lfw, people, first if half == 0 else ~first)
        row: dict[str, Any] = {"split": seed, "chosen on": half + 1, "chosen": choice}
        for rate in theirs[""]:
            row |= {
                f"shipped {rate}": theirs[""][rate],
                f"chosen {rate}": theirs[choice][rate],
                f"learned {rate}": learned[rate],
            }
        rows.append(row)
    return rows


def part(faces: DescribedFaces, places: NDArray[np.int64]) -> DescribedFaces:
    """Return some of the faces, with their stats."""
    return DescribedFaces(
        [faces.names[place] for place in places],
        [faces.boxes[place] for place in places],
        faces.embeddings[places],
        faces.means[places],
        faces.deviations[places],
        {},
    )


def learned_misses(
    faces: DescribedFaces, people: NDArray[np.int64], taught: NDArray[np.bool_]
) -> dict[str, float]:
    """Learn a metric on some of the people, and return the misses of the others.

    The differences between photos of one person are made smaller where they vary most (a power of
    their covariance; Hatch et al. 2006, "Within-class covariance normalization for SVM-based
    speaker recognition"), in the embeddings and in the cohort.
    """
    spread = [
        own - own.mean(axis=0)
        for person in np.unique(people[taught])
        if len(own := faces.embeddings[people == person].astype(np.float64)) > 1
    ]
    values, axes = np.linalg.eigh(np.cov(np.concatenate(spread).T))
    metric = (axes * (values + values.mean()) ** -METRIC_POWER).astype(np.float32)
    places = np.flatnonzero(~taught)
    others = part(faces, places)
    with np.load(str(files(constants.__package__ or "") / "cohort-fast.npz")) as content:
        vectors = content["vectors"].astype(np.float32) * content["step"] @ metric
        clear = int(content["clear"])
    cohort = Cohort(
        vectors,
        clear=clear,
        typical_deviation=typical_deviation(vectors[:clear], vectors[:clear].astype(np.float64)),
        version="learned",
    )
    own = people[places]
    mapped = replace(others, embeddings=others.embeddings @ metric)
    pairs = all_pairs(against(cohort, mapped, np.arange(len(places))))
    return misses(shipped(pairs), own[pairs.one] == own[pairs.other])


if __name__ == "__main__":
    main()
