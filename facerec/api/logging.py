"""The server's log: internal errors, without names or data of clients."""

from __future__ import annotations

import errno
import logging
import traceback

from facerec.errors import (
    ConfigurationError,
    FacerecError,
    ServiceDeniedError,
    StoreDamagedError,
    StoreUnavailableError,
    WeightsError,
)

_LOG = logging.getLogger("facerec.api")


def log_error(error: Exception) -> None:
    """Log an internal error; ignore errors that the client caused.

    Only classes, error codes, hints and tracebacks are logged: messages may name photos, people or
    addresses.
    """
    if isinstance(error, StoreUnavailableError):
        _LOG.warning("a store is unavailable (%s)", _cause(error))
    elif isinstance(error, StoreDamagedError):
        _LOG.error("the store is damaged: %s", error.hint)
    elif isinstance(error, ServiceDeniedError):
        _LOG.error("a store or service denies access (%s)%s", _cause(error), _advice(error))
    elif isinstance(error, ConfigurationError | WeightsError):
        _LOG.error("the server is not set up (%s)%s", type(error).__name__, _advice(error))
    elif not isinstance(error, FacerecError) and not hasattr(error, "kind"):
        where = "".join(traceback.format_tb(error.__traceback__))
        _LOG.error("unexpected %s\n%s", type(error).__name__, where)


def log_unchecked_sender(error: FacerecError) -> None:
    """Log why the sender of a request cannot be checked; ``log_error`` lists the logged fields."""
    _LOG.error("senders of requests cannot be checked (%s)%s", _cause(error), _advice(error))


def _advice(error: FacerecError) -> str:
    return "" if error.hint is None else f": {error.hint}"


def _cause(error: BaseException) -> str:
    """Return the classes of an error and its causes, and the error codes of services."""
    kinds = []
    while error is not None:
        kinds.append(_kind(error))
        error = error.__cause__  # type: ignore[assignment]
    return " from ".join(kinds)


def _kind(error: BaseException) -> str:
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    if code is None and isinstance(error, OSError) and error.errno:
        code = errno.errorcode.get(error.errno)
    return f"{type(error).__name__}: {code}" if code else type(error).__name__
