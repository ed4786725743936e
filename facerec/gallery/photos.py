"""Single photos for which a caller waits: unlike in a job, what is wrong with one is an error."""

from __future__ import annotations

from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.core.protocols import FaceEngine
from facerec.errors import NoFaceError, UnreadablePhotoError

PROBE_OPTIONS = FaceOptions(max_faces=100, quality_filter=QualityFilter.NONE)
"""How the faces of probes are chosen unless the caller says otherwise: whoever asks about a
photo wants an answer even for a blurred face, as with Rekognition's ``SearchFacesByImage``."""


def look_at(
    content: bytes, *, engine: FaceEngine, options: FaceOptions, name: str = "the photo"
) -> PhotoFaces:
    """Return the faces of a photo.

    Args:
        content: the bytes of an image file.
        engine: finds the faces.
        options: how to find and choose faces.
        name: what errors call the photo.

    Raises:
        UnreadablePhotoError: it cannot be looked at.
    """
    (outcome,) = engine.analyse([content], options)
    if isinstance(outcome, UnreadablePhoto):
        raise UnreadablePhotoError(name, outcome.reason, outcome.detail)
    return outcome


def faces_of(
    content: bytes, *, engine: FaceEngine, options: FaceOptions, name: str = "the photo"
) -> PhotoFaces:
    """Return the faces of a photo that must have one; arguments as of ``look_at``.

    Raises:
        UnreadablePhotoError: it cannot be looked at.
        NoFaceError: it shows no face, or none that the options accept.
    """
    photo = look_at(content, engine=engine, options=options, name=name)
    if not photo.faces:
        if photo.rejected:
            reasons = sorted({str(reason) for face in photo.rejected for reason in face.reasons})
            raise NoFaceError(
                f"every face of {name} was left out: {', '.join(reasons)}",
                "lower the confidence asked for, or filter less by quality",
            )
        raise NoFaceError(f"no face was found on {name}", "try a smaller face size")
    return photo
