"""Measure how often damaged faces of different people match, and how often good ones still do.

    python -m benchmarks.unreadable_faces [--data FOLDER] [--people N] [--json FILE]

Needs ``lfw/``, ``fairface/``, ``london/``, ``groups/`` and ``johns/`` in the folder. One photo of
each of some people of LFW is turned, made grainy, pixelated, stretched or blurred, and described
again. Then the filter AUTO judges the faces of unchanged photos. Takes ten minutes on one core.
"""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.support.results import DATA, arguments, finish, show
from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import EmbeddedFace, PhotoFaces, RejectionReason
from facerec.engine.describe.selection import rejection_reasons
from facerec.engine.describe.stretching import estimated_stretch
from facerec.engine.engine import Engine, open_engine
from facerec.gallery.scores.normalisation import normalised_score, score_of_similarity
from training.cohort.damage import Damage, blurred, grainy, pixelated

PLAIN_DISTANCE = 0.547
"""Distance that 1 of 1,000 pairs of different people in LFW reach."""

EVERY_FACE = FaceOptions(max_faces=100, quality_filter=QualityFilter.NONE)

GOOD = {
    "LFW": ("lfw/images", 2),
    "FairFace": ("fairface/images", 1),
    "London": ("london", 1),
    "groups": ("groups", 1),
    "portraits": ("johns", 1),
}
"""Folders of photos as they are, and one in how many of their photos is measured."""

ALL_FACES = "groups"
"""Where all faces of a photo are measured; elsewhere, the one nearest to the centre."""


def grey_noise(deviation: float) -> Damage:
    """Return a damage that adds the same noise to all colours, in levels of 255."""

    def damage(photo: Image.Image, random: np.random.Generator) -> Image.Image:
        noise = random.normal(0, deviation, (photo.height, photo.width, 1))
        return clipped(np.asarray(photo) + noise)

    return damage


def photon_noise(photons: float) -> Damage:
    """Return a damage that shows white with this many photons: darker parts have less noise."""

    def damage(photo: Image.Image, random: np.random.Generator) -> Image.Image:
        return clipped(random.poisson(np.asarray(photo) / 255 * photons) * (255 / photons))

    return damage


def resized(across: float, down: float) -> Damage:
    """Return a damage that stretches a photo."""
    return lambda photo, random: photo.resize(
        (round(photo.width * across), round(photo.height * down))
    )


CHANGES: dict[str, Damage] = {
    "as it is": lambda photo, random: photo,
    "turned by 30 degrees": lambda photo, random: photo.rotate(30, Image.Resampling.BICUBIC),
    "turned by 60 degrees": lambda photo, random: photo.rotate(60, Image.Resampling.BICUBIC),
    "turned by 90 degrees": lambda photo, random: photo.rotate(90, expand=True),
    "turned by 270 degrees": lambda photo, random: photo.rotate(270, expand=True),
    "noise of 20 levels": grainy(20, 20),
    "noise of 40 levels": grainy(40, 40),
    "noise of 60 levels": grainy(60, 60),
    "noise of 80 levels": grainy(80, 80),
    "grey noise of 40 levels": grey_noise(40),
    "grey noise of 60 levels": grey_noise(60),
    "noise of 6 photons": photon_noise(6),
    "squares of 4 pixels": pixelated(4, 4),
    "squares of 6 pixels": pixelated(6, 6),
    "squares of 8 pixels": pixelated(8, 8),
    "1.5 times as wide": resized(1.5, 1),
    "twice as wide": resized(2, 1),
    "twice as high": resized(1, 2),
    "blurred by 4 pixels": blurred(4, 4),
}


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--people", type=int, default=220)
    options = parser.parse_args()
    folders = sorted((options.data / "lfw" / "images").iterdir())
    folders = folders[:: max(1, len(folders) // options.people)][: options.people]
    paths = [min(folder.glob("*.jpg")) for folder in folders]
    engine = open_engine(threads=1)
    good = {
        place: face for place, (face, _) in faces_of(paths, CHANGES["as it is"], engine).items()
    }
    damaged = [damaged_row(name, paths, good, engine) for name in CHANGES]
    show("Faces that carry little identity", damaged)
    undamaged = [good_row(name, options.data, engine) for name in GOOD]
    show("Faces of photos as they are", undamaged)
    finish("unreadable_faces", {"damaged": damaged, "good": undamaged}, options.json)


def damaged_row(
    name: str, paths: list[Path], good: dict[int, EmbeddedFace], engine: Engine
) -> dict[str, Any]:
    """Return how faces with one damage match, and how many AUTO keeps."""
    found = faces_of(paths, CHANGES[name], engine)
    faces = {place: face for place, (face, _) in found.items()}
    plain, normalised = stranger_matches(list(faces.values()))
    kept = [face for face, aspect in found.values() if not reasons_of(face, aspect)]
    _, of_kept = stranger_matches(kept)
    pairs, kept_pairs = (len(own) * (len(own) - 1) // 2 for own in (faces, kept))
    stretches = [
        estimated_stretch(face.landmarks, face.quality.pose, aspect)
        for face, aspect in found.values()
    ]
    return {
        "photo": name,
        "faces": len(faces),
        "strangers match by plain distance": plain / pairs,
        "strangers match": normalised / pairs,
        "AUTO keeps": len(kept) / len(faces),
        "with AUTO, strangers match": of_kept / pairs,
        "of the pairs kept": of_kept / max(1, kept_pairs),
        "matches its own photo": own_rate(faces, good),
        "stretch": " to ".join(f"{share:.2f}" for share in np.percentile(stretches, [5, 95])),
    }


def good_row(name: str, data: Path, engine: Engine) -> dict[str, Any]:
    """Return how many faces of unchanged photos AUTO rejects, and why."""
    folder, every = GOOD[name]
    suffixes = (".jpg", ".jpeg")
    paths = sorted(path for path in (data / folder).rglob("*") if path.suffix in suffixes)[::every]
    faces, reasons = 0, Counter[RejectionReason]()
    for path in paths:
        (found,) = engine.analyse([path.read_bytes()], EVERY_FACE)
        if not isinstance(found, PhotoFaces) or not found.faces:
            continue
        nearest = min(found.faces, key=distance_from_centre)
        counted = found.faces if name == ALL_FACES else (nearest,)
        faces += len(counted)
        for face in counted:
            reasons.update(reasons_of(face, found.width / found.height))
    return {"photos": name, "faces": faces} | {
        reason: reasons[reason]
        for reason in RejectionReason
        if reason not in (RejectionReason.LOW_CONFIDENCE, RejectionReason.EXCEEDS_MAX_FACES)
    }


def reasons_of(face: EmbeddedFace, aspect: float) -> tuple[RejectionReason, ...]:
    """Return why AUTO rejects a face."""
    (reasons,) = rejection_reasons([face], FaceOptions(), aspect=aspect)
    return reasons


def faces_of(
    paths: list[Path], change: Damage, engine: Engine
) -> dict[int, tuple[EmbeddedFace, float]]:
    """Return the face nearest to the centre of each changed photo, by the photo's place.

    Also returned: the width of the changed photo divided by its height.
    """
    # One generator for all photos: the same noise in all of them would make them similar.
    random = np.random.default_rng(0)
    faces = {}
    for place, path in enumerate(paths):
        (found,) = engine.analyse([changed(path, change, random)], EVERY_FACE)
        if isinstance(found, PhotoFaces) and found.faces:
            face = min(found.faces, key=distance_from_centre)
            faces[place] = (face, found.width / found.height)
    return faces


def changed(path: Path, change: Damage, random: np.random.Generator) -> bytes:
    """Return a changed photo as a file."""
    content = io.BytesIO()
    with Image.open(path) as photo:
        change(photo.convert("RGB"), random).save(content, "PNG")
    return content.getvalue()


def stranger_matches(faces: list[EmbeddedFace]) -> tuple[int, int]:
    """Count the pairs of different people that match at the default threshold.

    Returns:
        By plain distance, and normalised.
    """
    if not faces:
        return 0, 0
    embeddings = np.stack([face.embedding for face in faces]).astype(np.float64)
    one, other = np.triu_indices(len(faces), 1)
    distances = np.linalg.norm(embeddings[one] - embeddings[other], axis=1)
    scores = _scores(distances, faces, one, other)
    plain = int(np.sum(distances <= PLAIN_DISTANCE))
    return plain, int(np.sum(scores <= score_of_similarity(0.8)))


def own_rate(faces: dict[int, EmbeddedFace], good: dict[int, EmbeddedFace]) -> float:
    """Return the share of changed faces that match the same photo unchanged."""
    both = [place for place in faces if place in good]
    return float(np.mean([is_match(faces[place], good[place]) for place in both]))


def is_match(one: EmbeddedFace, other: EmbeddedFace) -> bool:
    """Return whether two faces match at the default threshold."""
    distance = float(np.linalg.norm(one.embedding - other.embedding))
    return normalised_score(distance, one.stats, other.stats) <= score_of_similarity(0.8)


def clipped(values: NDArray[np.float64]) -> Image.Image:
    """Return grey levels of any range as a photo."""
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def distance_from_centre(face: EmbeddedFace) -> float:
    """Return how far the middle of a face is from that of its photo, in ratios."""
    box = face.box
    return float(np.hypot(box.left + box.width / 2 - 0.5, box.top + box.height / 2 - 0.5))


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


if __name__ == "__main__":
    main()
