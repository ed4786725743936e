"""Names that callers choose; the rules are Rekognition's.

See ``CollectionId``, ``ExternalImageId`` and ``UserId`` in
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_IndexFaces.html.
"""

from __future__ import annotations

import re

from facerec.errors import InvalidInputError

MAX_NAME_LENGTH = 255
"""Characters of a collection id or external image id."""

COLLECTION_ID_CHARACTER = r"[a-zA-Z0-9_.\-]"
EXTERNAL_IMAGE_ID_CHARACTER = r"[a-zA-Z0-9_.\-:]"
"""Regular expressions of one character. The schemas have copies, which a test compares."""

_COLLECTION_ID = re.compile(f"{COLLECTION_ID_CHARACTER}+")
_EXTERNAL_IMAGE_ID = re.compile(f"{EXTERNAL_IMAGE_ID_CHARACTER}+")


def checked_collection_id(name: str) -> str:
    """Return a collection id unchanged if it is valid.

    Raises:
        InvalidInputError: it is empty, too long, or has other characters than
            ``[a-zA-Z0-9_.-]``.
    """
    return _checked(name, _COLLECTION_ID, "collection id", "letters, digits, '_', '.' and '-'")


def checked_external_image_id(name: str) -> str:
    """Return an external image id unchanged if it is valid.

    Raises:
        InvalidInputError: it is empty, too long, or has other characters than
            ``[a-zA-Z0-9_.:-]``.
    """
    return _checked(
        name, _EXTERNAL_IMAGE_ID, "external image id", "letters, digits, '_', '.', '-' and ':'"
    )


def _checked(name: str, allowed: re.Pattern[str], kind: str, characters: str) -> str:
    if len(name) > MAX_NAME_LENGTH or not allowed.fullmatch(name):
        shown = name if len(name) <= MAX_NAME_LENGTH else f"{name[:40]}..."
        raise InvalidInputError(
            f"{shown!r} cannot be a {kind}", f"use 1 to {MAX_NAME_LENGTH} {characters}"
        )
    return name
