"""Photos that are looked at without any collection."""

from __future__ import annotations

from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces
from facerec.errors import NoFaceError
from facerec.gallery.comparing import Comparison, compare_faces
from facerec.gallery.service.looking import look
from facerec.gallery.service.parts import Parts
from facerec.gallery.service.photos import Photo


def compare_photos(parts: Parts, source: Photo, target: Photo, options: FaceOptions) -> Comparison:
    """Compare the faces of two photos.

    Raises:
        NoFaceError: one of the photos shows no face, or none that the options accept.
        UnreadablePhotoError: one of them cannot be looked at.
        PhotoTooLargeError: one of them has too many bytes.
    """
    found = []
    for photo, name in ((source, "the source photo"), (target, "the target photo")):
        seen = look(parts, photo, options, name)
        if not seen.found.faces:
            raise NoFaceError(f"no face was found on {name}")
        found.append(seen.found)
    first, second = found
    return Comparison(parts.engine.model_version, first, second, compare_faces(first, second))


def detect_faces(parts: Parts, photo: Photo, options: FaceOptions) -> PhotoFaces:
    """Return the faces of a photo, also those left out.

    Raises:
        UnreadablePhotoError: the photo cannot be looked at.
        PhotoTooLargeError: it has too many bytes.
    """
    return look(parts, photo, options).found
