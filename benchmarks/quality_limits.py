"""Choose the limits of grain and stretching on half of the people, and check them on the others.

    python -m benchmarks.quality_limits [--data FOLDER] [--json FILE]

Needs ``lfw/`` and ``fairface/`` in the folder. People are halved by a hash of their names. The
constants of ``facerec.engine.describe.quality`` and ``stretching`` are chosen by the rules that the
functions here state, on the first half and, for comparison, on the second. How the constants in the
code judge faces is shown for each half. A photo of every fourth person of LFW is made grainy, also
with little contrast. Takes 15 minutes on one core.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.support.halves import ChipEngine, Measured, good_faces, grainy_faces
from benchmarks.support.results import DATA, arguments, finish, show
from benchmarks.unreadable_faces import stranger_matches
from facerec.core.options import QualityFilter
from facerec.engine.describe.quality import (
    LIMITS,
    LOW_CONTRAST,
    MAX_GRAIN,
    NO_GRAIN,
    contrast,
    grain,
)
from facerec.engine.describe.stretching import MAX_STRETCH, WEIGHTS, pose_terms

CONTRASTS = (1, 12, 16, 20, 24, 28, 32, 40)
"""Values of ``LOW_CONTRAST``; 1 is without it."""

GRAINS = range(4, 25)
HALVES = ("first", "second")
OUTLIER = 0.35
"""Deviation of the logarithm of a stretch above which a face does not count for the weights."""

MIN_SHARPNESS = LIMITS[QualityFilter.AUTO].min_sharpness / 100
LIMIT = MAX_GRAIN - MIN_SHARPNESS * (MAX_GRAIN - NO_GRAIN)
"""Grain above which AUTO rejects a face."""


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    engine = ChipEngine()
    grainy = grainy_faces(options.data / "lfw" / "images", engine)
    good = good_faces(options.data, engine)
    chosen = [chosen_limits(half, grainy, good) for half in (0, 1)]
    limits = [
        {"constant": name, "first half": chosen[0][name], "second half": chosen[1][name]}
        | {"in the code": value}
        for name, value in in_code().items()
    ]
    show("Constants that the rules choose", limits)
    errors = [contrast_row(value, grainy, good) for value in CONTRASTS]
    show("Grainy faces that AUTO judges wrongly, by LOW_CONTRAST", errors)
    judged = [grainy_row(name, half, faces) for name, faces in grainy.items() for half in (0, 1)]
    show("Grainy faces at the constants in the code", judged)
    kept = [good_row(name, half, faces) for name, faces in good.items() for half in (0, 1)]
    show("Faces as they are at the constants in the code", kept)
    results = {"limits": limits, "contrast": errors, "grainy": judged, "good": kept}
    finish("quality_limits", results, options.json)


def chosen_limits(
    half: int, grainy: dict[str, list[Measured]], good: dict[str, list[Measured]]
) -> dict[str, str]:
    """Choose each constant on one half.

    - ``LOW_CONTRAST`` and the grain that AUTO rejects, a whole number: the values with which AUTO
      judges the fewest grainy faces wrongly. A face that matches the photo without grain is
      rejected wrongly, any other is kept wrongly.
    - ``NO_GRAIN``: the lowest whole number that at most 1 of 1,000 faces of each set exceeds.
    - ``WEIGHTS``: least squares, five times, without outliers.
    - ``MAX_STRETCH``: the lowest multiple of 0.1 that no face exceeds, by these weights.
    """
    noisy = [face for faces in grainy.values() for face in faces if face.half == half]
    undamaged = [[face for face in faces if face.half == half] for faces in good.values()]
    (wrong, limit), low_contrast = min((best_limit(noisy, each), each) for each in CONTRASTS)
    grains = [grains_of(faces, low_contrast) for faces in undamaged]
    no_grain = max(math.ceil(np.quantile(own, 0.999)) for own in grains)
    everybody = [face for faces in undamaged for face in faces]
    weights = fitted_weights(everybody)
    highest = float(np.max(stretches(everybody, weights)))
    return {
        "LOW_CONTRAST": f"{low_contrast} ({wrong:.1%} wrong)",
        "grain that AUTO rejects": f"{limit}",
        "NO_GRAIN": f"{no_grain}",
        "MAX_GRAIN": f"{round((limit - MIN_SHARPNESS * no_grain) / (1 - MIN_SHARPNESS))}",
        "WEIGHTS": ", ".join(f"{weight:.2f}" for weight in weights),
        "MAX_STRETCH": f"{math.ceil(highest * 10) / 10:.1f} (highest {highest:.2f})",
    }


def in_code() -> dict[str, str]:
    """Return the constants of the code, as text."""
    return {
        "LOW_CONTRAST": f"{LOW_CONTRAST:.0f}",
        "grain that AUTO rejects": f"{LIMIT:.2f}",
        "NO_GRAIN": f"{NO_GRAIN:.0f}",
        "MAX_GRAIN": f"{MAX_GRAIN:.0f}",
        "WEIGHTS": ", ".join(f"{weight:.2f}" for weight in WEIGHTS),
        "MAX_STRETCH": f"{MAX_STRETCH:.1f}",
    }


def grains_of(faces: list[Measured], low_contrast: float) -> NDArray[np.float64]:
    """Return the grain of each face with another value of ``LOW_CONTRAST``."""
    return np.array([grain(face.grey, low_contrast=low_contrast) for face in faces])


def best_limit(faces: list[Measured], low_contrast: float) -> tuple[float, int]:
    """Return the smallest share of grainy faces that a limit judges wrongly, and that limit."""
    grains = grains_of(faces, low_contrast)
    return min((share_wrong(faces, grains, limit), limit) for limit in GRAINS)


def share_wrong(faces: list[Measured], grains: NDArray[np.float64], limit: float) -> float:
    """Return the share of grainy faces that a limit judges wrongly."""
    readable = np.array([face.is_readable for face in faces])
    return float(np.mean((grains > limit) == readable))


def fitted_weights(faces: list[Measured]) -> NDArray[np.float64]:
    """Fit the weights of the pose to faces that are not stretched."""
    terms = np.array([pose_terms(face.face.quality.pose) for face in faces])
    logarithms = np.log([face.stretch for face in faces]) - terms @ np.array(WEIGHTS)
    counted = np.ones(len(faces), bool)
    for _ in range(5):
        weights = np.linalg.lstsq(terms[counted], -logarithms[counted], rcond=None)[0]
        counted = np.abs(logarithms + terms @ weights) < OUTLIER
    return weights


def stretches(faces: list[Measured], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the stretch of each face by other weights than those of the code, rounded."""
    terms = np.array([pose_terms(face.face.quality.pose) for face in faces])
    change: NDArray[np.float64] = np.exp(terms @ (np.round(weights, 2) - np.array(WEIGHTS)))
    return change * np.array([face.stretch for face in faces])


def contrast_row(
    low_contrast: float, grainy: dict[str, list[Measured]], good: dict[str, list[Measured]]
) -> dict[str, Any]:
    """Return what another value of ``LOW_CONTRAST`` changes, at its own best limit."""
    noisy = [face for faces in grainy.values() for face in faces]
    row: dict[str, Any] = {"LOW_CONTRAST": low_contrast}
    for half, name in enumerate(HALVES):
        wrong, limit = best_limit([face for face in noisy if face.half == half], low_contrast)
        row |= {f"{name} half: limit": limit, f"{name} half: wrong": f"{wrong:.1%}"}
    dull = [face for face in noisy if contrast(face.grey) < LOW_CONTRAST]
    wrong = share_wrong(dull, grains_of(dull, low_contrast), LIMIT)
    row["of low contrast: wrong"] = f"{wrong:.1%} of {len(dull):,}"
    undamaged = [face for faces in good.values() for face in faces]
    below = np.mean([contrast(face.grey) < low_contrast for face in undamaged])
    return row | {"good faces below": f"{below:.1%}"}


def grainy_row(name: str, half: int, faces: list[Measured]) -> dict[str, Any]:
    """Return how AUTO judges grainy faces of one half, by their grain."""
    own = [face for face in faces if face.half == half]
    kept = [face for face in own if grain(face.grey) <= LIMIT]
    rejected = [face for face in own if grain(face.grey) > LIMIT]
    pairs, kept_pairs = (len(each) * (len(each) - 1) // 2 for each in (own, kept))
    return {
        "photo": name,
        "half": HALVES[half],
        "faces": len(own),
        "strangers match": stranger_matches([face.face for face in own])[1] / max(1, pairs),
        "AUTO keeps": len(kept) / len(own),
        "strangers match, kept": stranger_matches([face.face for face in kept])[1]
        / max(1, kept_pairs),
        "matches its own photo, kept": _readable(kept),
        "matches its own photo, rejected": _readable(rejected),
    }


def good_row(name: str, half: int, faces: list[Measured]) -> dict[str, Any]:
    """Return how many unchanged faces of one half the constants reject."""
    own = [face for face in faces if face.half == half]
    grains = np.array([grain(face.grey) for face in own])
    stretched = np.array([face.stretch for face in own])
    return {
        "photos": name,
        "half": HALVES[half],
        "faces": len(own),
        "grain above NO_GRAIN": int(np.sum(grains > NO_GRAIN)),
        "grain that AUTO rejects": int(np.sum(grains > LIMIT)),
        "highest grain": float(grains.max()),
        "contrast below LOW_CONTRAST": sum(contrast(face.grey) < LOW_CONTRAST for face in own),
        "stretch above 1.4": int(np.sum(stretched > 1.4)),
        "above MAX_STRETCH": int(np.sum(stretched > MAX_STRETCH)),
        "highest stretch": float(stretched.max()),
    }


def _readable(faces: list[Measured]) -> str:
    if not faces:
        return "-"
    return f"{np.mean([face.is_readable for face in faces]):.0%} of {len(faces)}"


if __name__ == "__main__":
    main()
