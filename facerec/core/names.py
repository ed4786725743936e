"""Names that callers choose, by Rekognition's rules, and how paths and messages show them.

See ``CollectionId`` and ``ExternalImageId`` in
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_IndexFaces.html, ``UserId`` in
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_CreateUser.html and ``Tags`` in
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_TagResource.html.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping

from facerec.errors import InvalidInputError, QuotaExceededError

MAX_NAME_LENGTH = 255
"""Maximum length of a collection id or external image id."""

_MAX_IN_PATHS = 200
"""Maximum length of a collection id in a file name; longer ids are cut."""

MAX_REQUESTER_LENGTH = 2048
"""Maximum length of the name of a requester: the length of an ARN of AWS
(https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html)."""

MAX_PHOTO_NAME_LENGTH = 1000
"""Maximum length of the name of an uploaded photo, which may be a path in a folder."""

MAX_REASON_LENGTH = 1000
"""Maximum length of the reason of a change."""

MAX_USER_ID_LENGTH = 128
MAX_TAG_KEY_LENGTH = 128
MAX_TAG_VALUE_LENGTH = 256
"""Maximum lengths of a user id, and of a tag's key and value."""

COLLECTION_ID_CHARACTER = r"[a-zA-Z0-9_.\-]"
EXTERNAL_IMAGE_ID_CHARACTER = r"[a-zA-Z0-9_.\-:]"
"""Regular expressions of one character. The schemas have copies, which a test compares."""

_UNSHOWN = (
    r"\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
)
"""Control characters, line breaks, and characters that are invisible or change the writing
direction, and so could make one name look like another. The joiners in Persian and Indian names are
allowed."""

USER_NAME_PATTERN = rf"^[^{_UNSHOWN}]*[^\s{_UNSHOWN}][^{_UNSHOWN}]*$"
"""Regular expression of a display name."""

_USER_NAME = re.compile(USER_NAME_PATTERN)
_HALF_CHARACTER = re.compile(r"[\ud800-\udfff]")
"""Half of a UTF-16 pair, or a byte of a command line that is not UTF-8. No store can keep it.
Patterns of schemas cannot express it in every language, so they do not include it."""

DOT_SEGMENTS = frozenset({".", ".."})
"""Parts of a URL's path that stand for folders (RFC 3986, section 5.2.4)."""

_COLLECTION_ID = re.compile(f"{COLLECTION_ID_CHARACTER}+")
_EXTERNAL_IMAGE_ID = re.compile(f"{EXTERNAL_IMAGE_ID_CHARACTER}+")


def checked_collection_id(name: str) -> str:
    """Return a collection id unchanged if it is valid.

    Raises:
        InvalidInputError: The id is empty, too long, or contains characters other than
            ``[a-zA-Z0-9_.-]``.
    """
    return _checked(name, _COLLECTION_ID, "collection id", "letters, digits, '_', '.' and '-'")


def checked_new_id(new_id: str) -> str:
    """Return the id of a new collection or person unchanged if it can be used in a URL.

    Clients resolve ``.`` and ``..`` in a URL as folders before they send it, so that a request for
    the person ``..`` would reach its collection. Ids that exist already can still be deleted.

    Raises:
        InvalidInputError: The id is ``.`` or ``..``.
    """
    if new_id in DOT_SEGMENTS:
        raise InvalidInputError(f"invalid id {new_id!r}", "URLs cannot contain it; use another")
    return new_id


def name_in_paths(collection_id: str) -> str:
    """Return a collection id as a path component of at most 217 characters.

    File systems allow 255 bytes, and some names are prefixed. Ids that are too long are cut, and
    end in a digest after a character that no id contains.
    """
    if len(collection_id) <= _MAX_IN_PATHS:
        return collection_id
    digest = hashlib.sha256(collection_id.encode()).hexdigest()
    return f"{collection_id[:_MAX_IN_PATHS]}~{digest[:16]}"


def checked_external_image_id(name: str) -> str:
    """Return an external image id unchanged if it is valid.

    Raises:
        InvalidInputError: The id is empty, too long, or contains characters other than
            ``[a-zA-Z0-9_.:-]``.
    """
    return _checked(
        name, _EXTERNAL_IMAGE_ID, "external image id", "letters, digits, '_', '.', '-' and ':'"
    )


def checked_user_id(name: str) -> str:
    """Return a user id unchanged if it is valid.

    Raises:
        InvalidInputError: The id is empty, longer than 128 characters, or contains characters other
            than ``[a-zA-Z0-9_.:-]``.
    """
    return _checked(
        name,
        _EXTERNAL_IMAGE_ID,
        "person id",
        "letters, digits, '_', '.', '-' and ':'",
        maximum=MAX_USER_ID_LENGTH,
    )


def checked_source(address: str) -> str:
    """Return the path or address of a photo unchanged if it is valid.

    Faces of photos that were given as bytes without a name have the source "": it names no photo.

    Raises:
        InvalidInputError: The address is empty, or is not a string.
    """
    if not isinstance(address, str):
        raise InvalidInputError(f"the address of a photo must be a string, got {address!r}")
    if not address:
        raise InvalidInputError(
            "the address of the photo is empty", "name the photo by its path or address"
        )
    return address


def checked_person(name: str) -> str:
    """Return the name of the person of a correction unchanged if it is valid.

    Raises:
        InvalidInputError: The name is empty, too long, or contains characters other than
            ``[a-zA-Z0-9_.:-]``.
    """
    return _checked(name, _EXTERNAL_IMAGE_ID, "person", "letters, digits, '_', '.', '-' and ':'")


def checked_user_name(name: str) -> str:
    """Return a display name in its stored form: Unicode NFC, without leading or trailing spaces.

    Raises:
        InvalidInputError: The name is empty, too long or not valid Unicode, or contains control
            characters, line breaks, or characters that are invisible or change the writing
            direction.
    """
    kept = unicodedata.normalize("NFC", name).strip() if isinstance(name, str) else ""
    if len(kept) > MAX_NAME_LENGTH or not _is_one_line(kept):
        raise InvalidInputError(
            f"invalid name {shown_name(name, MAX_NAME_LENGTH)}",
            f"use 1 to {MAX_NAME_LENGTH} characters of any script, without line breaks or "
            "invisible characters",
        )
    return kept


def checked_requester(name: str) -> str:
    """Return the name of somebody who changes people, without spaces at its ends.

    Raises:
        InvalidInputError: The name is empty, too long, or has characters that ``checked_user_name``
            refuses.
    """
    return _checked_line(name, MAX_REQUESTER_LENGTH, "name")


def checked_reason(text: str) -> str:
    """Return the reason of a change, without spaces at its ends.

    Raises:
        InvalidInputError: The reason is empty, too long, or has characters that
            ``checked_user_name`` refuses.
    """
    return _checked_line(text, MAX_REASON_LENGTH, "reason")


def checked_photo_name(name: str) -> str:
    """Return the name of an uploaded photo, without spaces at its ends.

    Raises:
        InvalidInputError: The name is empty, too long, or has characters that ``checked_user_name``
            refuses.
    """
    if not isinstance(name, str):
        raise InvalidInputError(f"the name of a photo must be a string, got {name!r}")
    return _checked_line(name, MAX_PHOTO_NAME_LENGTH, "name of a photo")


def _checked_line(text: str, maximum: int, kind: str) -> str:
    kept = text.strip()
    if len(kept) > maximum or not _is_one_line(kept):
        raise InvalidInputError(
            f"invalid {kind} {shown_name(text, maximum)}",
            f"use 1 to {maximum} characters of any script, without line breaks or invisible "
            "characters",
        )
    return kept


def _is_one_line(text: str) -> bool:
    return bool(_USER_NAME.fullmatch(text)) and not _HALF_CHARACTER.search(text)


def folded_name(name: str) -> str:
    """Return a name in the form for case-insensitive comparison."""
    return unicodedata.normalize("NFC", name).strip().casefold()


OWN_TAG_PREFIX = "facerec:"
"""Beginning of the keys of tags that facerec itself sets."""


def checked_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    """Return tags unchanged if their keys and values are valid.

    Raises:
        InvalidInputError: A key is empty or begins with ``aws:``, or a key or value is too long or
            contains characters other than letters, digits, spaces and ``_.:/=+-@``.
    """
    for key, value in tags.items():
        if not key or key.startswith("aws:") or not _is_tag_text(key, MAX_TAG_KEY_LENGTH):
            raise InvalidInputError(
                f"invalid tag key {shown_name(key, MAX_TAG_KEY_LENGTH)}",
                f"use 1 to {MAX_TAG_KEY_LENGTH} {_TAG_CHARACTERS}, not beginning with 'aws:'",
            )
        if not _is_tag_text(value, MAX_TAG_VALUE_LENGTH):
            raise InvalidInputError(
                f"invalid value of the tag {key!r}",
                f"use up to {MAX_TAG_VALUE_LENGTH} {_TAG_CHARACTERS}",
            )
    return tags


def check_number_of_tags(keys: Iterable[str], limit: int) -> None:
    """Check that a collection does not get too many tags; facerec's own do not count.

    Raises:
        QuotaExceededError: There would be more than ``limit`` tags.
    """
    if sum(not key.startswith(OWN_TAG_PREFIX) for key in keys) > limit:
        raise QuotaExceededError(f"a collection has at most {limit} tags", "remove a tag first")


_TAG_CHARACTERS = "letters, digits, spaces and any of _.:/=+-@"


def _is_tag_text(text: str, maximum: int) -> bool:
    return len(text) <= maximum and all(
        character in "_.:/=+-@" or unicodedata.category(character)[0] in "LZN" for character in text
    )


def _checked(
    name: str,
    allowed: re.Pattern[str],
    kind: str,
    characters: str,
    *,
    maximum: int = MAX_NAME_LENGTH,
) -> str:
    if not isinstance(name, str) or len(name) > maximum or not allowed.fullmatch(name):
        raise InvalidInputError(
            f"invalid {kind} {shown_name(name, maximum)}", f"use 1 to {maximum} {characters}"
        )
    return name


def shown_name(name: str, maximum: int) -> str:
    """Return a caller's name in the form for error messages, which cuts a name that is too long."""
    if not isinstance(name, str):
        return repr(name)
    return repr(name if len(name) <= maximum else f"{name[:40]}...")
