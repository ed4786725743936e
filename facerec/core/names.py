"""The names that callers may give; the rules are Rekognition's.

See ``CollectionId`` and ``ExternalImageId`` in
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_IndexFaces.html.
"""

from __future__ import annotations

import re

from facerec.errors import InvalidInputError

LONGEST_NAME = 255
"""Characters of the longest collection id or external image id."""

_COLLECTION_ID = re.compile(r"[a-zA-Z0-9_.\-]+")
_EXTERNAL_IMAGE_ID = re.compile(r"[a-zA-Z0-9_.\-:]+")


def checked_collection_id(name: str) -> str:
    """Return a name that a collection may have.

    Raises:
        InvalidInputError: it is empty, too long, or has other characters than
            ``[a-zA-Z0-9_.-]``.
    """
    return _checked(name, _COLLECTION_ID, "collection id", "letters, digits, '_', '.' and '-'")


def checked_external_image_id(name: str) -> str:
    """Return a name that a caller may give to a photo.

    Raises:
        InvalidInputError: it is empty, too long, or has other characters than
            ``[a-zA-Z0-9_.:-]``.
    """
    return _checked(
        name, _EXTERNAL_IMAGE_ID, "external image id", "letters, digits, '_', '.', '-' and ':'"
    )


def _checked(name: str, allowed: re.Pattern[str], kind: str, characters: str) -> str:
    if len(name) > LONGEST_NAME or not allowed.fullmatch(name):
        shown = name if len(name) <= LONGEST_NAME else f"{name[:40]}..."
        raise InvalidInputError(
            f"{shown!r} cannot be a {kind}", f"use 1 to {LONGEST_NAME} {characters}"
        )
    return name
