"""Protocol of objects: photos, manifests and job folders, on local disk or in S3."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from facerec.errors import AccessDeniedError, ObjectNotFoundError

MISSING = ""
"""Version of a link to a file that does not exist."""


class ObjectInfo(NamedTuple):
    """Facts about an object without its content: a tuple, since a listing creates millions.

    Attributes:
        uri: A path or an ``s3://bucket/key`` address.
        size: Size in bytes.
        version: Text that changes with the content: an S3 ETag, or size and modification time;
            ``MISSING`` for a link to a file that does not exist.
        changed_ns: Time of the last change to the content or an attribute of a file, by the clock
            of its file system, in nanoseconds since 1970 (its ctime, which cannot be set); None for
            an S3 object, which has an ETag.
    """

    uri: str
    size: int
    version: str
    changed_ns: int | None = None


class ObjectStore(Protocol):
    """Reads and writes whole objects and byte ranges, addressed by uri.

    Each method raises only ``ObjectNotFoundError``, ``AccessDeniedError`` or
    ``StoreUnavailableError`` for a problem with an object; ``read`` also raises
    ``ObjectChangedError``.
    """

    def head(self, uri: str) -> ObjectInfo:
        """Return an object's size and version."""
        ...

    def read(
        self,
        uri: str,
        *,
        start: int = 0,
        end: int | None = None,
        version: str | None = None,
        version_id: str | None = None,
    ) -> bytes:
        """Return bytes ``start`` to ``end`` (exclusive; None for all) of an object.

        A range that starts at or after the end of the object is empty.

        Args:
            uri: The object.
            start: The first byte.
            end: The byte after the last.
            version: Version from ``head`` that the content must still have.
            version_id: An older version in a versioned S3 bucket; None for the newest.

        Raises:
            ObjectChangedError: The object does not have ``version``.
        """
        ...

    def fetch(
        self, uri: str, *, end: int | None = None, version_id: str | None = None
    ) -> tuple[bytes, ObjectInfo]:
        """Return the first bytes of an object, up to ``end``, and the facts about that version.

        Without ``end``, these are all bytes.

        If the object changes during the call, the facts are those of the returned bytes. With
        ``end``, the version of an empty object may be "".
        """
        ...

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        """Write an object atomically: readers see all of it or nothing.

        Returns:
            False if ``if_absent`` is set and the object exists; then nothing is written.
        """
        ...

    def write_file(self, uri: str, path: Path) -> None:
        """Write an object from a local file of any size, atomically."""
        ...

    def replace(self, uri: str, content: bytes | Path, *, version: str) -> bool:
        """Write an object atomically if nobody has changed it since it was read.

        Args:
            uri: The object.
            content: The new bytes, or a local file of any size with them.
            version: Version from ``head`` or ``fetch`` that the object must still have.

        Returns:
            False if it has another version; then nothing is written.

        Raises:
            ObjectNotFoundError: The object was deleted.
        """
        ...

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects whose uri starts with ``prefix``, ordered by uri.

        Args:
            prefix: Start of the uris.
            after: Yield only objects with a greater uri than this one, which must have the prefix;
                "" yields all. S3 does not send the objects up to ``after``.
        """
        ...

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the uris of the direct subfolders of ``prefix``.

        The prefix and the uris end in ``/``. A folder that does not exist has no subfolders.
        """
        ...

    def delete(self, uri: str) -> None:
        """Delete an object. A missing object is not an error."""
        ...

    def delete_folder(self, prefix: str) -> None:
        """Delete every object whose uri starts with ``prefix``, which ends in ``/``."""
        ...


SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)://")
"""Start of a uri that is not a path."""

S3_ADDRESS = re.compile(r"s3://([^/]+)/(.*)", re.DOTALL)
"""Address of an object in S3: bucket and key."""


def scheme_of(uri: str) -> str:
    """Return the scheme of a uri in lower case, ``file`` for a path."""
    match = SCHEME.match(uri)
    return match[1].lower() if match else "file"


def folder_of(uri: str) -> str:
    """Return a uri up to and including its last ``/``, or "" without one."""
    return uri[: uri.rfind("/") + 1]


def exists(uri: str, objects: ObjectStore) -> bool:
    """Return whether an object exists.

    Raises:
        AccessDeniedError: The object may not be read.
        StoreUnavailableError: The store does not respond.
    """
    try:
        objects.head(uri)
    except ObjectNotFoundError:
        return False
    return True


def may_exist(uri: str, objects: ObjectStore) -> bool:
    """Return whether an object exists; also true if access to it is denied.

    Raises:
        StoreUnavailableError: The store does not respond.
    """
    try:
        return exists(uri, objects)
    except AccessDeniedError:
        return True
