"""Measure the scale of similarity where it was not fitted: on FairFace, and for people.

    python -m benchmarks.scale_elsewhere [--data FOLDER] [--json FILE]

Needs ``lfw/`` and ``fairface/`` in the folder. FairFace's people are split into halves, each
measured with a cohort of the other. A person's vector is the mean of the person's first faces in
LFW, compared with all photos of others. Also shown: how near, by distance, the most similar faces
of LFW's photos are. Takes five minutes on one core.
"""

from __future__ import annotations

from collections import Counter
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
    numbers,
)
from benchmarks.support.results import DATA, arguments, finish, show
from facerec.engine.describe.cohort import Cohort
from facerec.engine.engine import Engine, open_engine
from facerec.evaluate.faces import DescribedFaces
from facerec.gallery.scores.normalisation import false_match_rate_of, score_of_similarity
from training.cohort.build import CHILD_AGES

SIMILARITIES = (0.5, 0.8, 0.941, 0.95, 0.99)
"""The first three have predicted rates of 1e-2, 1e-3 and 1e-4."""

SAME_GROUP = "one group, together"
"""Pairs within any of the groups of race and gender."""

FACES_OF_PERSON = (1, 2, 3, 5, 8)


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    engine = open_engine(threads=1)
    lfw = described(options.data / "lfw" / "images", engine)
    people = numbers([name.split("/")[0] for name in lfw.names])
    results = {
        "people": people_rates(lfw, people, Cohort.load()),
        "nearest": nearest_ranks(lfw),
        "fairface": fairface_rates(options.data / "fairface", engine),
    }
    predicted = ", ".join(f"{each}: {false_match_rate_of(each):.1e}" for each in SIMILARITIES)
    print(f"False match rates as the scale predicts: {predicted}")
    show("False match rates of people, by the number of their faces", results["people"])
    show("Ranks by distance in LFW", results["nearest"])
    show("False match rates within groups of FairFace", results["fairface"])
    finish("scale_elsewhere", results, options.json)


def people_rates(
    faces: DescribedFaces, people: NDArray[np.int64], cohort: Cohort
) -> list[dict[str, Any]]:
    """Return how often photos of others match a person with several faces."""
    rows = []
    places = [np.flatnonzero(people == person) for person in range(people.max() + 1)]
    for count in FACES_OF_PERSON:
        chosen = [own[:count] for own in places if len(own) > count]
        vectors = np.stack([faces.embeddings[own].mean(axis=0) for own in chosen])
        stats = cohort.stats(vectors)
        matches: Counter[float] = Counter()
        pairs = 0
        for own, vector, mine in zip(chosen, vectors, stats, strict=True):
            others = people != people[own[0]]
            distances = np.linalg.norm(faces.embeddings[others].astype(float) - vector, axis=1)
            scores = (distances - mine.mean) / mine.deviation
            scores += (distances - faces.means[others]) / faces.deviations[others]
            pairs += len(scores)
            for similarity in SIMILARITIES:
                matches[similarity] += int(np.sum(scores / 2 <= score_of_similarity(similarity)))
        row: dict[str, Any] = {"faces of a person": count, "people": len(chosen), "pairs": pairs}
        rows.append(row | {f"{each}": matches[each] / pairs for each in SIMILARITIES})
    return rows


def nearest_ranks(faces: DescribedFaces) -> list[dict[str, Any]]:
    """Return the highest ranks by distance at which a search has to look."""
    best = matching = 0
    everybody = np.arange(len(faces.names))
    for place in everybody:
        others = everybody[everybody != place]
        distances, scores = faces.scores(np.full(len(others), place), others)
        ranked = scores[np.argsort(distances)]
        best = max(best, int(np.argmin(ranked)) + 1)
        matches = np.flatnonzero(ranked <= score_of_similarity(0.8))
        matching = max(matching, int(matches.max(initial=-1)) + 1)
    return [{"photos": len(everybody), "best score": best, "similarity of 0.8": matching}]


def fairface_rates(folder: Path, engine: Engine) -> list[dict[str, Any]]:
    """Return false match rates of people who are not in the cohort, in both halves together."""
    faces = described(folder, engine)
    labels = labels_of(folder, faces)
    ages = np.array([row["age"] for row in labels])
    groups = group_names(labels)
    kinds = {"all": np.ones(len(labels), bool)}
    kinds |= {name: groups == name for name in np.unique(groups).tolist()}
    kinds |= {f"age {age}": ages == age for age in np.unique(ages).tolist()}
    numbered = numbers(groups.tolist())
    children = np.isin(ages, list(CHILD_AGES))
    counts: Counter[tuple[str, str]] = Counter()
    halves = halves_of(len(labels))
    for mixed, measured in (halves, halves[::-1]):
        cohort = cohort_of(folder, faces, mixed, children, engine)
        one, other = np.triu_indices(len(measured), 1)
        scores = against(cohort, faces, measured).scores(one, other)[1]
        within = {
            kind: members[measured][one] & members[measured][other]
            for kind, members in kinds.items()
        }
        within[SAME_GROUP] = numbered[measured][one] == numbered[measured][other]
        for kind, pairs in within.items():
            inside = scores[pairs]
            counts[kind, "pairs"] += len(inside)
            for similarity in SIMILARITIES:
                matched = np.sum(inside <= score_of_similarity(similarity))
                counts[kind, f"{similarity}"] += int(matched)
    return [
        {"pairs within": kind, "pairs": counts[kind, "pairs"]}
        | {
            f"{each}": counts[kind, f"{each}"] / max(1, counts[kind, "pairs"])
            for each in SIMILARITIES
        }
        for kind in (*kinds, SAME_GROUP)
    ]


if __name__ == "__main__":
    main()
