"""Reads documents that facerec has stored, and refuses those in a format of a newer release.

A document may have the member ``format``, a whole number; without it, the format is 1. A release
that changes what a document means, such that earlier releases would misread it, stores a greater
number in it, so that these refuse it. Members that earlier releases can ignore need no new number.
The first line of a ledger, of an index or of a list stands for the whole file. The database of a
data folder, job folders and exports have versions of their own, which are checked first.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from facerec.errors import NewerReleaseError

FORMAT = 1
"""The format of all documents that this release stores and reads."""


def stored_json(content: str | bytes, place: str) -> Any:  # noqa: ANN401 - JSON
    """Return the value of a stored document of JSON.

    Args:
        content: The document.
        place: Address of the document, for the error.

    Raises:
        ValueError: The content is not JSON.
        NewerReleaseError: A newer release has written the document.
    """
    document = json.loads(content)
    if isinstance(document, dict):
        require_known_format(document.get("format", FORMAT), place)
    return document


def require_known_header(content: bytes, place: str) -> None:
    """Check the same as ``stored_json``, of a document that may be damaged: this is not checked.

    Raises:
        NewerReleaseError: A newer release has written the document.
    """
    with suppress(ValueError):
        stored_json(content, place)


def require_known_format(number: object, place: str) -> None:
    """Check that this release can read what has been stored in a format.

    Args:
        number: The number of the format.
        place: What has this format, for the error.

    Raises:
        NewerReleaseError: A newer release has written it.
    """
    if number != FORMAT:
        raise NewerReleaseError(place, str(number), FORMAT)
