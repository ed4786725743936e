"""Looking at the photo of a request."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import PhotoFaces
from facerec.gallery.photos import look_at
from facerec.gallery.service.parts import Parts
from facerec.gallery.service.photos import NamedPhoto, Photo, read_photo

MOST_FACES = 100
"""Faces of one photo that are worked on, the best (Rekognition: the 100 largest)."""

CONFIDENCE_UNFILTERED = 0.5
"""What is less surely a face is not taken for one, even where nothing is to be filtered."""


@dataclass(frozen=True, slots=True)
class SeenPhoto:
    """A photo and the faces in it.

    Attributes:
        content: its bytes.
        source: its address, or "" if it was sent along.
        found: its faces.
    """

    content: bytes = field(repr=False)
    source: str
    found: PhotoFaces


def look(parts: Parts, photo: Photo, options: FaceOptions, name: str = "the photo") -> SeenPhoto:
    """Read a photo and find its faces.

    Args:
        parts: the parts.
        photo: the photo.
        options: how to find and choose its faces.
        name: what errors call the photo.

    Raises:
        UnreadablePhotoError: it is no photo, a damaged one, or has too many pixels.
        PhotoTooLargeError: it has too many bytes.
        FacerecError: it cannot be had; see ``read_photo``.
    """
    if isinstance(photo, NamedPhoto):
        content, source = read_photo(parts.photos, photo.uri, photo.version), photo.uri
    else:
        content, source = photo.content, ""
    found = look_at(content, engine=parts.engine, options=options, name=name)
    return SeenPhoto(content, source, found)


def probe_options(
    parts: Parts, quality_filter: QualityFilter, min_confidence: float | None = None
) -> FaceOptions:
    """Return the options for a photo that is searched with and not stored."""
    confidence = parts.options.min_confidence if min_confidence is None else min_confidence
    return replace(
        parts.options,
        max_faces=MOST_FACES,
        quality_filter=quality_filter,
        min_confidence=confidence,
    )
