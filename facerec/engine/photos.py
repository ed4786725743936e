"""Photos between the stages of the engine: first with located, then with aligned faces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facerec.core.faces import CohortStats
from facerec.core.photos import (
    DetectedFace,
    EmbeddedFace,
    PhotoFaces,
    RejectedFace,
    RejectionReason,
)
from facerec.engine.detect.detection import Detection, Pixels


def _no_pixels() -> Pixels:
    return np.empty((0, 0, 3), dtype=np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class LocatedPhoto:
    """A photo whose faces have been detected but not aligned.

    Attributes:
        width: Width of the upright photo as stored, in pixels.
        height: Height of the upright photo as stored, in pixels.
        is_animated: Whether the file holds more frames than the first.
        smallest_face: Side in pixels, as stored, of the smallest face that was searched for.
        detections: The faces, largest first, in pixels of ``pixels``.
        pixels: The decoded photo, turned; empty if there are no detections, to free memory early.
        turns: Quarter turns, counterclockwise, by which ``pixels`` are turned.
    """

    width: int
    height: int
    is_animated: bool
    smallest_face: int
    detections: Sequence[Detection] = ()
    pixels: Pixels = field(default_factory=_no_pixels)
    turns: int = 0

    @property
    def turned_size(self) -> tuple[int, int]:
        """Width and height of the turned photo, in pixels of the stored one."""
        return (self.height, self.width) if self.turns % 2 else (self.width, self.height)


@dataclass(frozen=True, slots=True, eq=False)
class AlignedFace:
    """A face that has a chip but no embedding yet.

    Attributes:
        face: Position and quality of the face.
        views: The aligned face as its recipe embeds it, uint8 of shape (n, 150, 150, 3), RGB.
        reasons: Reasons why the face is rejected; empty if it is kept.
        remedies: Names of the options that can be changed to keep the face.
    """

    face: DetectedFace
    views: NDArray[np.uint8]
    reasons: tuple[RejectionReason, ...]
    remedies: tuple[str, ...] = ()

    def embedded(self, embedding: NDArray[np.float32], stats: CohortStats) -> EmbeddedFace:
        """Return the face with its embedding, float32 of shape (128,), and its cohort stats."""
        return EmbeddedFace(
            box=self.face.box,
            confidence=self.face.confidence,
            landmarks=self.face.landmarks,
            quality=self.face.quality,
            embedding=embedding,
            stats=stats,
        )

    def rejected(self) -> RejectedFace:
        """Return the face with the reasons for its rejection."""
        return RejectedFace(
            box=self.face.box,
            confidence=self.face.confidence,
            landmarks=self.face.landmarks,
            quality=self.face.quality,
            reasons=self.reasons,
            known_remedies=self.remedies,
        )


@dataclass(frozen=True, slots=True, eq=False)
class AlignedPhoto:
    """A photo whose faces are all aligned; only their embeddings are missing.

    Attributes:
        width: Width of the upright photo as stored, in pixels.
        height: Height of the upright photo as stored, in pixels.
        faces: All detected faces, largest first.
        turns: Quarter turns, counterclockwise, after which the faces were found.
        is_animated: Whether the file holds more frames than the first.
    """

    width: int
    height: int
    faces: Sequence[AlignedFace]
    turns: int = 0
    is_animated: bool = False

    @property
    def kept(self) -> list[AlignedFace]:
        """The faces that need embeddings."""
        return [face for face in self.faces if not face.reasons]

    def result(self, embeddings: Iterator[tuple[NDArray[np.float32], CohortStats]]) -> PhotoFaces:
        """Return the final result, consuming one embedding with its stats for each kept face."""
        return PhotoFaces(
            self.width,
            self.height,
            faces=tuple(face.embedded(*next(embeddings)) for face in self.kept),
            rejected=tuple(face.rejected() for face in self.faces if face.reasons),
            rotation=-90 * self.turns % 360,
            is_animated=self.is_animated,
        )
