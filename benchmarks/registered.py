"""Measure which faces match registered people, and how many faces of strangers do.

    python -m benchmarks.registered COLLECTION --data FOLDER [--json FILE]

The collection holds the photos of LFW, or others in a folder per person, as for
`benchmarks.clustering`, which says whom a face shows. A number of people with several photos are
registered, each with the mean of the first ones; all other faces are new. The rule is that of
`facerec.gallery.registered.face_writer`.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.clustering import people_of
from benchmarks.support.results import arguments, finish, show
from facerec.factory import open_gallery
from facerec.gallery.people.user_vectors import mean_embedding
from facerec.gallery.registered.face_writer import TARGET_FMR
from facerec.gallery.scores.normalisation import score_of_similarity
from facerec.gallery.scores.similarity import threshold_at
from facerec.gallery.search.decision import MARGIN

if TYPE_CHECKING:
    from facerec.core.protocols.engine import Cohort
    from facerec.gallery.search.sampling import SampledFace

REGISTERED = (10, 100, 300)
"""Numbers of registered people."""

KNOWN = (1, 3)
"""Numbers of photos of a person that are known."""

RATES = (1e-3, TARGET_FMR, 1e-5)
"""Target rates of false matches."""


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
    measured = [
        measure(faces, shown, cohort, people, known, rate)
        for people in REGISTERED
        for known in KNOWN
        for rate in RATES
    ]
    show("matches of registered people", measured)
    finish("registered", {"matches": measured}, options.json)


def measure(
    faces: list[SampledFace],
    shown: dict[str, str],
    cohort: Cohort,
    people: int,
    known: int,
    rate: float,
) -> dict[str, Any]:
    """Return the shares of new faces of registered people, and of strangers, that match."""
    names = np.array([shown.get(face.face.record.face_id, "") for face in faces])
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row in sorted(range(len(faces)), key=lambda each: faces[each].face.record.source):
        rows_of[names[row]].append(row)
    several = [name for name, rows in rows_of.items() if name and len(rows) > known]
    registered = [several[place] for place in np.random.default_rng(1).permutation(len(several))]
    registered = registered[:people]
    own = [rows_of[name][:known] for name in registered]
    vectors = np.stack(
        [mean_embedding([faces[row].face.embedding for row in rows]) for rows in own]
    )
    stats = cohort.cohort_stats(vectors)
    new = np.ones(len(faces), bool)
    new[[row for rows in own for row in rows]] = False
    # faces beside the one that a photo is named after may show anybody
    new &= names != ""
    embeddings = np.stack([face.face.embedding for face in faces])[new].astype(np.float64)
    means = np.array([face.stats.mean for face in faces])[new, np.newaxis]
    deviations = np.array([face.stats.deviation for face in faces])[new, np.newaxis]
    distances = np.linalg.norm(embeddings[:, np.newaxis] - vectors[np.newaxis], axis=2)
    scores = (distances - means) / deviations
    scores += (distances - [each.mean for each in stats]) / [each.deviation for each in stats]
    scores /= 2
    order = np.sort(scores, axis=1)
    limit = score_of_similarity(threshold_at(rate, len(registered)))
    matches = (order[:, 0] <= limit) & (order[:, 1] > order[:, 0] + MARGIN)
    found = np.array(registered)[np.argmin(scores, axis=1)]
    genuine = np.isin(names[new], registered)
    right = matches & (found == names[new])
    return {
        "registered": len(registered),
        "known photos": known,
        "target rate": rate,
        "new faces of them": int(genuine.sum()),
        "matched": right.sum() / genuine.sum(),
        "matched as others": int((matches & genuine & ~right).sum()),
        "faces of strangers": int((~genuine).sum()),
        "strangers matched": int((matches & ~genuine).sum()),
    }


if __name__ == "__main__":
    main()
