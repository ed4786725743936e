"""Build the cohort of mixed strangers that ``facerec.engine.describe.cohort`` loads.

    python -m training.cohort.build --data FOLDER [--recipe accurate]

The folder holds ``fairface/`` and ``london/`` as ``training/cohort/README.md`` describes them.
Takes a minute on one core, and writes ``facerec/engine/describe/cohort-RECIPE.npz``.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import EmbeddedFace, PhotoFaces
from facerec.engine.describe.cohort import NEAREST
from facerec.engine.describe.recipe import Recipe
from facerec.engine.engine import open_engine

TARGET = Path(__file__).resolve().parents[2] / "facerec" / "engine" / "describe"
EVERY_FACE = FaceOptions(max_faces=100, min_confidence=0.5, quality_filter=QualityFilter.NONE)

SAME_PERSON = 0.4
"""Two photos nearer than this may show one person, whose average would be that person's own
descriptor; they are not mixed. Euclidean distance; 1 of 500,000 pairs of strangers is as near."""

MATES = 2
"""How many of a stranger's most similar strangers it is mixed with."""

STEPS = 127
"""Levels of an int8 on either side of 0."""


def main() -> None:
    """Embed the photos, mix them and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipe", type=Recipe, choices=list(Recipe), default=Recipe.FAST)
    options = parser.parse_args()
    photos = sorted((options.data / "fairface").rglob("*.jpg"))
    photos += sorted((options.data / "london").rglob("*_neutral_front.jpg"))
    write(embed(photos, options.recipe), options.recipe)


def embed(photos: list[Path], recipe: Recipe) -> NDArray[np.float32]:
    """Return the descriptor of the face nearest to the centre of each photo that shows one."""
    engine = open_engine(threads=1, recipe=recipe)
    embeddings: list[NDArray[np.float32]] = []
    for start in range(0, len(photos), 16):
        contents = [path.read_bytes() for path in photos[start : start + 16]]
        embeddings += [
            min(outcome.faces, key=_distance_from_centre).embedding
            for outcome in engine.analyse(contents, EVERY_FACE)
            if isinstance(outcome, PhotoFaces) and outcome.faces
        ]
    return np.stack(embeddings)


def write(strangers: NDArray[np.float32], recipe: Recipe) -> None:
    """Mix descriptors of strangers, one of each person, and write the file of a recipe."""
    first, second = similar_pairs(strangers)
    vectors, step = mixtures(strangers, first, second)
    name = f"mixtures-1:{hashlib.sha256(vectors.tobytes()).hexdigest()[:8]}"
    deviation = typical_deviation(strangers, vectors * step, first, second)
    np.savez_compressed(
        TARGET / f"cohort-{recipe}.npz",
        vectors=vectors,
        step=np.float32(step),
        typical_deviation=np.float32(deviation),
        version=np.array(name),
    )
    print(f"{name}: {len(vectors):,} mixtures of {len(strangers):,} people, {deviation=:.4f}")


def similar_pairs(
    strangers: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each stranger with its most similar ones, every pair once."""
    distances = euclidean(strangers, strangers)
    np.fill_diagonal(distances, np.inf)
    mates = np.argsort(distances, axis=1)[:, :MATES]
    pairs = np.array(
        sorted(
            {
                (min(one, mate), max(one, mate))
                for one, own in enumerate(mates.tolist())
                for mate in own
                if distances[one, mate] >= SAME_PERSON
            }
        )
    )
    return pairs[:, 0], pairs[:, 1]


def mixtures(
    strangers: NDArray[np.float32], first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[NDArray[np.int8], float]:
    """Return the average of each pair in random order, and the step of its int8 values.

    Averages lie closer together than the strangers do, so they are spread from the centre until
    their mean distance from it is the strangers' own.
    """
    averages = (strangers[first].astype(np.float64) + strangers[second]) / 2
    centre = strangers.mean(axis=0, dtype=np.float64)
    spread = np.linalg.norm(strangers - centre, axis=1).mean()
    spread /= np.linalg.norm(averages - centre, axis=1).mean()
    mixed = centre + (averages - centre) * spread
    step = float(np.abs(mixed).max() / STEPS)
    order = np.random.default_rng(1).permutation(len(mixed))
    return np.round(mixed / step).astype(np.int8)[order], step


def typical_deviation(
    strangers: NDArray[np.float32],
    vectors: NDArray[np.float64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> float:
    """Return the mean deviation of a stranger's nearest mixtures, its own left aside."""
    order = np.random.default_rng(1).permutation(len(vectors))
    distances = euclidean(strangers, vectors)
    for column, pair in enumerate(order.tolist()):
        distances[[first[pair], second[pair]], column] = np.inf
    return float(np.sort(distances, axis=1)[:, :NEAREST].std(axis=1).mean())


def euclidean(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the distances of all pairs, shape (len(a), len(b))."""
    one, other = a.astype(np.float64), b.astype(np.float64)
    squared = (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * one @ other.T
    return np.sqrt(np.maximum(squared, 0))


def _distance_from_centre(face: EmbeddedFace) -> float:
    box = face.box
    return float(np.hypot(box.left + box.width / 2 - 0.5, box.top + box.height / 2 - 0.5))


if __name__ == "__main__":
    main()
