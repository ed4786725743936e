"""Derives ids from content, so that indexing the same photo again results in the same ids.

Ids of photos and of faces are UUIDs of version 8 (custom, RFC 9562 section 5.8), since
Rekognition's ids are UUIDs. A face id is ``xxxxxxxx-xxxx-8xxx-yxxx-ffffffffffff``: everything up to
the last dash identifies the photo in its collection, the last 12 digits identify the face. So all
faces of a photo share a prefix. It has 74 random bits: among 10^9 photos, the chance that any two
collide is 3 in 10^5 (birthday bound n^2 / 2^75). Only this module knows of what an id consists.
"""

from __future__ import annotations

import hashlib
import math
import re
from typing import TYPE_CHECKING

from facerec.core.names import shown_name
from facerec.errors import InvalidInputError

if TYPE_CHECKING:
    from facerec.core.faces import BoundingBox

_CELLS = 8
"""Number of grid cells per extent of a face; the extent is rounded to half octaves."""

ID_PATTERN = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
"""Regular expression of an id within other text."""

FACE_ID_PATTERN = f"^{ID_PATTERN}$"
"""Regular expression of a face id, as in Rekognition (``FaceId`` of
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_Face.html)."""

HEX_DIGITS = "0123456789abcdef"
"""The digits of ids, in the order of the ids."""

FIRST_DIGITS = 8
"""Number of digits of an id before its first dash; all of them are random."""

ID_BYTES = 16
"""Number of bytes of an id without its dashes."""

PREFIX_BYTES = 8
"""Number of the first bytes of a face id that identify the photo where an image key would be too
long. They have 60 random bits: the chance that two of a million photos share them is below 10^-6.
"""

_UUID = re.compile(ID_PATTERN)
_GROUP = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}")
"""A lowercase UUID up to and including its last dash."""

_VARIANTS = {digit: "89ab"[number % 4] for number, digit in enumerate(HEX_DIGITS)}
"""Variant digit of a UUID, by the digest's digit at that position."""

_MEMBER_DIGITS = 12
"""Hexadecimal digits of a UUID after its last dash."""


def is_uuid(text: str) -> bool:
    """Return whether a text is a lowercase UUID, as ids of faces and photos are."""
    return isinstance(text, str) and _UUID.fullmatch(text) is not None


def checked_face_id(face_id: str) -> str:
    """Return a face id unchanged if it is well formed, whether or not the face exists.

    Raises:
        InvalidInputError: The id is not a lowercase UUID.
    """
    if not is_uuid(face_id):
        raise InvalidInputError(
            f"invalid face id {shown_name(face_id, 36)}", "use the id of a face, a lowercase UUID"
        )
    return face_id


def image_id(content: bytes) -> str:
    """Return the id of a photo, a lowercase UUID derived from the SHA-256 of its bytes."""
    return _uuid(hashlib.sha256(content).hexdigest())


def image_key(
    collection_id: str, image_id: str, external_image_id: str | None, id_version: str
) -> str:
    """Return the prefix of the ids of all faces of a photo in a collection.

    Args:
        collection_id: The collection.
        image_id: Id of the photo's content.
        external_image_id: The caller's own name for the photo, or None.
        id_version: The collection's ``id_version``.
    """
    named = "\0".join((collection_id, image_id, external_image_id or "", id_version))
    return _group(hashlib.sha256(named.encode()).hexdigest())


def face_id(image_key: str, box: BoundingBox) -> str:
    """Return the id of the face in a box of a photo.

    Boxes computed on different processors differ by rounding, a few millionths of the photo's side.
    So the position is quantised: the size to half octaves, the centre to cells of an eighth of the
    size. Any two boxes that a detector keeps differ in size by more, or are at least a quarter of
    their size apart. Boxes that differ by rounding get different ids for about one face in several
    thousand.
    """
    across = _cell(box.left + box.width / 2, box.width)
    down = _cell(box.top + box.height / 2, box.height)
    return image_key + hashlib.sha256(f"{across},{down}".encode()).hexdigest()[:_MEMBER_DIGITS]


def group_of(vector_id: str) -> str:
    """Return the prefix that an id shares with its group; for a face, the image key."""
    return vector_id[: vector_id.rfind("-") + 1]


def is_group(text: str) -> bool:
    """Return whether a text has the form of a group. No group is a prefix of another."""
    return _GROUP.fullmatch(text) is not None


def first_of_group(group: str) -> str:
    """Return the lowest id of a group, which groups of one vector use."""
    return group + "0" * _MEMBER_DIGITS


def group_bounds(group: str) -> tuple[str, str]:
    """Return the lower bound and the exclusive upper bound of the ids of a group."""
    # The prefix is followed by hexadecimal digits, which sort before "g".
    return group, group + "g"


def id_bytes(vector_id: str) -> bytes:
    """Return an id as ``ID_BYTES`` bytes, which sort like the ids."""
    return bytes.fromhex(vector_id.replace("-", ""))


def id_of_bytes(content: bytes) -> str:
    """Return the id that ``id_bytes`` converts to these bytes."""
    digits = content.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def prefix_of(face_id: str) -> bytes:
    """Return the first ``PREFIX_BYTES`` of a face id: equal for faces of one photo."""
    return id_bytes(face_id)[:PREFIX_BYTES]


def photo_number(face_id: str) -> int:
    """Return the prefix of a face id as a number below 2^64: equal for faces of one photo."""
    return int.from_bytes(prefix_of(face_id), "big")


def id_ranges(count: int) -> list[tuple[str | None, str | None]]:
    """Return ranges of ids, each as the id before it and its last id; None for no limit.

    Args:
        count: Number of ranges, 1 to 16, which are about equally large.
    """
    bounds = [
        id_of_bytes(bytes([(number << 8) // count - 1]) + b"\xff" * (ID_BYTES - 1))
        for number in range(1, count)
    ]
    return list(zip([None, *bounds], [*bounds, None], strict=True))


def _cell(middle: float, extent: float) -> str:
    """Return the grid cell of the middle of a face, along one side of the photo.

    Args:
        middle: Middle of the face, as a ratio of the side.
        extent: Extent of the face, as a ratio of the side; its half octave sets the grid.
    """
    size = round(2 * math.log2(extent))
    return f"{math.floor(middle * _CELLS / 2 ** (size / 2))}@{size}"


def _uuid(digest: str) -> str:
    return f"{_group(digest)}{digest[20:][:_MEMBER_DIGITS]}"


def _group(digest: str) -> str:
    """Return the UUID that a digest determines, up to and including its last dash."""
    variant = _VARIANTS[digest[16]]
    return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{variant}{digest[17:20]}-"
