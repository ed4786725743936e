"""Selects the faces of a photo to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from facerec.core.options import MAX_FACES, MIN_SMALLEST_FACE, FaceOptions, QualityFilter
from facerec.core.photos import DetectedFace, RejectionReason
from facerec.engine.describe.quality import rejections
from facerec.engine.describe.stretching import MAX_STRETCH, estimated_stretch

_SIZE_IN_NEXT_SEARCH = 0.8
"""Minimum size of a face in a search for smaller faces, as a share of the size measured now: sizes
of one face differ by up to a fifth (``docs/detection.md``)."""

_FILTERS = (QualityFilter.AUTO, QualityFilter.LOW, QualityFilter.MEDIUM, QualityFilter.HIGH)


def rejection_reasons(
    faces: Sequence[DetectedFace], options: FaceOptions, min_size: float = 0.0, *, aspect: float
) -> list[tuple[RejectionReason, ...]]:
    """Return the reasons for the rejection of each face; empty for faces to keep.

    Faces beyond ``max_faces`` are rejected as by Rekognition's IndexFaces: those of the lowest
    quality first and, at equal quality, the smallest first.

    Args:
        faces: The detected faces of one photo.
        options: How to select faces.
        min_size: Reject faces with a smaller side, in pixels of the photo as stored.
        aspect: Width of the upright photo divided by its height, in pixels.
    """
    reasons = [_own_reasons(face, options, min_size, aspect) for face in faces]
    kept = [number for number, own in enumerate(reasons) if not own]
    kept.sort(key=lambda number: _rank(faces[number], aspect), reverse=True)
    for number in kept[options.max_faces :]:
        reasons[number] = (RejectionReason.EXCEEDS_MAX_FACES,)
    return reasons


def remedies(
    face: DetectedFace,
    reasons: Sequence[RejectionReason],
    options: FaceOptions,
    min_size: float,
    *,
    aspect: float,
) -> tuple[str, ...]:
    """Return the options that can be changed to keep a rejected face, by name.

    An option that is already at its limit is not returned. A small face may be rejected by
    ``smallest_face``, by the quality filter or by both; or the filter would reject it once
    ``smallest_face`` is lower.

    Args:
        face: The face.
        reasons: Reasons for its rejection.
        options: The options that rejected it.
        min_size: Minimum side by the option ``smallest_face``, in pixels of the photo as stored.
        aspect: Width of the upright photo divided by its height, in pixels.
    """
    can_search_smaller = options.smallest_face is None or options.smallest_face > MIN_SMALLEST_FACE
    by_size = can_search_smaller and face.quality.size < min_size
    found_next = face
    if by_size:
        smaller = replace(face.quality, size=face.quality.size * _SIZE_IN_NEXT_SEARCH)
        found_next = replace(face, quality=smaller)
    causes = {
        "max_faces": RejectionReason.EXCEEDS_MAX_FACES in reasons and options.max_faces < MAX_FACES,
        "min_confidence": RejectionReason.LOW_CONFIDENCE in reasons,
        "quality_filter": bool(_reasons_of_filter(found_next, options.quality_filter, aspect)),
        "smallest_face": by_size,
    }
    return tuple(sorted(name for name, holds in causes.items() if holds))


def _own_reasons(
    face: DetectedFace, options: FaceOptions, min_size: float, aspect: float
) -> tuple[RejectionReason, ...]:
    is_low = face.confidence < options.min_confidence
    low_confidence = (RejectionReason.LOW_CONFIDENCE,) if is_low else ()
    by_quality = _reasons_of_filter(face, options.quality_filter, aspect)
    too_small = face.quality.size < min_size
    if too_small and RejectionReason.SMALL_BOUNDING_BOX not in by_quality:
        by_quality = (RejectionReason.SMALL_BOUNDING_BOX, *by_quality)
    return low_confidence + by_quality


def _reasons_of_filter(
    face: DetectedFace, quality_filter: QualityFilter, aspect: float
) -> tuple[RejectionReason, ...]:
    """Return why a face fails a filter: its quality, or stretching, which is not in ``Quality``."""
    by_quality = rejections(face.quality, quality_filter)
    if quality_filter is QualityFilter.NONE or RejectionReason.LOW_FACE_QUALITY in by_quality:
        return by_quality
    stretch = estimated_stretch(face.landmarks, face.quality.pose, aspect)
    stretched = (RejectionReason.LOW_FACE_QUALITY,) if stretch > MAX_STRETCH else ()
    return by_quality + stretched


def _rank(face: DetectedFace, aspect: float) -> tuple[int, float]:
    return _grade(face, aspect), face.box.area


def _grade(face: DetectedFace, aspect: float) -> int:
    """Return the number of quality filters that a face passes."""
    return sum(not _reasons_of_filter(face, quality_filter, aspect) for quality_filter in _FILTERS)
