"""Measure how often damaged faces of different people match, and how often good ones still do.

    python -m benchmarks.unreadable_faces [--data FOLDER] [--people N] [--json FILE]

Needs ``lfw/`` in the folder. One photo of each of some people is turned, made grainy, pixelated,
stretched or blurred, and described again. Takes three minutes on one core.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.support.results import DATA, arguments, finish, show
from facerec.core.faces import Landmarks
from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import EmbeddedFace, PhotoFaces
from facerec.engine.engine import Engine, open_engine
from facerec.gallery.scores.normalisation import normalised_score, score_of_similarity
from training.cohort.damage import blurred, grainy, pixelated

PLAIN_DISTANCE = 0.547
"""Distance that 1 of 1,000 pairs of different people in LFW reach."""

Change = Callable[[Image.Image], Image.Image]

RANDOM = np.random.default_rng(0)
"""One generator for all photos: the same noise in all of them would make them similar."""

CHANGES: dict[str, Change] = {
    "as it is": lambda photo: photo,
    "turned by 30 degrees": lambda photo: photo.rotate(30, Image.Resampling.BICUBIC),
    "turned by 60 degrees": lambda photo: photo.rotate(60, Image.Resampling.BICUBIC),
    "turned by 90 degrees": lambda photo: photo.rotate(90, expand=True),
    "turned by 270 degrees": lambda photo: photo.rotate(270, expand=True),
    "noise of 20 levels": lambda photo: grainy(20, 20)(photo, RANDOM),
    "noise of 40 levels": lambda photo: grainy(40, 40)(photo, RANDOM),
    "noise of 80 levels": lambda photo: grainy(80, 80)(photo, RANDOM),
    "squares of 4 pixels": lambda photo: pixelated(4, 4)(photo, RANDOM),
    "squares of 6 pixels": lambda photo: pixelated(6, 6)(photo, RANDOM),
    "squares of 8 pixels": lambda photo: pixelated(8, 8)(photo, RANDOM),
    "1.5 times as wide": lambda photo: photo.resize((photo.width * 3 // 2, photo.height)),
    "twice as wide": lambda photo: photo.resize((photo.width * 2, photo.height)),
    "twice as high": lambda photo: photo.resize((photo.width, photo.height * 2)),
    "blurred by 4 pixels": lambda photo: blurred(4, 4)(photo, RANDOM),
}


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--people", type=int, default=350)
    options = parser.parse_args()
    folders = sorted((options.data / "lfw" / "images").iterdir())
    folders = folders[:: max(1, len(folders) // options.people)][: options.people]
    paths = [min(folder.glob("*.jpg")) for folder in folders]
    engine = open_engine(threads=1)
    good, _ = faces_of(paths, CHANGES["as it is"], engine)
    rows = []
    for name, change in CHANGES.items():
        faces, noses = faces_of(paths, change, engine)
        plain, normalised = stranger_rates(list(faces.values()))
        rows.append(
            {
                "photo": name,
                "faces": len(faces),
                "strangers match by plain distance": plain,
                "strangers match": normalised,
                "matches its own photo": own_rate(faces, good),
                "nose below the eyes": " to ".join(
                    f"{share:.2f}" for share in np.percentile(noses, [5, 95])
                ),
            }
        )
    show("Faces that carry little identity", rows)
    finish("unreadable_faces", {"rows": rows}, options.json)


def faces_of(
    paths: list[Path], change: Change, engine: Engine
) -> tuple[dict[int, EmbeddedFace], list[float]]:
    """Return the face nearest to the centre of each changed photo, by the photo's place.

    Also returned: how far below the eyes each of their noses is, as a share of the distance of the
    eyes. Stretching changes it, as far as landmarks show it.
    """
    options = FaceOptions(max_faces=100, quality_filter=QualityFilter.NONE)
    faces, noses = {}, []
    for place, path in enumerate(paths):
        with Image.open(path) as photo:
            content = io.BytesIO()
            change(photo.convert("RGB")).save(content, "PNG")
        (found,) = engine.analyse([content.getvalue()], options)
        if isinstance(found, PhotoFaces) and found.faces:
            faces[place] = min(found.faces, key=_distance_from_centre)
            noses.append(_nose_below_eyes(faces[place].landmarks, found.width, found.height))
    return faces, noses


def stranger_rates(faces: list[EmbeddedFace]) -> tuple[float, float]:
    """Return the shares of pairs of different people that match at the default threshold."""
    embeddings = np.stack([face.embedding for face in faces]).astype(np.float64)
    one, other = np.triu_indices(len(faces), 1)
    distances = np.linalg.norm(embeddings[one] - embeddings[other], axis=1)
    scores = _scores(distances, faces, one, other)
    plain = float(np.mean(distances <= PLAIN_DISTANCE))
    return plain, float(np.mean(scores <= score_of_similarity(0.8)))


def own_rate(faces: dict[int, EmbeddedFace], good: dict[int, EmbeddedFace]) -> float:
    """Return the share of changed faces that match the same photo unchanged."""
    both = [place for place in faces if place in good]
    scores = [
        normalised_score(
            float(np.linalg.norm(faces[place].embedding - good[place].embedding)),
            faces[place].stats,
            good[place].stats,
        )
        for place in both
    ]
    return float(np.mean(np.array(scores) <= score_of_similarity(0.8)))


def _scores(
    distances: NDArray[np.float64],
    faces: list[EmbeddedFace],
    one: NDArray[Any],
    other: NDArray[Any],
) -> NDArray[np.float64]:
    means = np.array([face.stats.mean for face in faces])
    deviations = np.array([face.stats.deviation for face in faces])
    scores: NDArray[np.float64] = (
        (distances - means[one]) / deviations[one] + (distances - means[other]) / deviations[other]
    ) / 2
    return scores


def _nose_below_eyes(marks: Landmarks, width: int, height: int) -> float:
    left_outer, left_inner, right_inner, right_outer, nose = (
        np.array([point.x * width, point.y * height])
        for point in (
            marks.left_eye_outer,
            marks.left_eye_inner,
            marks.right_eye_inner,
            marks.right_eye_outer,
            marks.nose,
        )
    )
    left, right = (left_outer + left_inner) / 2, (right_outer + right_inner) / 2
    eyes = left - right
    along = eyes / np.linalg.norm(eyes)
    down = nose - (left + right) / 2
    down = down - along * (down @ along)
    return float(np.linalg.norm(down) / np.linalg.norm(eyes))


def _distance_from_centre(face: EmbeddedFace) -> float:
    box = face.box
    return float(np.hypot(box.left + box.width / 2 - 0.5, box.top + box.height / 2 - 0.5))


if __name__ == "__main__":
    main()
