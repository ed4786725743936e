"""Reads the photos of single requests. Unlike in a job, a problem with a photo is an error."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from facerec.core.limits import MAX_PHOTO_BYTES
from facerec.core.names import checked_source
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.errors import (
    InvalidInputError,
    NoFaceError,
    ObjectNotFoundError,
    PhotoTooLargeError,
    UnreadablePhotoError,
)
from facerec.storage.objects.protocol import ObjectStore, scheme_of

if TYPE_CHECKING:
    from facerec.core.options import FaceOptions
    from facerec.core.protocols.engine import FaceEngine


@dataclass(frozen=True, slots=True)
class PhotoLocation:
    """The location of a photo.

    Attributes:
        uri: A path or an ``s3://`` address.
        version: Version of the object in a versioned S3 bucket; None for the newest.
    """

    uri: str
    version: str | None = None

    @classmethod
    def in_bucket(cls, bucket: str, key: str, version: str | None = None) -> PhotoLocation:
        """Return the location of an object in a bucket."""
        return cls(f"s3://{bucket}/{key}", version)


Photo: TypeAlias = bytes | str | os.PathLike[str] | PhotoLocation
"""A photo as callers pass it: the bytes of an image file, a path, an ``s3://`` address, or a
``PhotoLocation``."""


@dataclass(frozen=True, slots=True)
class PhotoContent:
    """The bytes of an image file.

    Attributes:
        content: The bytes.
        source: Address that they were read from; for bytes from the caller, "" or ``upload://`` and
            their name.
        name: Name of the photo in error messages: the path or address that the caller passed, or
            a phrase such as "the photo".
    """

    content: bytes = field(repr=False)
    source: str
    name: str


def load_photo(photo: Photo, objects: ObjectStore, *, name: str = "the photo") -> PhotoContent:
    """Return the bytes of a photo.

    Args:
        photo: The photo.
        objects: Store to read photos from.
        name: Name for error messages if the photo is passed as bytes.

    Raises:
        PhotoTooLargeError: The photo has more than ``MAX_PHOTO_BYTES`` bytes.
        ObjectNotFoundError: The photo does not exist.
        InvalidInputError: The argument is not a ``Photo``, is empty, is a folder, or is an address
            with a scheme other than ``file`` and ``s3``.
        AccessDeniedError: The photo may not be read.
        StoreUnavailableError: The photo cannot be read for now.
    """
    if isinstance(photo, bytes):
        loaded = PhotoContent(photo, "", name)
    else:
        location = _location(photo)
        # an absolute path, so that the photo is found from any working directory later
        scheme = scheme_of(location.uri)
        if scheme not in ("file", "s3"):
            raise InvalidInputError(
                f"{scheme}:// addresses are not supported", "use a path or an s3:// address"
            )
        local = scheme == "file"
        source = os.path.abspath(location.uri) if local else location.uri  # noqa: PTH100 - keeps links
        try:
            content = objects.read(source, end=MAX_PHOTO_BYTES + 1, version_id=location.version)
        except ObjectNotFoundError as error:
            if local and Path(source).is_dir():
                raise InvalidInputError(
                    f"{location.uri} is a folder, not a photo", "name one photo in it"
                ) from error
            raise
        loaded = PhotoContent(content, source, location.uri)
    if len(loaded.content) > MAX_PHOTO_BYTES:
        raise PhotoTooLargeError(
            f"{loaded.name} is larger than {MAX_PHOTO_BYTES // 1024**2} MiB",
            "use a smaller copy of the photo",
        )
    return loaded


def _location(photo: str | os.PathLike[str] | PhotoLocation) -> PhotoLocation:
    if isinstance(photo, PhotoLocation):
        return photo
    if not isinstance(photo, str | os.PathLike):
        raise InvalidInputError(
            f"a photo of the type {type(photo).__name__} cannot be read",
            "pass the bytes of an image file, a path, an s3:// address or a PhotoLocation",
        )
    return PhotoLocation(checked_source(os.fspath(photo)))


def detect_faces(photo: PhotoContent, *, engine: FaceEngine, options: FaceOptions) -> PhotoFaces:
    """Return the faces of a photo.

    Args:
        photo: The photo.
        engine: Finds the faces.
        options: How faces are found and chosen.

    Raises:
        UnreadablePhotoError: The photo cannot be decoded.
        WeightsError: A file of network weights is missing or cannot be used.
    """
    (outcome,) = engine.analyse([photo.content], options)
    if isinstance(outcome, UnreadablePhoto):
        raise UnreadablePhotoError(photo.name, outcome.reason, outcome.detail)
    return outcome


def require_face(photo: PhotoFaces, *, name: str = "the photo") -> None:
    """Check that a photo shows at least one face that was accepted.

    Raises:
        NoFaceError: The photo shows none; the message contains the reasons of rejected faces.
    """
    if photo.faces:
        return
    if photo.rejected:
        reasons = sorted({str(reason) for face in photo.rejected for reason in face.reasons})
        raise NoFaceError(
            f"all faces in {name} were rejected: {', '.join(reasons)}",
            "use a photo with a clearer face, or less strict options",
        )
    raise NoFaceError(
        f"no face was found in {name}",
        "use a photo with a larger or clearer face, or allow smaller faces",
    )
