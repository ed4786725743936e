"""Results of processing a photo: its faces, or the reason why it could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.attributes import FaceAttributes
    from facerec.core.faces import BoundingBox, CohortStats, Landmarks, Quality


class RejectionReason(StrEnum):
    """Why a detected face is rejected; the names are Rekognition's."""

    EXCEEDS_MAX_FACES = "EXCEEDS_MAX_FACES"
    EXTREME_POSE = "EXTREME_POSE"
    LOW_BRIGHTNESS = "LOW_BRIGHTNESS"
    LOW_SHARPNESS = "LOW_SHARPNESS"
    LOW_CONFIDENCE = "LOW_CONFIDENCE"
    SMALL_BOUNDING_BOX = "SMALL_BOUNDING_BOX"
    LOW_FACE_QUALITY = "LOW_FACE_QUALITY"


OPTIONS_BY_REASON: dict[RejectionReason, tuple[str, ...]] = {
    RejectionReason.EXCEEDS_MAX_FACES: ("max_faces",),
    RejectionReason.EXTREME_POSE: ("quality_filter",),
    RejectionReason.LOW_BRIGHTNESS: ("quality_filter",),
    RejectionReason.LOW_SHARPNESS: ("quality_filter",),
    RejectionReason.LOW_CONFIDENCE: ("min_confidence",),
    RejectionReason.SMALL_BOUNDING_BOX: ("smallest_face", "quality_filter"),
    RejectionReason.LOW_FACE_QUALITY: ("quality_filter",),
}
"""The options of ``FaceOptions`` that would keep a face rejected for a reason."""


class UnreadableReason(StrEnum):
    """Why a photo cannot be processed."""

    EMPTY = "EMPTY"
    UNSUPPORTED_FORMAT = "UNSUPPORTED_FORMAT"
    CORRUPT = "CORRUPT"
    TOO_LARGE = "TOO_LARGE"
    TOO_SMALL = "TOO_SMALL"
    TIMED_OUT = "TIMED_OUT"
    CRASHED = "CRASHED"


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """A face that was found in a photo.

    Attributes:
        box: Ratios of the upright photo.
        confidence: 0 to 1, calibrated (see ``docs/accuracy.md``).
        landmarks: Ratios of the upright photo.
        quality: Size, sharpness, brightness and pose.
        attributes: Estimated age and gender; None unless requested.
    """

    box: BoundingBox
    confidence: float
    landmarks: Landmarks
    quality: Quality
    attributes: FaceAttributes | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedFace(DetectedFace):
    """A detected face with its embedding.

    Attributes:
        embedding: float32 of shape (128,), not normalised; the mean over the views of the recipe.
        stats: Statistics of the distances to the most similar strangers.
    """

    embedding: NDArray[np.float32] = field(repr=False)
    stats: CohortStats


@dataclass(frozen=True, slots=True)
class RejectedFace(DetectedFace):
    """A detected face that was rejected, with the reasons.

    Attributes:
        reasons: Why it was rejected.
        known_remedies: Options of ``FaceOptions`` that can still be changed to keep the face; None
            if only the reasons are known.
    """

    reasons: tuple[RejectionReason, ...]
    known_remedies: tuple[str, ...] | None = field(default=None, kw_only=True)

    @property
    def remedies(self) -> tuple[str, ...]:
        """The options that would keep the face, by name."""
        if self.known_remedies is not None:
            return self.known_remedies
        return tuple(sorted({name for why in self.reasons for name in OPTIONS_BY_REASON[why]}))


@dataclass(frozen=True, slots=True)
class PhotoFaces:
    """The faces of a photo, largest first.

    Attributes:
        width: Width of the upright photo as stored, in pixels.
        height: Height of the upright photo as stored, in pixels.
        faces: The faces that the options select, with embeddings.
        rejected: The detected faces that the options reject, with reasons.
        rotation: Degrees clockwise by which the photo was turned to find its faces: 0, 90, 180 or
            270. Boxes and landmarks refer to the photo before turning.
        is_animated: Whether the file has several frames; only the first was searched.
    """

    width: int
    height: int
    faces: tuple[EmbeddedFace, ...]
    rejected: tuple[RejectedFace, ...]
    rotation: int = 0
    is_animated: bool = False


@dataclass(frozen=True, slots=True)
class UnreadablePhoto:
    """A photo that could not be read, with a reason and one line of explanation."""

    reason: UnreadableReason
    detail: str
