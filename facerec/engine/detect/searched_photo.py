"""Photos between detection and descriptors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facerec.core.photos import (
    DetectedFace,
    EmbeddedFace,
    PhotoFaces,
    RejectedFace,
    RejectionReason,
    UnreadablePhoto,
)
from facerec.engine.detect.detection import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class FoundFace:
    """A face of a photo, before its descriptor is known."""

    face: DetectedFace
    chip: Pixels
    reasons: tuple[RejectionReason, ...]

    def embedded(self, descriptor: NDArray[np.float32]) -> EmbeddedFace:
        """Return the face with its descriptor: float32 of shape (128,)."""
        return EmbeddedFace(
            box=self.face.box,
            confidence=self.face.confidence,
            landmarks=self.face.landmarks,
            quality=self.face.quality,
            embedding=descriptor,
        )

    def rejected(self) -> RejectedFace:
        """Return the face with the reasons for which it is left out."""
        return RejectedFace(
            box=self.face.box,
            confidence=self.face.confidence,
            landmarks=self.face.landmarks,
            quality=self.face.quality,
            reasons=self.reasons,
        )


@dataclass(frozen=True, slots=True, eq=False)
class SearchedPhoto:
    """A photo whose faces are known, but for their descriptors."""

    width: int
    height: int
    found: Sequence[FoundFace]

    @property
    def kept(self) -> list[FoundFace]:
        """The faces that get descriptors."""
        return [face for face in self.found if not face.reasons]

    def outcome(self, descriptors: Iterator[NDArray[np.float32]]) -> PhotoFaces:
        """Return the result, taking as many descriptors as there are faces to keep."""
        return PhotoFaces(
            self.width,
            self.height,
            faces=tuple(face.embedded(next(descriptors)) for face in self.kept),
            rejected=tuple(face.rejected() for face in self.found if face.reasons),
        )


@dataclass(frozen=True, slots=True)
class UnsearchedPhoto:
    """A photo that could not be read, so that it has no faces."""

    reading: UnreadablePhoto
    kept: tuple[FoundFace, ...] = ()

    def outcome(self, _descriptors: Iterator[NDArray[np.float32]]) -> UnreadablePhoto:
        """Return why it could not be read, and take no descriptor."""
        return self.reading
