"""Fit false match rates to normalised scores, and measure decisions and groups of people.

    python -m benchmarks.calibrate_similarity [--data FOLDER] [--recipe fast] [--json FILE]

Needs ``lfw/`` and ``fairface/`` in the folder. Prints the constants of
``facerec.gallery.scores.normalisation`` and the tables of ``docs/accuracy.md`` that
``facerec evaluate`` does not print. Takes six minutes on one core.
"""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.support.results import DATA, arguments, finish, show
from facerec.core.faces import BoundingBox, CohortStats, Landmarks, Point, Pose, Quality
from facerec.core.ids import face_id, group_of, image_id, image_key
from facerec.core.options import FaceOptions, QualityFilter, Recipe
from facerec.core.photos import EmbeddedFace
from facerec.core.records import FaceRecord, StoredFace
from facerec.engine.describe.cohort import Cohort
from facerec.engine.engine import Engine, open_engine
from facerec.evaluate.faces import DescribedFaces, describe
from facerec.evaluate.rates import wilson
from facerec.gallery.search.decision import MARGIN
from facerec.gallery.search.matching import search_probes
from facerec.storage.sqlite import SqliteStore
from training.cohort.build import (
    CHILD_AGES,
    clear_mixtures,
    damaged_mixtures,
    typical_deviation,
)

RATES = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6)
"""False match rates that the curve is fitted at."""

DECISION_THRESHOLDS = (0.8, 0.95, 0.99)
SEEDS = 4
"""How often the people of LFW are split into halves."""

TUNING_SPLIT = 100
"""Seed of the split of FairFace's people."""

CHILDREN = "children up to 9"

EVERY_FACE = FaceOptions(max_faces=100, min_confidence=0.5, quality_filter=QualityFilter.NONE)


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--recipe", type=Recipe, choices=list(Recipe), default=Recipe.FAST)
    options = parser.parse_args()
    engine = open_engine(threads=1, recipe=options.recipe)
    lfw = described(options.data / "lfw" / "images", engine)
    people = numbers([name.split("/")[0] for name in lfw.names])
    fit = fitted(impostor_scores(lfw, people))
    halves = [rates_on_other_half(lfw, people, seed) for seed in range(SEEDS)]
    groups = group_rates(options.data / "fairface", engine)
    decisions = decision_rates(lfw, people)
    print(f"{engine.model_version}, {engine.cohort_version}")
    print("INTERCEPT, SLOPE, CURVE = " + ", ".join(f"{value:.4f}" for value in fit))
    show("Rates on one half of the people at thresholds of the other half", halves)
    show("False match rates by group, at 1e-3 over all pairs", groups)
    show("Decisions", decisions)
    results = {"fit": fit, "halves": halves, "groups": groups, "decisions": decisions}
    finish("calibrate_similarity", results, options.json)


def described(folder: Path, engine: Engine) -> DescribedFaces:
    """Return the face nearest to the centre of each photo of a folder."""
    names = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*.jpg"))]
    return describe(folder, names, engine=engine, options=EVERY_FACE)


def numbers(names: list[str]) -> NDArray[np.int64]:
    """Return a number for each name; equal names have equal numbers."""
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def impostor_scores(
    faces: DescribedFaces, people: NDArray[np.int64], chosen: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Return the scores of all pairs of different people, in order."""
    places = np.arange(len(people)) if chosen is None else chosen
    parts = []
    for place in range(len(places) - 1):
        one, others = places[place], places[place + 1 :]
        others = others[people[others] != people[one]]
        parts.append(faces.scores(np.full(len(others), one), others)[1])
    return np.sort(np.concatenate(parts))


def fitted(impostors: NDArray[np.float64]) -> list[float]:
    """Return intercept, slope and curve of log10 of the false match rate."""
    thresholds = np.quantile(impostors, RATES)
    return np.polyfit(thresholds, np.log10(RATES), 2)[::-1].tolist()


def rates_on_other_half(
    faces: DescribedFaces, people: NDArray[np.int64], seed: int
) -> dict[str, Any]:
    """Return the rates that half of the people have at the thresholds of the other half."""
    random = np.random.default_rng(seed)
    first = np.isin(people, random.permutation(people.max() + 1)[: people.max() // 2])
    one, other = (impostor_scores(faces, people, np.flatnonzero(half)) for half in (first, ~first))
    return {"split": seed} | {
        f"{rate:.0e}": float(np.mean(other <= np.quantile(one, rate)))
        for rate in (1e-2, 1e-3, 1e-4)
    }


def group_rates(folder: Path, engine: Engine) -> list[dict[str, Any]]:
    """Return false match rates within groups of people who are not in the cohort.

    The people are split into halves. Half of them take the place of FairFace's in the cohort, in
    both of its parts, and the other half are measured. The split depends on the number of faces
    found, so it is not the one on which ``training.cohort.build`` was tuned.
    """
    faces = described(folder, engine)
    labels = labels_of(folder, faces)
    groups = group_names(labels)
    kinds = {name: groups == name for name in np.unique(groups).tolist()}
    kinds[CHILDREN] = np.isin([row["age"] for row in labels], list(CHILD_AGES))
    kinds["all"] = np.ones(len(labels), bool)
    tuning, judging = halves_of(len(labels))
    judged, other = (
        count_matches(
            faces, cohort_of(folder, faces, cohort, kinds[CHILDREN], engine), measured, kinds
        )
        for cohort, measured in ((tuning, judging), (judging, tuning))
    )
    return [
        {
            "group": name,
            "pairs": judged[name, "pairs"],
            "plain": judged[name, "plain"] / judged[name, "pairs"],
            "normalised": str(wilson(judged[name, "normalised"], judged[name, "pairs"])),
            "normalised, both halves": (judged[name, "normalised"] + other[name, "normalised"])
            / (judged[name, "pairs"] + other[name, "pairs"]),
        }
        for name in kinds
    ]


def labels_of(folder: Path, faces: DescribedFaces) -> list[dict[str, str]]:
    """Return the row of FairFace's labels of each face."""
    with (folder / "labels.csv").open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    return [rows[Path(name).name] for name in faces.names]


def group_names(labels: list[dict[str, str]]) -> NDArray[np.str_]:
    """Return race and gender of each face."""
    return np.array([f"{row['race']} {row['gender']}" for row in labels])


def halves_of(faces: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of both halves of FairFace's people."""
    order = np.random.default_rng(TUNING_SPLIT).permutation(faces)
    return order[: faces // 2], order[faces // 2 :]


def cohort_of(
    folder: Path,
    faces: DescribedFaces,
    places: NDArray[np.int64],
    children: NDArray[np.bool_],
    engine: Engine,
) -> Cohort:
    """Return a cohort of the mixtures of some of the faces, clear and damaged."""
    random = np.random.default_rng(0)
    strangers = faces.embeddings[places]
    clear = clear_mixtures(strangers, children[places], random)
    damaged = damaged_mixtures([folder / faces.names[place] for place in places], engine, random)
    return Cohort(
        np.concatenate([clear, damaged]).astype(np.float32),
        clear=len(clear),
        typical_deviation=typical_deviation(strangers, clear),
        version="half",
    )


def count_matches(
    faces: DescribedFaces,
    cohort: Cohort,
    measured: NDArray[np.int64],
    kinds: dict[str, NDArray[np.bool_]],
) -> Counter[tuple[str, str]]:
    """Count the matches of some people at a rate of 1e-3 over all their pairs."""
    half = against(cohort, faces, measured)
    one, other = np.triu_indices(len(measured), 1)
    distances, scores = half.scores(one, other)
    counts: Counter[tuple[str, str]] = Counter()
    for kind, members in kinds.items():
        inside = members[measured][one] & members[measured][other]
        counts[kind, "pairs"] = int(inside.sum())
        for name, values in (("plain", distances), ("normalised", scores)):
            matched = values[inside] <= np.quantile(values, 1e-3)
            counts[kind, name] = int(matched.sum())
    return counts


def against(cohort: Cohort, faces: DescribedFaces, places: NDArray[np.int64]) -> DescribedFaces:
    """Return some of the faces with their stats against a cohort."""
    stats = cohort.stats(faces.embeddings[places])
    return DescribedFaces(
        [faces.names[place] for place in places],
        [faces.boxes[place] for place in places],
        faces.embeddings[places],
        np.array([own.mean for own in stats]),
        np.array([own.deviation for own in stats]),
        {},
    )


def decision_rates(faces: DescribedFaces, people: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Search half of the photos among the other half, and count decisions.

    A probe is known if its person is in photos of both halves, and a stranger otherwise.
    """
    stored = [stored_face(faces, place) for place in range(len(people))]
    person_of = {face.record.face_id: person for face, person in zip(stored, people, strict=True)}
    half_of = np.arange(len(stored)) % 2
    engine = open_engine(threads=1)
    results = []
    with tempfile.TemporaryDirectory() as folder, SqliteStore(Path(folder) / "faces.db") as store:
        for half in (0, 1):
            members = [stored[place] for place in np.flatnonzero(half_of == half)]
            store.put_images(f"half-{half}", {group_of(f.record.face_id): [f] for f in members})
        for threshold in DECISION_THRESHOLDS:
            counts: Counter[str] = Counter()
            for half in (0, 1):
                held = set(people[half_of == half].tolist())
                places = np.flatnonzero(half_of != half)
                searched = search_probes(
                    [probe(stored[place]) for place in places],
                    collection_id=f"half-{half}",
                    faces=store,
                    records=store,
                    cohort=engine,
                    threshold=threshold,
                    limit=1,
                    # each probe is a photo of its own
                    repeat_people=True,
                )
                for place, face in zip(places, searched, strict=True):
                    kind = "known" if people[place] in held else "stranger"
                    first = face.matches[0].face.face_id if face.matches else None
                    right = first is not None and person_of[first] == people[place]
                    who = "right" if right else "wrong" if first else "nobody"
                    counts[f"{kind}_{face.decision}_{who}"] += 1
            results += [
                {
                    "threshold": threshold,
                    "margin": MARGIN,
                    "probes": kind,
                    "match, right": counts[f"{kind}_match_right"],
                    "match, wrong": counts[f"{kind}_match_wrong"],
                    "ambiguous, right first": counts[f"{kind}_ambiguous_right"],
                    "ambiguous, wrong first": counts[f"{kind}_ambiguous_wrong"],
                    "unknown": counts[f"{kind}_unknown_nobody"],
                }
                for kind in ("known", "stranger")
            ]
    return results


def stored_face(faces: DescribedFaces, place: int) -> StoredFace:
    """Return a photo's face as a collection would hold it, with an id that names the photo only."""
    name = faces.names[place]
    content_id = image_id(name.encode())
    point = Point(0.5, 0.5)
    box = BoundingBox(0.33, 0.33, 0.33, 0.33)
    record = FaceRecord(
        face_id=face_id(image_key("lfw", content_id, None, "measured"), box),
        image_id=content_id,
        external_image_id=Path(name).name,
        source=name,
        box=box,
        confidence=1.0,
        landmarks=Landmarks(point, point, point, point, point),
        quality=Quality(80.0, 50.0, 50.0, Pose(0.0, 0.0, 0.0)),
        model_version="measured",
        options_digest="",
        indexed_at=0.0,
        stats=CohortStats(
            float(faces.means[place]), float(faces.deviations[place]), Cohort.load().version
        ),
    )
    return StoredFace(record, faces.embeddings[place])


def probe(face: StoredFace) -> EmbeddedFace:
    """Return a stored face as a face to search for."""
    record = face.record
    assert record.stats is not None
    return EmbeddedFace(
        record.box,
        record.confidence,
        record.landmarks,
        record.quality,
        face.embedding,
        record.stats,
    )


if __name__ == "__main__":
    main()
