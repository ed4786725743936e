"""Versions of photos: texts that differ if the content differs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from facerec.storage.objects.protocol import scheme_of

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectInfo

SECOND = 1_000_000_000

_PIN = "@"
"""Start of a version that is an S3 version id; ETags and sizes never begin with it."""

TICK_NS = 20_000_000
"""Nanoseconds within which two changes of a file may get the same time stamp. Linux uses the time
of its last timer tick, at most 10 ms ago (``CONFIG_HZ``)."""

COARSE_TICK_NS = 2 * SECOND
"""``TICK_NS`` for a file system with times in whole seconds, or in steps of two seconds (FAT)."""


def version_of(info: ObjectInfo) -> str:
    """Return the version of a listed object."""
    if info.changed_ns is None:
        # An S3 Inventory has ETags without quotes.
        return info.version.strip('"')
    return f"{info.version}-{info.changed_ns}"


def content_of_version(uri: str, version: str) -> str:
    """Return the part of a version that a photo keeps when it is moved; "" if it is unknown.

    This is the size of a file, whose times may change, and the ETag of an object in S3.

    Args:
        uri: Address of the photo.
        version: Its version, or "".
    """
    return version.partition("-")[0] if scheme_of(uri) == "file" else version


def pinned_version(version_id: str) -> str:
    """Return the version of a photo that a manifest names by its S3 version id; it never changes.

    A manifest may name several such versions of an object, and all their faces stay.
    """
    return f"{_PIN}{version_id}"


def is_pinned(version: str) -> bool:
    """Return whether a version belongs to a photo that is named by its S3 version id."""
    return version.startswith(_PIN)


def version_of_line(content: bytes) -> str:
    """Return the version of a malformed line, a digest by which later runs recognise it."""
    return hashlib.sha256(content.strip()).hexdigest()[:32]


def settled_version(info: ObjectInfo, read_ns: int, version_id: str | None = None) -> str | None:
    """Return the version of content that was read; None if later content may get the same one.

    Args:
        info: Facts about the object.
        read_ns: Time before the read, in nanoseconds since 1970.
        version_id: The S3 version id that names the object, or None for the newest version.
    """
    if version_id is not None:
        return pinned_version(version_id)
    if info.changed_ns is not None:
        tick = TICK_NS if info.changed_ns % SECOND else COARSE_TICK_NS
        # This also applies to files whose time is in the future because a clock was set back.
        if info.changed_ns >= read_ns - tick:
            return None
    return version_of(info) or None
