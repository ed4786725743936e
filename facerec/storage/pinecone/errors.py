"""Translates Pinecone's errors into errors of facerec.

The service's messages may quote the content of a request, so they are not repeated; the original
error is the cause.
"""

from __future__ import annotations

from facerec.errors import (
    ConfigurationError,
    FacerecError,
    NotFoundError,
    ServiceDeniedError,
    StoreThrottledError,
    StoreUnavailableError,
)

_TOO_MANY = 429
_RETRIED = frozenset({408, 425, _TOO_MANY})
_CREATE_HINT = (
    "check PINECONE_INDEX_NAME, or create the index with dimension 128 and metric euclidean "
    "(see docs/pinecone.md)"
)

CHECK_API_KEY = "check PINECONE_API_KEY, or the secret that PINECONE_SECRET_ARN names"
"""Remedy for an API key that is not valid."""


def store_error(error: Exception) -> FacerecError:
    """Convert an error of the ``pinecone`` package to an error of facerec."""
    from pinecone.errors import ApiError, PineconeConnectionError, PineconeTimeoutError

    if isinstance(error, ApiError):
        return error_of_status(error.status_code)
    if isinstance(error, PineconeConnectionError | PineconeTimeoutError):
        return StoreUnavailableError(
            "Pinecone cannot be reached", "check the network and the index's host, then try again"
        )
    return FacerecError(f"the Pinecone client failed with {type(error).__name__}")


def error_of_status(status: int) -> FacerecError:
    """Return the error for the HTTP status of a response that is not a success."""
    if status == 401:
        return ServiceDeniedError(
            "the Pinecone index", "Pinecone rejected the API key", CHECK_API_KEY
        )
    if status == 403:
        return ServiceDeniedError(
            "the Pinecone index",
            "Pinecone denied the request",
            "check the roles of the API key, and the limits of the plan",
        )
    if status == 404:
        return NotFoundError("the Pinecone index does not exist", _CREATE_HINT)
    if status == _TOO_MANY:
        return StoreThrottledError(
            "Pinecone throttles requests, or the units of the plan are used up",
            "run fewer processes, or ask Pinecone to raise the limits",
        )
    if status in _RETRIED or status >= 500:
        return StoreUnavailableError(
            f"Pinecone is unavailable (HTTP {status})", "try again, see https://status.pinecone.io"
        )
    return ConfigurationError(
        f"Pinecone refused the request (HTTP {status})",
        "check that the index takes vectors of dimension 128 with metric euclidean, "
        "and has no document schema",
    )
