"""Names that callers choose, by Rekognition's rules, and names derived from paths.

See ``CollectionId``, ``ExternalImageId`` and ``UserId`` in
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_IndexFaces.html.
"""

from __future__ import annotations

import hashlib
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


_UNSAFE = re.compile(r"[^a-zA-Z0-9_.\-/]|\.(?=x[0-9A-F]{2})")
_ESCAPED = re.compile(r"(?:\.x[0-9A-F]{2})+")
_DIGEST_LENGTH = 16


def derived_external_image_id(path: str) -> str:
    """Derive the external image id of a photo from its path in a folder.

    Different paths have different ids, in any script. A ``/`` becomes ``:``. Any other character
    that an id may not contain becomes the bytes of its UTF-8 form, each as ``.x`` and two digits:
    ``Zoë/1.jpg`` becomes ``Zo.xC3.xAB:1.jpg``. Of an id that would be too long, the end remains,
    followed by a digest of the path.
    """
    escaped = _UNSAFE.sub(_escape, path).replace("/", ":")
    if len(escaped) <= MAX_NAME_LENGTH:
        return escaped
    digest = hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
    return f"{escaped[_DIGEST_LENGTH + 1 - MAX_NAME_LENGTH :]}-{digest}"


def readable_name(external_image_id: str) -> str:
    """Return an external image id as a person reads it: with the characters that were escaped."""
    return _ESCAPED.sub(_unescape, external_image_id)


def is_derived(external_image_id: str, source: str) -> bool:
    """Return whether an external image id only repeats the address of its photo.

    Args:
        external_image_id: the id.
        source: path or ``s3://`` address of the photo, or "".
    """
    path = f"/{source}"
    start = -1
    while (start := path.find("/", start + 1)) >= 0:
        if derived_external_image_id(path[start + 1 :]) == external_image_id:
            return True
    return False


def _escape(match: re.Match[str]) -> str:
    return "".join(f".x{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))


def _unescape(match: re.Match[str]) -> str:
    content = bytes.fromhex(match[0].replace(".x", ""))
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return match[0]
    return text if text.isprintable() else match[0]
