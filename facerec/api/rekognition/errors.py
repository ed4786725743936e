"""The exceptions of Rekognition's protocol, and their mapping from facerec's errors.

Programs compare messages too, so each begins with Rekognition's own message where that is known:
https://docs.aws.amazon.com/rekognition/latest/dg/error-handling.html
"""

from __future__ import annotations

from facerec.api.auth.access import RefusedError
from facerec.api.client_messages import message_for_clients
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
    NoCredentialsError,
    NoFaceError,
    NotFoundError,
    ObjectNotFoundError,
    PhotoTooLargeError,
    QuotaExceededError,
    RequestMismatchError,
    ServiceDeniedError,
    StoreUnavailableError,
    UnreadablePhotoError,
    UserExistsError,
    UserNotFoundError,
)

_NAMES: dict[type[FacerecError], str] = {
    AccessDeniedError: "InvalidS3ObjectException",
    CollectionExistsError: "ResourceAlreadyExistsException",
    ConflictError: "ConflictException",
    # Rekognition reports a missing face as invalid, unlike a missing collection or user
    FaceNotFoundError: "InvalidParameterException",
    InvalidInputError: "InvalidParameterException",
    InvalidPageTokenError: "InvalidPaginationTokenException",
    ModelMismatchError: "InvalidParameterException",
    NoCredentialsError: "InvalidS3ObjectException",
    NoFaceError: "InvalidParameterException",
    NotFoundError: "ResourceNotFoundException",
    ObjectNotFoundError: "InvalidS3ObjectException",
    PhotoTooLargeError: "ImageTooLargeException",
    QuotaExceededError: "ServiceQuotaExceededException",
    RequestMismatchError: "IdempotentParameterMismatchException",
    UserExistsError: "ConflictException",
}
"""Exception name of each class; a class that is not listed has the name of its base class."""

_UNREADABLE: dict[str, tuple[str, str]] = {
    UnreadableReason.TOO_LARGE: ("ImageTooLargeException", "Request has invalid image size"),
    UnreadableReason.TOO_SMALL: ("InvalidParameterException", "Request has invalid image size"),
}
"""Exception name and message for photos of a supported format with too many or too few pixels."""

_SENTENCES: dict[type[FacerecError], str] = {
    FaceNotFoundError: "faceId was not found in the collection",
    NoFaceError: "There are no faces in the image. Should be at least 1.",
}
"""Rekognition's message for an error class; facerec's own message follows it."""

_S3_OBJECT = (
    "Unable to get object metadata from S3. Check object key, region and/or access permissions."
)


class RekognitionError(Exception):
    """An exception of the protocol, sent in place of a result.

    Attributes:
        kind: Name of the exception; SDKs raise a class with this name.
        message: One line of explanation.
        status: Status of the HTTP response.
    """

    def __init__(self, kind: str, message: str, status: int = 400) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message
        self.status = status


def malformed(message: str) -> RekognitionError:
    """Return the exception for a request that does not fit the service model."""
    return RekognitionError("SerializationException", message)


def invalid_parameter(message: str) -> RekognitionError:
    """Return the exception for a request with an invalid combination of values."""
    return RekognitionError("InvalidParameterException", message)


def rekognition_error(error: Exception) -> RekognitionError:
    """Return the exception of the protocol for an error."""
    if isinstance(error, RekognitionError):
        return error
    if isinstance(error, RefusedError):
        # AWS answers most refusals with 400, and clients compare the name. SDKs repeat requests
        # that failed with 500.
        return RekognitionError(error.kind, error.message, 500 if error.status >= 500 else 400)
    if isinstance(error, BusyError):
        return RekognitionError("ThrottlingException", error.message, 500)
    if isinstance(error, ServiceDeniedError | StoreUnavailableError):
        # SDKs repeat these requests too
        return RekognitionError("InternalServerError", message_for_clients(error), 500)
    for kind in type(error).__mro__:
        if kind in _NAMES and isinstance(error, FacerecError):
            name, message = _NAMES[kind], _message_of(error)
            if isinstance(error, UnreadablePhotoError):
                name, _ = _UNREADABLE.get(error.reason, ("InvalidImageFormatException", ""))
            return RekognitionError(name, message)
    return RekognitionError("InternalServerError", "The request could not be processed.", 500)


def _message_of(error: FacerecError) -> str:
    if isinstance(error, CollectionNotFoundError):
        return f"The collection id: {error.collection_id} does not exist"
    if isinstance(error, CollectionExistsError):
        return f"The collection id: {error.collection_id} already exists"
    if isinstance(error, UserNotFoundError):
        return f"The user id: {error.user_id} does not exist"
    if isinstance(error, UserExistsError):
        return f"The user id: {error.user_id} already exists"
    if isinstance(error, ObjectNotFoundError | AccessDeniedError | NoCredentialsError):
        return _S3_OBJECT
    if isinstance(error, UnreadablePhotoError):
        _, sentence = _UNREADABLE.get(error.reason, ("", "Request has invalid image format"))
        return f"{sentence}: {message_for_clients(error)}"
    sentence, message = _SENTENCES.get(type(error), ""), message_for_clients(error)
    return f"{sentence} ({message})" if sentence else message
