"""Measure how exact the ratio of the largest to the smallest false match rate of groups is.

    python -m benchmarks.group_ratio [--data FOLDER] [--json FILE]

Needs ``fairface/`` in the folder. Rates are of both halves of its people, each with a cohort of the
other, at thresholds of rates over all pairs of a half. People are resampled, since pairs that share
a person are not independent. Takes four minutes on one core.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate_similarity import (
    against,
    cohort_of,
    described,
    group_names,
    halves_of,
    labels_of,
)
from benchmarks.support.results import DATA, arguments, finish, show
from facerec.engine.describe.cohort import Cohort
from facerec.engine.engine import open_engine
from facerec.evaluate.faces import DescribedFaces
from training.cohort.build import CHILD_AGES

RATES = (1e-3, 1e-2)
"""False match rates over all pairs at which the groups are compared."""

RESAMPLES = 2_000
TRUE_RATIOS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
"""Ratios that groups might have in truth."""

Squares = list[tuple[NDArray[np.float64], ...]]
"""For each group, a symmetric matrix of scores of its people in each half."""

Matched = list[tuple[NDArray[np.bool_], ...]]
"""For each group, which pairs of its people match, as such matrices."""


@dataclass(frozen=True, eq=False)
class Halves:
    """Both halves of FairFace's people, each with a cohort of the other half."""

    faces: DescribedFaces
    cohorts: tuple[Cohort, Cohort]
    places: tuple[NDArray[np.int64], NDArray[np.int64]]
    ages: NDArray[np.str_]
    groups: NDArray[np.str_]

    def measured(self) -> list[tuple[NDArray[np.int64], DescribedFaces]]:
        """Return the places of each half, and its faces with their stats."""
        return [
            (places, against(cohort, self.faces, places))
            for cohort, places in zip(self.cohorts, self.places, strict=True)
        ]


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    halves = halves_of_fairface(options.data / "fairface")
    random = np.random.default_rng(0)
    rows, chances = [], []
    for rate in RATES:
        scores = scores_within(halves, rate)
        rows.append({"over all pairs": f"{rate:.0e}"} | ratio_row(scores, random))
        chances += [
            {"over all pairs": f"{rate:.0e}"} | chance_row(scores, ratio, random)
            for ratio in TRUE_RATIOS
        ]
    show("Largest to smallest rate of the groups", rows)
    show("What would be measured, by the ratio in truth", chances)
    finish("group_ratio", {"ratios": rows, "chances": chances}, options.json)


def halves_of_fairface(folder: Path) -> Halves:
    """Describe FairFace's photos, and create a cohort of each half."""
    engine = open_engine(threads=1)
    faces = described(folder, engine)
    labels = labels_of(folder, faces)
    ages = np.array([row["age"] for row in labels])
    children = np.isin(ages, list(CHILD_AGES))
    first, second = halves_of(len(labels))
    cohorts = (
        cohort_of(folder, faces, second, children, engine),
        cohort_of(folder, faces, first, children, engine),
    )
    return Halves(faces, cohorts, (first, second), ages, group_names(labels))


def scores_within(halves: Halves, rate: float) -> Squares:
    """Return the scores within each group, above the threshold of a rate over all pairs."""
    names = np.unique(halves.groups)
    found: list[list[NDArray[np.float64]]] = [[] for _ in names]
    for places, faces in halves.measured():
        one, other = np.triu_indices(len(places), 1)
        scores = faces.scores(one, other)[1]
        square = np.full((len(places), len(places)), np.inf)
        square[one, other] = square[other, one] = scores - np.quantile(scores, rate)
        groups = halves.groups[places]
        for own, name in zip(found, names, strict=True):
            own.append(square[np.ix_(groups == name, groups == name)])
    return [tuple(own) for own in found]


def ratio_row(scores: Squares, random: np.random.Generator) -> dict[str, Any]:
    """Return the ratio, its interval, and that of the same two groups in the other half."""
    matched: Matched = [tuple(half <= 0 for half in own) for own in scores]
    first, second = (rates_of([(own[half],) for own in matched]) for half in (0, 1))
    rates = rates_of(matched)
    low, high = np.quantile(resampled_ratios(matched, random), (0.025, 0.975), method="nearest")
    return {
        "rates": f"{rates.min():.2%} to {rates.max():.2%}",
        "ratio": rates.max() / rates.min(),
        "people resampled": f"{low:.1f} to {high:.1f}",
        "extremes of the first half, in the second": second[first.argmax()]
        / second[first.argmin()],
        "of the second, in the first": first[second.argmax()] / first[second.argmin()],
    }


def chance_row(scores: Squares, ratio: float, random: np.random.Generator) -> dict[str, Any]:
    """Return the ratios that would be measured if the true ratio of the groups were ``ratio``.

    The groups keep their order and the mean of their rates, and the rates grow by equal factors.
    Each group has the threshold at which it has its rate, and its people are resampled.
    """
    matched: Matched = [tuple(half <= 0 for half in own) for own in scores]
    rates = rates_of(matched)
    steps = ratio ** (rates.argsort().argsort() / (len(rates) - 1))
    aims = steps * rates.mean() / steps.mean()
    changed = [at_rate(own, aim) for own, aim in zip(scores, aims, strict=True)]
    ratios = resampled_ratios(changed, random)
    low, median, high = np.quantile(ratios, (0.025, 0.5, 0.975), method="nearest")
    pairs = np.array([pairs_of(own) for own in changed])
    independent = ratios_of(
        random.binomial(pairs, rates_of(changed), (RESAMPLES, len(pairs))) / pairs
    )
    return {
        "in truth": ratio,
        "measured, median": median,
        "95 %": f"{low:.1f} to {high:.1f}",
        "as high as measured, or higher": float(np.mean(ratios >= rates.max() / rates.min())),
        "median of independent pairs": float(np.median(independent)),
    }


def at_rate(scores: tuple[NDArray[np.float64], ...], rate: float) -> tuple[NDArray[np.bool_], ...]:
    """Return which pairs of a group match if ``rate`` is the share that matches."""
    ordered = np.sort(np.concatenate([own[np.triu_indices(len(own), 1)] for own in scores]))
    return tuple(own <= ordered[max(round(rate * len(ordered)), 1) - 1] for own in scores)


def rates_of(matched: Matched) -> NDArray[np.float64]:
    """Return the share of the pairs of each group that match."""
    return np.array([sum(own.sum() for own in group) / 2 / pairs_of(group) for group in matched])


def pairs_of(group: tuple[NDArray[np.bool_], ...]) -> int:
    """Return the number of pairs of a group within either half."""
    return sum(len(own) * (len(own) - 1) // 2 for own in group)


def resampled_ratios(matched: Matched, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the ratio in each resample of the people of each group."""
    rates = np.empty((RESAMPLES, len(matched)))
    for number, group in enumerate(matched):
        matches, pairs = np.zeros(RESAMPLES), np.zeros(RESAMPLES)
        for own in group:
            people = len(own)
            weights = random.multinomial(people, np.full(people, 1 / people), RESAMPLES)
            matches += ((weights @ own.astype(float)) * weights).sum(axis=1)
            pairs += people**2 - (weights**2).sum(axis=1)
        rates[:, number] = matches / pairs
    return ratios_of(rates)


def ratios_of(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest rate of each row over the smallest; infinite if that is 0."""
    smallest, largest = rates.min(axis=1), rates.max(axis=1)
    ratios = np.full(len(rates), np.inf)
    np.divide(largest, smallest, out=ratios, where=smallest > 0)
    return ratios


if __name__ == "__main__":
    main()
