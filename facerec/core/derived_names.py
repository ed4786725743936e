"""Ids that are derived from paths and display names, and the readable form of these ids."""

from __future__ import annotations

import hashlib
import re

from facerec.core.names import (
    DOT_SEGMENTS,
    MAX_NAME_LENGTH,
    MAX_USER_ID_LENGTH,
    checked_external_image_id,
)

_UNSAFE = re.compile(r"[^a-zA-Z0-9_.\-/]|\.(?=x[0-9A-F]{2})")
_ESCAPED = re.compile(r"(?:\.x[0-9A-F]{2})+")
_NOT_IN_ID = re.compile(r"[^a-zA-Z0-9_.\-:]")
_KEPT = re.compile(r"[a-zA-Z0-9_.\-:/]")
"""Characters that a readable name keeps escaped: unescaped, they would mean another id."""

_ELLIPSIS = "…"
_CONTINUATIONS = bytes(range(0x80, 0xC0))
"""Bytes of UTF-8 that are not the first one of a character."""

_DIGEST_LENGTH = 16
_CUT = re.compile(rf"-[0-9a-f]{{{_DIGEST_LENGTH}}}$")


def derived_external_image_id(path: str) -> str:
    """Derive the external image id of a photo from its path in a folder.

    Different paths have different ids, in any script. A ``/`` becomes ``:``. Any other character
    that an id may not contain becomes the bytes of its UTF-8 form, each as ``.x`` and two digits:
    ``Zoë/1.jpg`` becomes ``Zo.xC3.xAB:1.jpg``. An id that would be too long is cut at its
    beginning, and a digest of the path is appended.
    """
    return _derived(path, MAX_NAME_LENGTH)


def derived_user_id(name: str) -> str:
    """Derive the id of a person from a display name, by the rules of ``derived_external_image_id``.

    Different names have different ids, in any script: ``张伟`` becomes
    ``.xE5.xBC.xA0.xE4.xBC.x9F``.
    """
    return _derived(name, MAX_USER_ID_LENGTH)


def _derived(text: str, maximum: int) -> str:
    if text in DOT_SEGMENTS:
        return text.replace(".", ".x2E")
    escaped = _UNSAFE.sub(_escape, text).replace("/", ":")
    # A text that looks like the id of a longer text gets a digest too, so that no two texts have
    # the same id.
    if len(escaped) < maximum or (len(escaped) == maximum and not _CUT.search(escaped)):
        return escaped
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
    return f"{escaped[_DIGEST_LENGTH + 1 - maximum :]}-{digest}"


def readable_name(external_image_id: str) -> str:
    """Return an external image id in readable form, with its escaped characters restored.

    ``read_external_image_id`` converts it back to the id, so no two ids have the same readable
    name. Characters that an id may contain, such as ``:``, and invisible characters stay escaped.
    If an id is the end of a longer path, its readable name begins with an ellipsis. The rest of the
    character at which the path was cut follows as in the id, then whole characters.
    """
    name = _ESCAPED.sub(_unescape, external_image_id)
    return f"{_ELLIPSIS}{name}" if _is_cut(external_image_id) else name


def read_external_image_id(name: str) -> str:
    """Return the external image id that a name from a caller refers to.

    The name is an id, the readable name of one, or the path of a photo in its folder. A name that
    is a valid id refers to that id only, even if it looks like the path of another photo.

    Raises:
        InvalidInputError: The name is empty, or is not a string.
    """
    if not name or not isinstance(name, str):
        return checked_external_image_id(name)
    cut = _NOT_IN_ID.sub(_escape, name.removeprefix(_ELLIPSIS).replace("/", ":"))
    if name.startswith(_ELLIPSIS) and _is_cut(cut):
        return cut
    escaped = _NOT_IN_ID.sub(_escape, name.replace("/", ":"))
    return escaped if len(escaped) <= MAX_NAME_LENGTH else derived_external_image_id(name)


def _is_cut(external_image_id: str) -> bool:
    return len(external_image_id) == MAX_NAME_LENGTH and bool(_CUT.search(external_image_id))


def is_derived(external_image_id: str, source: str) -> bool:
    """Return whether an external image id only repeats the address of its photo.

    Args:
        external_image_id: The id.
        source: Path or ``s3://`` address of the photo, or "".
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
    # The end of a character of which an id has only some bytes.
    rest = content.lstrip(_CONTINUATIONS)
    start = len(match[0]) - len(".xFF") * len(rest)
    try:
        text = rest.decode()
    except UnicodeDecodeError:
        return match[0]
    return match[0][:start] + _KEPT.sub(_escape, text) if text.isprintable() else match[0]
