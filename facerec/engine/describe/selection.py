"""Which of the detected faces of a photo to keep."""

from __future__ import annotations

from collections.abc import Sequence

from facerec.core.faces import Quality
from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import DetectedFace, RejectionReason
from facerec.engine.describe.quality import rejections

_FILTERS = (QualityFilter.AUTO, QualityFilter.LOW, QualityFilter.MEDIUM, QualityFilter.HIGH)


def reasons_to_leave_out(
    faces: Sequence[DetectedFace], options: FaceOptions
) -> list[tuple[RejectionReason, ...]]:
    """Return for each face why it is left out; nothing for those to keep.

    As Rekognition's IndexFaces does it, faces beyond the limit are left out by quality first, the
    lowest first, and then by size, the smallest first.
    """
    reasons = [_own_reasons(face, options) for face in faces]
    kept = [number for number, own in enumerate(reasons) if not own]
    kept.sort(key=lambda number: _rank(faces[number]), reverse=True)
    for number in kept[options.max_faces :]:
        reasons[number] = (RejectionReason.EXCEEDS_MAX_FACES,)
    return reasons


def _own_reasons(face: DetectedFace, options: FaceOptions) -> tuple[RejectionReason, ...]:
    low = face.confidence < options.min_confidence
    doubt = (RejectionReason.LOW_CONFIDENCE,) if low else ()
    return doubt + rejections(face.quality, options.quality_filter)


def _rank(face: DetectedFace) -> tuple[int, float]:
    return _grade(face.quality), face.box.area


def _grade(quality: Quality) -> int:
    """Return how many of the quality filters a face passes."""
    return sum(not rejections(quality, quality_filter) for quality_filter in _FILTERS)
