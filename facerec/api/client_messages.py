"""Error messages for clients, which reveal nothing about the server's machine."""

from __future__ import annotations

import re
from collections.abc import Iterator

from facerec.errors import (
    ConfigurationError,
    FacerecError,
    JobFolderError,
    NoCredentialsError,
    ServiceDeniedError,
    StoreDamagedError,
    StoreUnavailableError,
    WeightsError,
)

HIDDEN = "a file of the server"

_PATH = re.compile(r"(?<![^\s'\"(=:])/[^\s/:;,'\"()]+/[^\s:;,'\"()]*")


def message_for_clients(error: FacerecError) -> str:
    """Return the message of an error without the server's paths and the names of its stores."""
    if isinstance(error, NoCredentialsError):
        return "this server does not have this bucket, and reads nothing from S3"
    if isinstance(error, JobFolderError):
        message = f"the folder of the job {error.problem}"
    elif isinstance(error, StoreUnavailableError):
        message = "a store of the server is unavailable"
    elif isinstance(error, StoreDamagedError):
        message = "a store of the server is damaged"
    elif isinstance(error, ConfigurationError | ServiceDeniedError | WeightsError):
        message = "the server is not set up for this request"
    else:
        message = error.message
        for path in _paths(error):
            message = message.replace(path, HIDDEN)
    message = _PATH.sub(HIDDEN, message)
    return message if error.consequence is None else f"{message}; {error.consequence}"


def _paths(error: FacerecError) -> Iterator[str]:
    """Yield the absolute paths in the fields of an error; a path may contain spaces."""
    for name, value in vars(error).items():
        if name not in ("message", "hint") and isinstance(value, str) and value.startswith("/"):
            yield value
