"""Measure error rates against quality, and what each level of the quality filter rejects.

    python -m benchmarks.quality_levels [--data FOLDER] [--json FILE]

Needs ``lfw/`` and ``fairface/`` in the folder. Faces match at the default threshold. Nothing is
chosen here: the people of LFW are halved by a hash of their names, so that the difference of two
figures shows the influence of chance. A photo of every second person with several photos is made
smaller, blurred or darkened and compared with up to three other photos of the person. Takes ten
minutes on one core.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from benchmarks.calibrate_similarity import EVERY_FACE, numbers
from benchmarks.support.halves import half_of
from benchmarks.support.results import DATA, arguments, finish, show
from benchmarks.unreadable_faces import changed, distance_from_centre, is_match
from facerec.core.faces import Quality
from facerec.core.options import QualityFilter
from facerec.core.photos import EmbeddedFace, PhotoFaces
from facerec.engine.describe.quality import LIMITS, rejections
from facerec.engine.engine import Engine, open_engine
from facerec.gallery.scores.normalisation import score_of_similarity
from training.cohort.damage import Damage

MEASURES: dict[str, tuple[Callable[[Quality], float], Sequence[float]]] = {
    "size": (lambda quality: quality.size, (50, 80, 100, 1000)),
    "sharpness": (lambda quality: quality.sharpness, (15, 30, 40, 50, 60, 101)),
    "brightness": (lambda quality: quality.brightness, (12, 18, 30, 70, 88)),
    "yaw": (lambda quality: abs(quality.pose.yaw), (0, 10, 20, 25, 30, 40, 60)),
    "pitch": (lambda quality: abs(quality.pose.pitch), (0, 10, 20, 25, 33)),
}
"""Measures of quality and the bounds of their bands."""


def smaller(share: float) -> Damage:
    """Return a damage that reduces a photo to a share of its sides."""
    return lambda photo, random: photo.resize(
        (round(photo.width * share), round(photo.height * share)), Image.Resampling.BOX
    )


def blurred(radius: float) -> Damage:
    """Return a damage that blurs a photo by a radius in pixels."""
    return lambda photo, random: photo.filter(ImageFilter.GaussianBlur(radius))


def darkened(share: float) -> Damage:
    """Return a damage that darkens a photo."""
    return lambda photo, random: photo.point(lambda value: round(value * share))


WORSE: dict[str, Damage] = {
    "as it is": lambda photo, random: photo,
    "32 % of the size": smaller(0.32),
    "24 % of the size": smaller(0.24),
    "blurred by 2 pixels": blurred(2),
    "blurred by 3 pixels": blurred(3),
    "blurred by 4 pixels": blurred(4),
    "darkened to 12 %": darkened(0.12),
}


@dataclass(frozen=True)
class Pairs:
    """Pairs of photos of one person, and how many strangers each face matches.

    Attributes:
        one: Places of the first faces of the pairs.
        other: Places of the second faces.
        matched: Whether each pair matches.
        strangers: Share of the faces of other people that each face matches.
    """

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    matched: NDArray[np.bool_]
    strangers: NDArray[np.float64]


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    engine = open_engine(threads=1)
    folder = options.data / "lfw" / "images"
    lfw = faces_of(folder, engine)
    names = [name.split("/")[0] for name in lfw]
    faces = list(lfw.values())
    pairs = pairs_of(faces, numbers(names))
    halves = np.array([half_of(name) for name in names])
    bands = [row for name in MEASURES for row in band_rows(name, faces, halves, pairs)]
    show("Error rates by quality, LFW", bands)
    fairface = list(faces_of(options.data / "fairface" / "images", engine).values())
    levels = [level_row(level, faces, pairs, fairface) for level in QualityFilter]
    show("Levels of the filter", levels)
    worse = [worse_row(name, folder, lfw, engine) for name in WORSE]
    show("Photos made worse", worse)
    finish("quality_levels", {"bands": bands, "levels": levels, "worse": worse}, options.json)


def faces_of(folder: Path, engine: Engine) -> dict[str, EmbeddedFace]:
    """Return the face nearest to the centre of each photo of a folder, by the photo's name."""
    found = {
        str(path.relative_to(folder)): nearest(path.read_bytes(), engine)
        for path in sorted(folder.rglob("*.jpg"))
    }
    return {name: face for name, face in found.items() if face is not None}


def nearest(content: bytes, engine: Engine) -> EmbeddedFace | None:
    """Return the face nearest to the centre of a photo."""
    (photo,) = engine.analyse([content], EVERY_FACE)
    if not isinstance(photo, PhotoFaces):
        return None
    return min(photo.faces, key=distance_from_centre, default=None)


def pairs_of(faces: Sequence[EmbeddedFace], people: NDArray[np.int64]) -> Pairs:
    """Compare all faces with each other."""
    embeddings = np.array([face.embedding for face in faces], np.float64)
    means = np.array([face.stats.mean for face in faces])
    deviations = np.array([face.stats.deviation for face in faces])
    maximum = score_of_similarity(0.8)
    one, other, matched, strangers = [], [], [], []
    for place, face in enumerate(faces):
        distances = np.linalg.norm(embeddings - embeddings[place], axis=1)
        own = (distances - face.stats.mean) / face.stats.deviation
        matches = (own + (distances - means) / deviations) / 2 <= maximum
        same = people == people[place]
        strangers.append(float(np.mean(matches[~same])))
        later = np.flatnonzero(same[place + 1 :]) + place + 1
        one += [place] * len(later)
        other += later.tolist()
        matched += matches[later].tolist()
    return Pairs(np.array(one), np.array(other), np.array(matched), np.array(strangers))


def band_rows(
    name: str, faces: Sequence[EmbeddedFace], halves: NDArray[np.int64], pairs: Pairs
) -> list[dict[str, Any]]:
    """Return the error rates of faces by one measure.

    A pair of one person counts if one face is in the band and the other passes the strictest
    filter.
    """
    measure, bounds = MEASURES[name]
    values = np.array([measure(face.quality) for face in faces])
    good = np.array([not rejections(face.quality, QualityFilter.HIGH) for face in faces])
    rows = []
    for low, high in itertools.pairwise(bounds):
        inside = (values >= low) & (values < high)
        counted = (inside[pairs.one] & good[pairs.other]) | (inside[pairs.other] & good[pairs.one])
        row: dict[str, Any] = {"measure": f"{name} {low} to {high}", "faces": int(inside.sum())}
        row |= {"pairs": int(counted.sum()), "misses": _share(~pairs.matched[counted])}
        for half, called in enumerate(("first half", "second half")):
            own = counted & (halves[pairs.one] == half)
            row[called] = f"{_share(~pairs.matched[own])} of {own.sum()}"
        rows.append(row | {"strangers match": _share(pairs.strangers[inside], 2)})
    return rows


def level_row(
    level: QualityFilter,
    faces: Sequence[EmbeddedFace],
    pairs: Pairs,
    fairface: Sequence[EmbeddedFace],
) -> dict[str, Any]:
    """Return what a level rejects, and the misses among pairs with both faces kept."""
    kept = np.array([not rejections(face.quality, level) for face in faces])
    both = kept[pairs.one] & kept[pairs.other]
    return {
        "filter": str(level),
        "rejected, LFW": _share(~kept),
        "rejected, FairFace": _share(
            np.array([bool(rejections(face.quality, level)) for face in fairface])
        ),
        "pairs kept": int(both.sum()),
        "misses of these": _share(~pairs.matched[both]),
        "misses of the others": _share(~pairs.matched[~both]),
    }


def worse_row(
    name: str, folder: Path, unchanged: dict[str, EmbeddedFace], engine: Engine
) -> dict[str, Any]:
    """Return how well photos made worse match other photos of their people."""
    random = np.random.default_rng(0)
    people = [each for each in sorted(folder.iterdir()) if len(list(each.glob("*.jpg"))) > 1][::2]
    found, misses = [], []
    for person in people:
        first, *others = sorted(str(path.relative_to(folder)) for path in person.glob("*.jpg"))
        face = nearest(changed(folder / first, WORSE[name], random), engine)
        if face is not None:
            found.append(face)
            own = [unchanged[other] for other in others[:3] if other in unchanged]
            misses.append(np.mean([not is_match(face, other) for other in own]))
    quality = [face.quality for face in found]
    return {
        "photo": name,
        "faces": f"{len(found)} of {len(people)}",
        "misses": _share(np.array(misses)),
        "size": float(np.median([own.size for own in quality])),
        "sharpness": float(np.median([own.sharpness for own in quality])),
        "brightness": float(np.median([own.brightness for own in quality])),
    } | {
        f"{level} rejects": _share(np.array([bool(rejections(own, level)) for own in quality]), 0)
        for level in LIMITS
    }


def _share(values: NDArray[Any], digits: int = 1) -> str:
    return f"{np.mean(values):.{digits}%}" if len(values) else "-"


if __name__ == "__main__":
    main()
