"""An engine without models: its photos are JSON documents that list their faces.

    engine = FakeEngine()
    photo = fake_photo(fake_face("ann"), fake_face("bob", away=0.3, left=0.5))
    (found,) = engine.analyse([photo], FaceOptions())

A face's embedding depends on the person's name, on how far ``away`` from the person's typical
embedding it is (Euclidean distance) and on the ``shot``, which picks the direction. Different
people are about 0.8 +- 0.05 apart, as with dlib's network.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.core.attributes import AgeRange, FaceAttributes, Gender
from facerec.core.faces import (
    EMBEDDING_SIZE,
    BoundingBox,
    CohortStats,
    Landmarks,
    Point,
    Pose,
    Quality,
)
from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import (
    DetectedFace,
    EmbeddedFace,
    PhotoFaces,
    RejectedFace,
    RejectionReason,
    UnreadablePhoto,
    UnreadableReason,
)
from facerec.errors import AttributesUnavailableError

SPREAD_OF_PEOPLE = 0.05
"""Standard deviation of a value of an embedding: two people are 0.05 * sqrt(256) = 0.8 apart."""

TYPICAL_NORM = 1.2
"""Length of the mean embedding. The mean of dlib's embeddings is far from the origin too."""

FAKE_COHORT_STATS = CohortStats(mean=0.585477, deviation=0.025375, version="fake-cohort")
"""Stats of every fake face, so that similarity depends on distance alone."""

FAKE_DISTANCE_AT_DEFAULT = 0.547
"""Distance at which fake faces have a similarity of 0.8; at a distance of 0.621 they have 0.5."""


@dataclass(frozen=True, slots=True)
class FakeFace:
    """A face as a fake photo describes it; ``sharp`` faces pass every quality filter.

    ``left``, ``top``, ``width`` and ``height`` are ratios of the photo. See ``fake_embedding`` for
    ``away`` and ``shot``.
    """

    person: str
    away: float = 0.0
    shot: int = 0
    left: float = 0.1
    top: float = 0.1
    width: float = 0.2
    height: float = 0.2
    confidence: float = 0.99
    sharp: bool = True


def fake_face(person: str, **settings: Any) -> FakeFace:  # noqa: ANN401
    """Describe a face; see ``FakeFace`` for the settings."""
    return FakeFace(person, **settings)


def fake_photo(
    *faces: FakeFace,
    width: int = 640,
    height: int = 480,
    note: str = "",
    rotation: int = 0,
    is_animated: bool = False,
) -> bytes:
    """Return a photo that ``FakeEngine`` reads; a different ``note`` changes its bytes.

    ``width``, ``height``, ``rotation`` and ``is_animated`` are those of ``PhotoFaces``.
    """
    photo: dict[str, Any] = {
        "width": width,
        "height": height,
        "faces": [asdict(face) for face in faces],
        "note": note,
    }
    # Omitted by default: photos keep the bytes, and so the ids, of the folders of earlier releases.
    if rotation:
        photo["rotation"] = rotation
    if is_animated:
        photo["is_animated"] = is_animated
    return json.dumps(photo).encode()


def fake_embedding(person: str, away: float = 0.0, shot: int = 0) -> NDArray[np.float32]:
    """Return the embedding of a person: float32, shape (128,).

    Args:
        person: Name of the person.
        away: Euclidean distance from the person's typical embedding.
        shot: Number that determines the direction of this distance.
    """
    mean = np.full(EMBEDDING_SIZE, TYPICAL_NORM / EMBEDDING_SIZE**0.5)
    typical = mean + SPREAD_OF_PEOPLE * _random(person).standard_normal(EMBEDDING_SIZE)
    direction = _random(f"{person}/{shot}").standard_normal(EMBEDDING_SIZE)
    return (typical + away * direction / np.linalg.norm(direction)).astype(np.float32)


_USUAL_VERSION = "fake-1"


class FakeEngine:
    """A ``FaceEngine`` that reads fake photos and counts those it analyses.

    Embeddings of different model versions are as far apart as those of different people.

    Attributes:
        analysed: Number of photos that it has analysed.
    """

    def __init__(self, model_version: str = _USUAL_VERSION) -> None:
        self._model_version = model_version
        self.analysed = 0

    @property
    def model_version(self) -> str:
        return self._model_version

    @property
    def cohort_version(self) -> str:
        return FAKE_COHORT_STATS.version

    def cohort_stats(self, embeddings: NDArray[np.float32]) -> list[CohortStats]:
        return [FAKE_COHORT_STATS] * len(embeddings)

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        self.analysed += len(photos)
        return [self._described(_analyse(photo, options)) for photo in photos]

    def _described(self, photo: PhotoFaces | UnreadablePhoto) -> PhotoFaces | UnreadablePhoto:
        """Return a photo whose embeddings can be compared with those of this version only."""
        if self._model_version == _USUAL_VERSION or isinstance(photo, UnreadablePhoto):
            return photo
        order = _random(self._model_version).permutation(EMBEDDING_SIZE)
        faces = [replace(face, embedding=face.embedding[order]) for face in photo.faces]
        return replace(photo, faces=tuple(faces))


class FakeAttributes:
    """An ``AttributeEstimator`` for which everybody is a woman of 30 to 40 years.

    Attributes:
        is_installed: Whether the estimator counts as installed.
    """

    def __init__(self, *, is_installed: bool = True) -> None:
        self.is_installed = is_installed

    def estimate(
        self, photo: bytes, faces: Sequence[DetectedFace], options: FaceOptions
    ) -> list[FaceAttributes]:
        if not self.is_installed:
            raise AttributesUnavailableError
        return [FaceAttributes(AgeRange(30, 40), Gender.FEMALE, 0.9) for _ in faces]


def _analyse(photo: bytes, options: FaceOptions) -> PhotoFaces | UnreadablePhoto:
    if not photo:
        return UnreadablePhoto(UnreadableReason.EMPTY, "the file is empty")
    if not photo.startswith(b"{"):
        return UnreadablePhoto(UnreadableReason.UNSUPPORTED_FORMAT, "not a fake photo")
    try:
        described = json.loads(photo)
    except ValueError:
        return UnreadablePhoto(UnreadableReason.CORRUPT, "the file is cut short")
    if described["width"] * described["height"] > options.max_pixels:
        return UnreadablePhoto(UnreadableReason.TOO_LARGE, "the photo has too many pixels")
    faces = sorted(
        (FakeFace(**face) for face in described["faces"]),
        key=lambda face: face.width * face.height,
        reverse=True,
    )
    kept: list[EmbeddedFace] = []
    rejected: list[RejectedFace] = []
    for face in faces:
        reasons = _reasons(face, options, len(kept))
        if reasons:
            rejected.append(RejectedFace(**_detected(face, described), reasons=reasons))
        else:
            embedding = fake_embedding(face.person, face.away, face.shot)
            kept.append(
                EmbeddedFace(
                    **_detected(face, described), embedding=embedding, stats=FAKE_COHORT_STATS
                )
            )
    return PhotoFaces(
        described["width"],
        described["height"],
        tuple(kept),
        tuple(rejected),
        rotation=described.get("rotation", 0),
        is_animated=described.get("is_animated", False),
    )


def _reasons(face: FakeFace, options: FaceOptions, kept: int) -> tuple[RejectionReason, ...]:
    reasons = []
    if face.confidence < options.min_confidence:
        reasons.append(RejectionReason.LOW_CONFIDENCE)
    if not face.sharp and options.quality_filter is not QualityFilter.NONE:
        reasons.append(RejectionReason.LOW_SHARPNESS)
    if not reasons and kept >= options.max_faces:
        reasons.append(RejectionReason.EXCEEDS_MAX_FACES)
    return tuple(reasons)


def _detected(face: FakeFace, photo: dict[str, Any]) -> dict[str, Any]:
    def place(across: float, down: float) -> Point:
        return Point(face.left + across * face.width, face.top + down * face.height)

    return {
        "box": BoundingBox(face.left, face.top, face.width, face.height),
        "confidence": face.confidence,
        "landmarks": Landmarks(
            left_eye_outer=place(0.2, 0.4),
            left_eye_inner=place(0.4, 0.4),
            right_eye_inner=place(0.6, 0.4),
            right_eye_outer=place(0.8, 0.4),
            nose=place(0.5, 0.6),
        ),
        "quality": Quality(
            size=min(face.width * photo["width"], face.height * photo["height"]),
            sharpness=80.0 if face.sharp else 5.0,
            brightness=60.0,
            pose=Pose(roll=0.0, yaw=0.0, pitch=0.0),
        ),
    }


def _random(name: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]))
