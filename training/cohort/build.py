"""Build the cohort of mixed strangers that ``facerec.engine.describe.cohort`` loads.

    python -m training.cohort.build --data FOLDER [--recipe accurate]

The folder holds ``fairface/`` and ``london/`` as ``training/cohort/README.md`` describes them.
Takes two minutes on one core, and writes ``facerec/engine/describe/cohort-RECIPE.npz``.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.core.options import FaceOptions, QualityFilter, Recipe
from facerec.core.photos import EmbeddedFace, PhotoFaces
from facerec.engine.describe.cohort import NEAREST_CLEAR
from facerec.engine.engine import Engine, open_engine
from training.cohort.damage import DAMAGES, damaged

TARGET = Path(__file__).resolve().parents[2] / "facerec" / "engine" / "describe"
EVERY_FACE = FaceOptions(max_faces=100, min_confidence=0.5, quality_filter=QualityFilter.NONE)

PHOTOS_OF_BATCH = 16

SAME_PERSON = 0.3
"""Two photos nearer than this may show one person, whose average would be that person's own
descriptor; they are not mixed. Euclidean distance."""

MATES = 2
"""How many of a stranger's most similar strangers it is mixed with."""

CHILD_MATES = 8
"""How many of a child's most similar children it is mixed with besides. Children are confused with
each other more often than others; the more mixtures are near them, the less."""

CHILD_AGES = frozenset({"0-2", "3-9"})

CLEAR_MIXTURES = 1000
CHILD_MIXTURES = 1000

OWN_MIXTURES = 4
"""Number of mixtures that a stranger may be part of. They are the nearest to that stranger, and are
skipped when the typical deviation is measured: a face that is not in the cohort has none."""

STEPS = 127
"""Levels of an int8 on either side of 0."""

Vectors = NDArray[np.float64]


def main() -> None:
    """Embed the photos, mix them and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipe", type=Recipe, choices=list(Recipe), default=Recipe.FAST)
    options = parser.parse_args()
    random = np.random.default_rng(1)
    engine = open_engine(threads=1, recipe=options.recipe)
    photos = sorted((options.data / "fairface").rglob("*.jpg"))
    neutral = sorted((options.data / "london").rglob("*_neutral_front.jpg"))
    strangers, places = embed((path.read_bytes() for path in photos + neutral), engine)
    young = child_photos(options.data / "fairface")
    children = np.array([(photos + neutral)[place].name in young for place in places])
    clear = clear_mixtures(strangers, children, random)
    write(clear, damaged_mixtures(photos, engine, random), strangers, options.recipe)


def child_photos(folder: Path) -> set[str]:
    """Return the names of the photos of children in FairFace's folder."""
    with (folder / "labels.csv").open(newline="") as file:
        return {row["file"] for row in csv.DictReader(file) if row["age"] in CHILD_AGES}


def clear_mixtures(
    strangers: NDArray[np.float32], children: NDArray[np.bool_], random: np.random.Generator
) -> Vectors:
    """Return mixtures of faces as they are.

    Args:
        strangers: Descriptors of different people, float32 of shape (n, 128).
        children: Whether each is a child, shape (n,).
        random: Chooses the pairs.
    """
    everybody = mixed(strangers, CLEAR_MIXTURES, random, mates=MATES, apart=SAME_PERSON)
    young = mixed(strangers[children], CHILD_MIXTURES, random, mates=CHILD_MATES, apart=SAME_PERSON)
    return random.permutation(np.concatenate([everybody, young]))


def damaged_mixtures(
    photos: Sequence[Path], engine: Engine, random: np.random.Generator
) -> Vectors:
    """Return mixtures of the faces of photos that were damaged."""
    mixtures = []
    for damage, count in DAMAGES:
        shuffled = [photos[place] for place in random.permutation(len(photos))]
        contents = (damaged(path, damage, random) for path in shuffled)
        faces, _ = embed(contents, engine, limit=count * 2 // 3)
        mixtures.append(mixed(faces, count, random, mates=MATES))
    return random.permutation(np.concatenate(mixtures))


def embed(
    contents: Iterable[bytes], engine: Engine, *, limit: int | None = None
) -> tuple[NDArray[np.float32], list[int]]:
    """Return the descriptors of the face nearest to the centre of photos, and their places."""
    embeddings: list[NDArray[np.float32]] = []
    places: list[int] = []
    start = 0
    for batch in batched(contents, PHOTOS_OF_BATCH):
        for place, outcome in enumerate(engine.analyse(batch, EVERY_FACE), start):
            if isinstance(outcome, PhotoFaces) and outcome.faces:
                face = min(outcome.faces, key=_distance_from_centre)
                embeddings.append(face.embedding)
                places.append(place)
        start += len(batch)
        if limit is not None and len(embeddings) >= limit:
            break
    return np.stack(embeddings), places


def batched(contents: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    """Yield lists of this many photos; the last may be shorter."""
    remaining = iter(contents)
    while batch := list(islice(remaining, size)):
        yield batch


def mixed(
    strangers: NDArray[np.float32],
    count: int,
    random: np.random.Generator,
    *,
    mates: int,
    apart: float = 0.0,
) -> Vectors:
    """Return averages of similar strangers.

    Averages lie closer together than the strangers do, so they are spread from the centre until
    their mean distance from it is the strangers' own.

    Args:
        strangers: Descriptors of different people, float32 of shape (n, 128).
        count: Number of averages, or fewer if there are not as many pairs.
        random: Chooses the pairs.
        mates: How many of a stranger's most similar strangers it is mixed with.
        apart: Minimum distance of a pair.
    """
    first, second = similar_pairs(strangers, mates, apart)
    averages = (strangers[first].astype(np.float64) + strangers[second]) / 2
    centre = strangers.mean(axis=0, dtype=np.float64)
    spread = np.linalg.norm(strangers - centre, axis=1).mean()
    spread /= np.linalg.norm(averages - centre, axis=1).mean()
    chosen = random.permutation(len(averages))[:count]
    mixtures: Vectors = centre + (averages[chosen] - centre) * spread
    return mixtures


def similar_pairs(
    strangers: NDArray[np.float32], mates: int, apart: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each stranger with its most similar ones, every pair once."""
    distances = euclidean(strangers, strangers)
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=1)[:, :mates]
    pairs = np.array(
        sorted(
            {
                (min(one, mate), max(one, mate))
                for one, own in enumerate(nearest.tolist())
                for mate in own
                if distances[one, mate] >= apart
            }
        )
    )
    return pairs[:, 0], pairs[:, 1]


def write(clear: Vectors, damaged: Vectors, strangers: NDArray[np.float32], recipe: Recipe) -> None:
    """Write the file of a recipe."""
    mixtures = np.concatenate([clear, damaged])
    step = float(np.abs(mixtures).max() / STEPS)
    vectors = np.round(mixtures / step).astype(np.int8)
    deviation = typical_deviation(strangers, vectors[: len(clear)] * step)
    numbers = np.array([step, deviation, len(clear)], np.float32)
    digest = hashlib.sha256(vectors.tobytes() + numbers.tobytes())
    name = f"mixtures-2:{digest.hexdigest()[:8]}"
    # Not compressed: it would save 13 % of the file, and cost 3 ms at each start.
    np.savez(
        TARGET / f"cohort-{recipe}.npz",
        vectors=vectors,
        clear=np.int64(len(clear)),
        step=np.float32(step),
        typical_deviation=np.float32(deviation),
        version=np.array(name),
    )
    print(f"{name}: {len(clear):,} + {len(damaged):,} mixtures, {deviation=:.4f}")


def typical_deviation(strangers: NDArray[np.float32], clear: Vectors) -> float:
    """Return the deviation of the distances of a face's nearest mixtures, averaged over faces."""
    nearest = np.sort(euclidean(strangers, clear), axis=1)
    return float(nearest[:, OWN_MIXTURES : OWN_MIXTURES + NEAREST_CLEAR].std(axis=1).mean())


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
