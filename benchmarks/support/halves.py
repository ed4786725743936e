"""Faces of LFW and FairFace, measured to choose limits of quality, and halved by their people."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.unreadable_faces import (
    CHANGES,
    EVERY_FACE,
    changed,
    clipped,
    distance_from_centre,
    is_match,
)
from facerec.core.faces import CohortStats
from facerec.core.photos import EmbeddedFace, PhotoFaces
from facerec.engine.describe.quality import in_grey
from facerec.engine.describe.stretching import estimated_stretch
from facerec.engine.engine import Engine
from training.cohort.damage import Damage

PEOPLE = 4
"""A photo of one in this many people of LFW is made grainy."""

PHOTOS = 3
"""One in this many photos of LFW is measured as it is."""


def flat(share: float, deviation: float) -> Damage:
    """Return a damage that reduces contrast to a share, and then adds noise, in levels of 255."""

    def damage(photo: Image.Image, random: np.random.Generator) -> Image.Image:
        values = np.asarray(photo).astype(np.float64)
        values = values.mean() + (values - values.mean()) * share
        return clipped(values + random.normal(0, deviation, values.shape))

    return damage


NOISE: dict[str, Damage] = {
    name: CHANGES[name]
    for name in (
        "noise of 40 levels",
        "noise of 60 levels",
        "noise of 80 levels",
        "grey noise of 40 levels",
        "grey noise of 60 levels",
        "noise of 6 photons",
    )
} | {
    "half the contrast, noise of 20 levels": flat(0.5, 20),
    "half the contrast, noise of 40 levels": flat(0.5, 40),
    "a quarter of the contrast, noise of 10 levels": flat(0.25, 10),
    "a quarter of the contrast, noise of 20 levels": flat(0.25, 20),
}


@dataclass(frozen=True)
class Measured:
    """A face, the half that its person is in, and its measurements."""

    half: int
    face: EmbeddedFace
    stretch: float
    grey: NDArray[np.float32]
    is_readable: bool = True
    """Whether a grainy face matches the same photo without grain."""


class ChipEngine(Engine):
    """Remembers the chips of the faces of the last photos, by their descriptors."""

    def __init__(self) -> None:
        super().__init__(threads=1)
        self.chips: dict[bytes, NDArray[np.uint8]] = {}

    def _embed(self, views: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.float32], CohortStats]]:
        self.chips = {}
        for chips, described in zip(views, super()._embed(views), strict=True):
            self.chips[described[0].tobytes()] = chips[0]
            yield described


def half_of(name: str) -> int:
    """Return the half that a person is in, 0 or 1."""
    return hashlib.sha256(name.encode()).digest()[0] % 2


def grainy_faces(folder: Path, engine: ChipEngine) -> dict[str, list[Measured]]:
    """Return the faces of photos made grainy, by kind of noise."""
    people = sorted(folder.iterdir())[::PEOPLE]
    unchanged: dict[str, EmbeddedFace] = {}
    found = {}
    for name, change in ({"as it is": CHANGES["as it is"]} | NOISE).items():
        random = np.random.default_rng(0)
        faces = []
        for person in people:
            content = changed(min(person.glob("*.jpg")), change, random)
            own = measured(content, half_of(person.name), engine, unchanged.get(person.name))
            if own is not None:
                faces.append(own)
                unchanged.setdefault(person.name, own.face)
        found[name] = faces
    del found["as it is"]
    return found


def good_faces(data: Path, engine: ChipEngine) -> dict[str, list[Measured]]:
    """Return the faces of photos as they are, by set."""
    lfw = sorted((data / "lfw" / "images").rglob("*.jpg"))[::PHOTOS]
    fairface = sorted((data / "fairface" / "images").glob("*.jpg"))
    return {
        "LFW": [*_of_files(((path.parent.name, path) for path in lfw), engine)],
        "FairFace": [*_of_files(((path.name, path) for path in fairface), engine)],
    }


def measured(
    content: bytes, half: int, engine: ChipEngine, unchanged: EmbeddedFace | None = None
) -> Measured | None:
    """Return the face nearest to the centre of a photo; None if it has no face."""
    (photo,) = engine.analyse([content], EVERY_FACE)
    if not isinstance(photo, PhotoFaces) or not photo.faces:
        return None
    face = min(photo.faces, key=distance_from_centre)
    stretch = estimated_stretch(face.landmarks, face.quality.pose, photo.width / photo.height)
    grey = in_grey(engine.chips[face.embedding.tobytes()])
    return Measured(half, face, stretch, grey, unchanged is None or is_match(face, unchanged))


def _of_files(files: Iterable[tuple[str, Path]], engine: ChipEngine) -> Iterator[Measured]:
    for person, path in files:
        own = measured(path.read_bytes(), half_of(person), engine)
        if own is not None:
            yield own
