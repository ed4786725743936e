"""Compare decisions with a plain threshold that names as many people correctly.

    python -m benchmarks.decisions [--data FOLDER] [--json FILE]

Needs ``lfw/`` in the folder. 1,000 people of LFW are enrolled, with one photo each or up to three,
under names of their own. Probes are another photo of 600 of them, and a photo of everybody who is
not enrolled. Open-set misses are also measured with 364 people, each with a probe. Four random
choices of people are added up. A plain threshold names the most similar person who reaches it; a
decision does so only if nobody else is within a margin. Takes five minutes on one core.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate_similarity import described, numbers
from benchmarks.support.results import DATA, arguments, finish, show
from facerec.engine.engine import open_engine
from facerec.evaluate.faces import DescribedFaces
from facerec.gallery.scores.normalisation import score_of_similarity, similarity_of_score
from facerec.gallery.search.decision import MARGIN


@dataclass(frozen=True)
class Enrolment:
    """How many people are enrolled, with how many photos each, and how many have a probe.

    LFW has only one photo of each person without a probe.
    """

    people: int
    with_probe: int
    photos: int


COMPARED = (Enrolment(1_000, 600, photos=1), Enrolment(1_000, 600, photos=3))
OF_TARGET = Enrolment(364, 364, photos=1)
"""The enrolment for which ``docs/accuracy.md`` has a target."""

SEEDS = 4
RULES = ((0.8, MARGIN), (0.8, 1.0), (0.8, 3.0), (0.9, MARGIN), (0.95, MARGIN), (0.95, 3.0))
"""Thresholds and margins."""

FALSE_POSITIVES = 0.01
"""Share of strangers who may be named, for open-set misses."""


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    faces = described(options.data / "lfw" / "images", open_engine(threads=1))
    people = numbers([name.split("/")[0] for name in faces.names])
    results = {}
    for enrolment in (*COMPARED, OF_TARGET):
        splits = [_searched(faces, people, enrolment, seed) for seed in range(SEEDS)]
        best, lead, known, right = (np.concatenate(part) for part in zip(*splits, strict=True))
        title = f"{enrolment.people:,} people, up to {enrolment.photos} photos of each"
        misses = _open_set_misses(best, known, right)
        if enrolment in COMPARED:
            show(title, _compared(best, lead, known, right))
        print(
            f"{title}: {known.sum():,} known probes, {(~known).sum():,} strangers; at a threshold "
            f"that names {FALSE_POSITIVES:.0%} of the strangers, {misses:.1%} of the known are "
            "missed"
        )
        results[title] = misses
    finish("decisions", results, options.json)


def _searched(
    faces: DescribedFaces, people: NDArray[np.int64], enrolment: Enrolment, seed: int
) -> tuple[NDArray[Any], ...]:
    """Return best score, lead over the next person, whether known, and whether right, by probe."""
    enrolled, probes = _chosen(people, enrolment, np.random.default_rng(seed))
    held = np.isin(people[probes], people[enrolled])
    best, lead, right = [], [], []
    for place in probes:
        scores = faces.scores(np.full(len(enrolled), place), enrolled)[1]
        first = np.argmin(scores)
        others = scores[people[enrolled] != people[enrolled[first]]]
        best.append(scores[first])
        lead.append(others.min() - scores[first])
        right.append(people[enrolled[first]] == people[place])
    return np.array(best), np.array(lead), held, np.array(right)


def _chosen(
    people: NDArray[np.int64], enrolment: Enrolment, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of enrolled photos and of probes."""
    counts = np.bincount(people)
    several = random.permutation(np.flatnonzero(counts > 1))
    single = random.permutation(np.flatnonzero(counts == 1))
    places = [np.flatnonzero(people == person) for person in range(len(counts))]
    enrolled, probes = [], []
    for person in several[: enrolment.with_probe]:
        held = min(enrolment.photos, len(places[person]) - 1)
        enrolled += places[person][:held].tolist()
        probes.append(places[person][held])
    others = enrolment.people - enrolment.with_probe
    enrolled += [places[person][0] for person in single[:others]]
    probes += [places[person][0] for person in (*several[enrolment.with_probe :], *single[others:])]
    return np.array(enrolled), np.array(probes)


def _compared(
    best: NDArray[np.float64],
    lead: NDArray[np.float64],
    known: NDArray[np.bool_],
    right: NDArray[np.bool_],
) -> list[dict[str, Any]]:
    """Return the names that rules give, and those of a plain threshold with as many right ones."""
    rights = np.sort(best[known & right])
    rows = []
    for threshold, margin in RULES:
        named = (best <= score_of_similarity(threshold)) & (lead > margin)
        limit = rights[int((named & known & right).sum()) - 1]
        row: dict[str, Any] = {"threshold": threshold, "margin": margin}
        for rule, names in (("", named), ("plain ", best <= limit)):
            row[f"{rule}right"] = int((names & known & right).sum())
            row[f"{rule}wrong"] = int((names & known & ~right).sum())
            row[f"{rule}strangers"] = int((names & ~known).sum())
        row["plain threshold"] = round(similarity_of_score(float(limit)), 3)
        rows.append(row)
    return rows


def _open_set_misses(
    best: NDArray[np.float64], known: NDArray[np.bool_], right: NDArray[np.bool_]
) -> float:
    """Return the share of known probes that are not named correctly at 1 % of strangers named."""
    limit = np.quantile(best[~known], FALSE_POSITIVES)
    return 1 - float((best[known & right] < limit).sum()) / int(known.sum())


if __name__ == "__main__":
    main()
