"""Ids that follow from content: indexing the same photo again yields the same ids.

Both kinds are UUIDs of version 8 (custom, RFC 9562 section 5.8), since Rekognition's ids are
UUIDs. A face id is ``xxxxxxxx-xxxx-8xxx-yxxx-ffffffffffff``: everything up to the last dash
names the image as it stands in one collection, the last 12 digits the face in it. So all faces
of an image share a prefix, and 10^9 images share 74 random bits with a chance of 3 in 10^5 that
any two collide (birthday bound n^2 / 2^75).
"""

from __future__ import annotations

import hashlib
import math
import re

from facerec.core.faces import BoundingBox

_CELLS = 8
"""Cells of a face's extent, as far as its half octave tells it."""

_GROUP = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}")
"""A lowercase UUID up to its last dash, included."""

_MEMBER_DIGITS = 12
"""Hexadecimal digits of a UUID behind its last dash."""


def image_id(content: bytes) -> str:
    """Return the id of a photo: a lowercase UUID made from the SHA-256 of its bytes."""
    return _uuid(hashlib.sha256(content).hexdigest())


def image_key(
    collection_id: str, image_id: str, external_image_id: str | None, model_version: str
) -> str:
    """Return what the ids of all faces of an image in a collection begin with."""
    named = "\0".join((collection_id, image_id, external_image_id or "", model_version))
    return group_of(_uuid(hashlib.sha256(named.encode()).hexdigest()))


def face_id(image_key: str, box: BoundingBox) -> str:
    """Return the id of the face at a place in an image.

    The same photo has the same boxes on every processor but for rounding, some millionths of its
    side. So a place is a size, by steps of half an octave, and a cell of an eighth of it: boxes of
    which a detector keeps both differ in size by more, or are at least a quarter apart; boxes that
    differ by rounding lie on both sides of an edge for about one face in some thousand.
    """
    across = _cell(box.left + box.width / 2, box.width)
    down = _cell(box.top + box.height / 2, box.height)
    return image_key + hashlib.sha256(f"{across},{down}".encode()).hexdigest()[:_MEMBER_DIGITS]


def group_of(vector_id: str) -> str:
    """Return the part of an id that its whole group shares: an image key, for a face.

    This is the only place that knows how an id is divided.
    """
    return vector_id[: vector_id.rfind("-") + 1]


def is_group(text: str) -> bool:
    """Return whether a text has the form of a group; no such text is the start of another."""
    return _GROUP.fullmatch(text) is not None


def first_of_group(group: str) -> str:
    """Return the lowest id of a group, for groups of one vector."""
    return group + "0" * _MEMBER_DIGITS


def group_bounds(group: str) -> tuple[str, str]:
    """Return a range of text, its end excluded, that holds the ids of a group and no others."""
    # what follows are hexadecimal digits, all of which sort before "g"
    return group, group + "g"


def _cell(middle: float, extent: float) -> str:
    """Return which cell of a grid a face's middle is in, along one side of the photo.

    Args:
        middle: as a ratio of the photo's side.
        extent: of the face, as a ratio too; the grid follows the half octave that it is in.
    """
    size = round(2 * math.log2(extent))
    return f"{math.floor(middle * _CELLS / 2 ** (size / 2))}@{size}"


def _uuid(digest: str) -> str:
    variant = f"{int(digest[16], 16) & 0x3 | 0x8:x}"
    return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
