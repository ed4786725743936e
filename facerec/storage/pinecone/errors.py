"""Pinecone's errors in facerec's terms.

What the service says about a refused request may quote what was in it, and so stays out of the
messages; the original error is the cause.
"""

from __future__ import annotations

from facerec.errors import (
    AccessDeniedError,
    ConfigurationError,
    FacerecError,
    NotFoundError,
    StoreUnavailableError,
)

_TOO_MANY = 429
_RETRIED = frozenset({408, 425, _TOO_MANY})
_CREATE_HINT = (
    "check PINECONE_INDEX_NAME, or create the index with dimension 128 and metric euclidean "
    "(see docs/pinecone.md)"
)


def store_error(error: Exception) -> FacerecError:
    """Return what to raise for an error of the ``pinecone`` package."""
    from pinecone.errors import ApiError, PineconeConnectionError, PineconeTimeoutError

    if isinstance(error, ApiError):
        return _of_status(error.status_code)
    if isinstance(error, PineconeConnectionError | PineconeTimeoutError):
        return StoreUnavailableError(
            "Pinecone cannot be reached", "check the network and the index's host, then try again"
        )
    return FacerecError(f"the Pinecone client fails with {type(error).__name__}")


def is_passing(error: FacerecError) -> bool:
    """Tell whether the same request may go through a little later."""
    return isinstance(error, StoreUnavailableError)


def _of_status(status: int) -> FacerecError:
    if status == 401:
        return AccessDeniedError(
            "the Pinecone index", "Pinecone does not accept the API key", "check PINECONE_API_KEY"
        )
    if status == 403:
        return AccessDeniedError(
            "the Pinecone index",
            "Pinecone forbids the request",
            "check the roles of the key in PINECONE_API_KEY, and the limits of the plan",
        )
    if status == 404:
        return NotFoundError("the Pinecone index does not exist", _CREATE_HINT)
    if status == _TOO_MANY:
        return StoreUnavailableError(
            "Pinecone refuses requests for now: too many, or the plan's units are used up",
            "run fewer processes at a time, or have the limits raised",
        )
    if status in _RETRIED or status >= 500:
        return StoreUnavailableError(
            f"Pinecone fails for now (HTTP {status})", "try again, see https://status.pinecone.io"
        )
    return ConfigurationError(
        f"Pinecone refuses the request (HTTP {status})",
        "check that the index takes vectors of dimension 128 with metric euclidean, "
        "and has no document schema",
    )
