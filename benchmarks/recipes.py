"""Compare how faces can be described: views, their mirror images and jitters, and their cost.

    python -m benchmarks.recipes [--data FOLDER] [--json FILE]

Needs ``lfw/`` and ``fairface/`` in the folder. A descriptor is the average of those of several
chips of a face. Each way of describing has a cohort of its own, made of FairFace's people as the
shipped ones are, but without the London set. Takes eight minutes on one core.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlib
import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate_similarity import described, labels_of, numbers
from benchmarks.support.results import DATA, arguments, finish, show
from facerec.core.faces import CohortStats
from facerec.engine.describe.cohort import Cohort
from facerec.engine.describe.embedder import Embedder
from facerec.engine.engine import Engine
from facerec.evaluate.faces import DescribedFaces
from training.cohort.build import CHILD_AGES, MATES, clear_mixtures, embed, mixed, typical_deviation
from training.cohort.damage import DAMAGES, damaged

if TYPE_CHECKING:
    from facerec.engine.detect.detection import Pixels

PADDINGS = (0.19, 0.22, 0.25, 0.28, 0.31)
JITTERS = 4
RATES = (1e-3, 1e-4, 1e-5)

CHIPS = [
    *((f"{padding}", f"{padding} mirrored") for padding in PADDINGS),
    tuple(f"jitter {number}" for number in range(JITTERS)),
]
NAMES = [name for names in CHIPS for name in names]
"""Names of the chips of a face, in order."""

WAYS = {
    "one view": ("0.25",),
    "with its mirror image": ("0.25", "0.25 mirrored"),
    "two paddings": ("0.22", "0.28"),
    "two paddings, mirrored": ("0.22", "0.22 mirrored", "0.28", "0.28 mirrored"),
    "four paddings, mirrored": (*CHIPS[0], *CHIPS[1], *CHIPS[3], *CHIPS[4]),
    "four jitters": CHIPS[-1],
}
"""The chips that each way averages; the first and the fourth are the recipes."""


class AllChips(Engine):
    """Embeds all chips of a face, and remembers each descriptor beside their average."""

    def __init__(self) -> None:
        super().__init__(threads=1)
        self.found: dict[bytes, NDArray[np.float32]] = {}
        self.network = Embedder(threads=1)

    def _views(
        self, pixels: Pixels, shape: dlib.full_object_detection, chip: Pixels
    ) -> NDArray[np.uint8]:
        views = []
        for padding in PADDINGS:
            padded = self._aligner.chip(pixels, shape, padding)
            views += [padded, padded[:, ::-1]]
        views += dlib.jitter_image(np.ascontiguousarray(chip), num_jitters=JITTERS)
        return np.stack(views)

    def _embed(self, views: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.float32], CohortStats]]:
        for own in views:
            descriptors = self.network.embed(own)
            average = descriptors.mean(axis=0)
            self.found[average.tobytes()] = descriptors
            yield average, CohortStats(0.0, 1.0, "none")

    def averages(self, faces: NDArray[np.float32], way: str) -> NDArray[np.float32]:
        """Return the descriptors that a way gives for faces, shape (n, 128)."""
        chosen = [NAMES.index(name) for name in WAYS[way]]
        return np.stack([self.found[face.tobytes()][chosen].mean(axis=0) for face in faces])


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    engine = AllChips()
    lfw = described(options.data / "lfw" / "images", engine)
    people = numbers([name.split("/")[0] for name in lfw.names])
    folder = options.data / "fairface"
    strangers = described(folder, engine)
    ages = [row["age"] for row in labels_of(folder, strangers)]
    random = np.random.default_rng(1)
    damages = []
    paths = [folder / name for name in strangers.names]
    for damage, count in DAMAGES:
        shuffled = [paths[place] for place in random.permutation(len(paths))]
        contents = (damaged(path, damage, random) for path in shuffled)
        damages.append((embed(contents, engine, limit=count * 2 // 3)[0], count))
    rows = []
    for way in WAYS:
        random = np.random.default_rng(1)
        own = engine.averages(strangers.embeddings, way)
        clear = clear_mixtures(own, np.isin(ages, list(CHILD_AGES)), random)
        others = [
            mixed(engine.averages(faces, way), count, random, mates=MATES)
            for faces, count in damages
        ]
        cohort = Cohort(
            np.concatenate([clear, *others]).astype(np.float32),
            clear=len(clear),
            typical_deviation=typical_deviation(own, clear),
            version=way,
        )
        rows.append({"way": way, "chips": len(WAYS[way])} | misses(engine, lfw, people, cohort))
        rows[-1]["ms a face"] = 1000 * seconds_of(engine.network, len(WAYS[way]))
    show("Misses of LFW's pairs, by plain distance and normalised", rows)
    finish("recipes", {"rows": rows}, options.json)


def misses(
    engine: AllChips, faces: DescribedFaces, people: NDArray[np.int64], cohort: Cohort
) -> dict[str, Any]:
    """Return the misses at each rate, by plain distance and normalised."""
    embeddings = engine.averages(faces.embeddings, cohort.version)
    stats = cohort.stats(embeddings)
    own = DescribedFaces(
        faces.names,
        faces.boxes,
        embeddings,
        np.array([each.mean for each in stats]),
        np.array([each.deviation for each in stats]),
        {},
    )
    places = np.arange(len(people))
    # Row by row: the differences of all pairs would take gigabytes.
    rows = [own.scores(np.full(len(places) - one - 1, one), places[one + 1 :]) for one in places]
    same = np.concatenate([people[one + 1 :] == people[one] for one in places])
    found = {}
    for column, name in enumerate(("plain", "normalised")):
        values = np.concatenate([row[column] for row in rows])
        impostors = np.sort(values[~same])
        for rate in RATES:
            threshold = impostors[int(rate * len(impostors))]
            found[f"{name} {rate:.0e}"] = float(np.mean(values[same] > threshold))
    return found


def seconds_of(network: Embedder, chips: int, repeats: int = 25) -> float:
    """Return the median of the seconds that the descriptors of a face take."""
    face = np.zeros((chips, 150, 150, 3), np.uint8)
    times = []
    for _ in range(repeats):
        start = time.process_time()
        network.embed(face)
        times.append(time.process_time() - start)
    return float(np.median(times))


if __name__ == "__main__":
    main()
