"""The options by which the faces of a photo are found and chosen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum


class QualityFilter(StrEnum):
    """How strict to be about faces that are hard to recognise; the names are Rekognition's."""

    NONE = "NONE"
    AUTO = "AUTO"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


@dataclass(frozen=True, slots=True)
class FaceOptions:
    """How to find the faces of a photo, and which of them to keep.

    Attributes:
        max_faces: keep at most so many, 1 to 100; the best are kept.
        min_confidence: leave out faces below this confidence, 0 to 1.
        quality_filter: leave out faces that would be recognised badly.
        smallest_face: look for faces from this size on, in pixels of the photo as stored; None
            lets it follow from the photo's size.
        detector: the name of a detector (see ``facerec.engine.detect.detectors``).
        max_pixels: refuse photos of more pixels, but for JPEG, which is decoded smaller.
    """

    max_faces: int = 10
    min_confidence: float = 0.9
    quality_filter: QualityFilter = QualityFilter.AUTO
    smallest_face: int | None = None
    detector: str = "cnn"
    max_pixels: int = 100_000_000

    def digest(self) -> str:
        """Return 12 hexadecimal digits that change whenever an option does."""
        options = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(options.encode()).hexdigest()[:12]
