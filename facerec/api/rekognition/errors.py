"""facerec's errors as the exceptions that Rekognition raises for the same things.

https://docs.aws.amazon.com/rekognition/latest/dg/error-handling.html
"""

from __future__ import annotations

from facerec.api.auth.access import RefusedError
from facerec.api.rekognition.faults import RekognitionError
from facerec.core.photos import UnreadableReason
from facerec.errors import (
    AccessDeniedError,
    BusyError,
    CollectionExistsError,
    CollectionNotFoundError,
    ConflictError,
    FaceNotFoundError,
    FacerecError,
    InvalidInputError,
    InvalidPageTokenError,
    ModelMismatchError,
    NoFaceError,
    NotFoundError,
    ObjectNotFoundError,
    PhotoTooLargeError,
    QuotaExceededError,
    RequestMismatchError,
    StoreUnavailableError,
    UnreadablePhotoError,
    UserExistsError,
)

_NAMES: tuple[tuple[type[FacerecError], str], ...] = (
    (CollectionExistsError, "ResourceAlreadyExistsException"),
    (UserExistsError, "ConflictException"),
    (ConflictError, "ConflictException"),
    (QuotaExceededError, "ServiceQuotaExceededException"),
    (RequestMismatchError, "IdempotentParameterMismatchException"),
    (InvalidPageTokenError, "InvalidPaginationTokenException"),
    (PhotoTooLargeError, "ImageTooLargeException"),
    (ObjectNotFoundError, "InvalidS3ObjectException"),
    (AccessDeniedError, "InvalidS3ObjectException"),
    # as Rekognition does, though a collection or user that does not exist is "not found"
    (FaceNotFoundError, "InvalidParameterException"),
    (NotFoundError, "ResourceNotFoundException"),
    (NoFaceError, "InvalidParameterException"),
    (ModelMismatchError, "InvalidParameterException"),
    (InvalidInputError, "InvalidParameterException"),
)
"""What each error is called; the first that fits counts."""

_UNREADABLE: dict[str, str] = {
    UnreadableReason.TOO_LARGE: "ImageTooLargeException",
    UnreadableReason.TOO_SMALL: "InvalidParameterException",
}


def rekognition_error(error: Exception) -> RekognitionError:
    """Return what the service answers where an error was raised."""
    if isinstance(error, RekognitionError):
        return error
    if isinstance(error, RefusedError):
        # AWS answers most refusals with 400, and clients look at the name
        return RekognitionError(error.kind, error.message, 400)
    if isinstance(error, CollectionNotFoundError):
        message = f"The collection id: {error.collection_id} does not exist"
        return RekognitionError("ResourceNotFoundException", message)
    if isinstance(error, UnreadablePhotoError):
        name = _UNREADABLE.get(error.reason, "InvalidImageFormatException")
        return RekognitionError(name, f"Request has invalid image: {error.message}")
    if isinstance(error, StoreUnavailableError | BusyError):
        return RekognitionError("ThrottlingException", error.message, 500)
    for kind, name in _NAMES:
        if isinstance(error, kind):
            return RekognitionError(name, error.message)
    return RekognitionError("InternalServerError", "The request could not be processed.", 500)
