"""Measure how many photos of a person `facerec find` finds, and which faces are enrolled.

    python -m benchmarks.finding COLLECTION --data FOLDER [--json FILE]

The collection holds the photos of LFW, or others in a folder per person, as for
`benchmarks.clustering`, which says whom a face shows. Each person with more than some number of
photos is found by the mean of the first ones; the further photos that are found are counted, and
the faces of others. Nobody else is enrolled, so that no face is ambiguous.

For enrolment, the photos of each folder are named after it, and the chosen faces are compared with
the right ones.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.clustering import people_of
from benchmarks.support.results import arguments, finish, show
from facerec.factory import open_gallery
from facerec.gallery.defaults import GalleryDefaults
from facerec.gallery.operations.find import TARGET_FMR
from facerec.gallery.people.enrolling import choose_faces
from facerec.gallery.people.user_vectors import mean_embedding
from facerec.gallery.scores.normalisation import score_of_similarity
from facerec.gallery.scores.similarity import threshold_at

if TYPE_CHECKING:
    from facerec.core.protocols.engine import Cohort
    from facerec.gallery.search.sampling import SampledFace

KNOWN = (1, 2, 3)
"""Numbers of photos of a person that are known."""


def main() -> None:
    """Run the benchmark and print its results."""
    parser = arguments(__doc__)
    parser.add_argument("collection")
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    options = parser.parse_args()
    with open_gallery(options.data) as gallery:
        faces = gallery.sample_faces(options.collection, 10**9)
        cohort = gallery._engine
        shown = people_of([face.face.record for face in faces])
        found = [measure_finding(faces, shown, cohort, known) for known in KNOWN]
        enrolled = [measure_enrolment(faces, shown, cohort)]
    show("photos found", found)
    show("photos of people with several photos", enrolled)
    finish("finding", {"found": found, "enrolled": enrolled}, options.json)


def measure_finding(
    faces: list[SampledFace], shown: dict[str, str], cohort: Cohort, known: int
) -> dict[str, Any]:
    """Return the shares of photos found, and the numbers of wrong faces for each person."""
    embeddings = np.stack([face.face.embedding for face in faces]).astype(np.float64)
    means = np.array([face.stats.mean for face in faces])
    deviations = np.array([face.stats.deviation for face in faces])
    names = np.array([shown.get(face.face.record.face_id, "") for face in faces])
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row in sorted(range(len(faces)), key=lambda each: faces[each].face.record.source):
        if names[row]:
            rows_of[names[row]].append(row)
    people = {name: rows for name, rows in rows_of.items() if len(rows) > known}
    certain = score_of_similarity(
        max(GalleryDefaults().threshold, threshold_at(TARGET_FMR, len(faces)))
    )
    doubtful = score_of_similarity(GalleryDefaults().threshold)
    right = np.zeros(2, int)
    wrong = np.zeros(2, int)
    for name, rows in people.items():
        own = rows[:known]
        vector = mean_embedding([faces[row].face.embedding for row in own])
        (stats,) = cohort.cohort_stats(vector[np.newaxis])
        distances = np.linalg.norm(embeddings - vector, axis=1)
        scores = (distances - stats.mean) / stats.deviation + (distances - means) / deviations
        others = np.ones(len(faces), bool)
        others[own] = False
        for number, limit in enumerate((certain, doubtful)):
            reached = others & (scores / 2 <= limit)
            right[number] += np.count_nonzero(reached & (names == name))
            wrong[number] += np.count_nonzero(reached & (names != name))
    photos = sum(len(rows) - known for rows in people.values())
    return {
        "known photos": known,
        "people": len(people),
        "found": right[0] / photos,
        "wrong for each": wrong[0] / len(people),
        "with doubtful ones: found": right[1] / photos,
        "then wrong for each": wrong[1] / len(people),
    }


def measure_enrolment(
    faces: list[SampledFace], shown: dict[str, str], cohort: Cohort
) -> dict[str, Any]:
    """Return how often the chosen face of a photo is the right one, and how often none is."""
    folders: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for face in faces:
        source = face.face.record.source
        folders[Path(source).parent.name][source].append(face.face)
    several = chosen_right = largest_right = photos = unlike = 0
    for own in folders.values():
        if len(own) < 2:
            continue
        candidates = [sorted(each, key=lambda face: -face.record.box.area) for each in own.values()]
        for (face, alike), ordered in zip(
            choose_faces(candidates, [], cohort), candidates, strict=True
        ):
            photos += 1
            unlike += not alike
            if len(ordered) > 1:
                several += 1
                chosen_right += face.record.face_id in shown
                largest_right += ordered[0].record.face_id in shown
    return {
        "photos": photos,
        "without a name": unlike,
        "with several faces": several,
        "chosen face right": chosen_right,
        "largest face right": largest_right,
    }


if __name__ == "__main__":
    main()
