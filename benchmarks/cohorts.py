"""Compare cohorts with other shares of children and of old people.

    python -m benchmarks.cohorts [--data FOLDER] [--json FILE]

Needs ``lfw/`` and ``fairface/`` in the folder. Rates by age and of groups are of both halves of
FairFace, at 1e-3 over all pairs, each with a cohort of the other half. Misses and accuracy are of
LFW, with the mixtures of all of FairFace and two random choices of them. The mixtures of damaged
faces are made in the same way for all. Takes five minutes on one core.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate_similarity import (
    against,
    described,
    group_names,
    halves_of,
    labels_of,
    numbers,
)
from benchmarks.support.results import DATA, arguments, finish, show
from facerec.engine.describe.cohort import Cohort
from facerec.engine.engine import open_engine
from facerec.evaluate.faces import DescribedFaces
from facerec.evaluate.pairs import read_pairs
from facerec.evaluate.rates import accuracies
from training.cohort.build import (
    CHILD_AGES,
    MATES,
    SAME_PERSON,
    damaged_mixtures,
    mixed,
    typical_deviation,
)

OLD_AGES = ("60-69", "more than 70")
AGES = {"up to 9": tuple(CHILD_AGES), "60 to 69": OLD_AGES[:1], "over 70": OLD_AGES[1:]}
RATES = (1e-3, 1e-5)
SEEDS = (1, 2)
FULL = 1_000
"""More general mixtures than these need more mates."""


@dataclass(frozen=True)
class Shares:
    """Numbers of mixtures, and of the most similar people of a group that each is mixed with."""

    general: int
    children: int
    child_mates: int
    old: int = 0
    old_mates: int = 8


CHOICES = (
    Shares(1_000, 1_000, 8),
    Shares(1_000, 1_000, 8, 600),
    Shares(800, 1_000, 12, 400),
    Shares(900, 1_000, 16, 300),
    Shares(1_000, 2_000, 16, 500),
    Shares(2_000, 2_000, 16, 600, 12),
)
"""The first is what ``training.cohort.build`` makes."""


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    engine = open_engine(threads=1)
    folder = options.data / "fairface"
    faces = described(folder, engine)
    labels = labels_of(folder, faces)
    ages, groups = np.array([row["age"] for row in labels]), group_names(labels)
    lfw = described(options.data / "lfw" / "images", engine)
    paths = [folder / name for name in faces.names]
    everybody = np.arange(len(paths))
    halves = halves_of(len(paths))
    damages = [
        damaged_mixtures([paths[place] for place in places], engine, np.random.default_rng(0))
        for places in (*halves, everybody)
    ]
    rows = []
    for choice in CHOICES:
        first, second = (
            cohort_of(faces, places, ages, damage, choice, 0)
            for places, damage in zip(halves, damages, strict=False)
        )
        row = dict(
            zip(("general", "children", "mates", "old", "mates "), astuple(choice), strict=True)
        )
        row |= rates(faces, ages, groups, ((first, halves[1]), (second, halves[0])))
        for seed in SEEDS:
            cohort = cohort_of(faces, everybody, ages, damages[2], choice, seed)
            row |= {
                f"{name}, choice {seed}": value
                for name, value in lfw_figures(lfw, cohort, options.data / "lfw").items()
            }
        rows.append(row)
    show("Cohorts", rows)
    finish("cohorts", {"rows": rows}, options.json)


def cohort_of(
    faces: DescribedFaces,
    places: NDArray[np.int64],
    ages: NDArray[np.str_],
    damages: NDArray[np.float64],
    shares: Shares,
    seed: int,
) -> Cohort:
    """Return a cohort of mixtures of some of the faces."""
    random = np.random.default_rng(seed)
    strangers, own = faces.embeddings[places], ages[places]
    mates = MATES if shares.general <= FULL else 2 * MATES
    parts = [mixed(strangers, shares.general, random, mates=mates, apart=SAME_PERSON)]
    for chosen, count, mates in (
        (tuple(CHILD_AGES), shares.children, shares.child_mates),
        (OLD_AGES, shares.old, shares.old_mates),
    ):
        if count:
            members = strangers[np.isin(own, chosen)]
            parts.append(mixed(members, count, random, mates=mates, apart=SAME_PERSON))
    clear = np.concatenate(parts)
    return Cohort(
        np.concatenate([clear, damages]).astype(np.float32),
        clear=len(clear),
        typical_deviation=typical_deviation(strangers, clear),
        version="measured",
    )


def rates(
    faces: DescribedFaces,
    ages: NDArray[np.str_],
    groups: NDArray[np.str_],
    halves: tuple[tuple[Cohort, NDArray[np.int64]], ...],
) -> dict[str, Any]:
    """Return false match rates by age, and the ratio of the groups, of both halves together."""
    kinds = {name: np.isin(ages, members) for name, members in AGES.items()}
    kinds |= {group: groups == group for group in np.unique(groups).tolist()}
    pairs: Counter[str] = Counter()
    matches: Counter[str] = Counter()
    for cohort, places in halves:
        one, other = np.triu_indices(len(places), 1)
        scores = against(cohort, faces, places).scores(one, other)[1]
        matched = scores <= np.quantile(scores, 1e-3)
        for kind, members in kinds.items():
            inside = members[places][one] & members[places][other]
            pairs[kind] += int(inside.sum())
            matches[kind] += int((inside & matched).sum())
    found = {kind: matches[kind] / pairs[kind] for kind in kinds}
    of_groups = [found[group] for group in np.unique(groups).tolist()]
    return {age: found[age] for age in AGES} | {"groups": max(of_groups) / min(of_groups)}


def lfw_figures(faces: DescribedFaces, cohort: Cohort, folder: Path) -> dict[str, float]:
    """Return misses of LFW, and the accuracy of its labelled pairs, each fold by the others."""
    people = numbers([name.split("/")[0] for name in faces.names])
    places = np.arange(len(people))
    own = against(cohort, faces, places)
    # Row by row: the differences of all pairs would take gigabytes.
    scores = np.concatenate(
        [own.scores(np.full(len(places) - one - 1, one), places[one + 1 :])[1] for one in places]
    )
    same = np.concatenate([people[one + 1 :] == people[one] for one in places])
    impostors = np.sort(scores[~same])
    found = {
        f"misses {rate:.0e}": float(np.mean(scores[same] > impostors[int(rate * len(impostors))]))
        for rate in RATES
    }
    labelled = read_pairs(folder / "pairs.csv", folder / "images")
    place_of = {name: place for place, name in enumerate(faces.names)}
    first, second = (
        np.array([place_of[getattr(pair, side)] for pair in labelled])
        for side in ("image_a", "image_b")
    )
    judged = accuracies(
        own.scores(first, second)[1],
        np.array([pair.same for pair in labelled]),
        np.array([pair.fold for pair in labelled]),
    )
    return found | {"accuracy": float(np.mean([each for each, _ in judged.values()]))}


if __name__ == "__main__":
    main()
