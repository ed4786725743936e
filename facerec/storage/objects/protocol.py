"""Objects: photos, manifests and job folders, on local disk or in S3, behind one protocol."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is known of an object without reading it.

    Attributes:
        uri: a path or an ``s3://bucket/key`` address.
        size: in bytes.
        version: changes whenever the content does: an S3 ETag, or size and modification time.
    """

    uri: str
    size: int
    version: str


class ObjectStore(Protocol):
    """Reads and writes whole objects and byte ranges, addressed by uri.

    Each method raises ``ObjectNotFoundError``, ``AccessDeniedError`` or
    ``StoreUnavailableError``, and nothing else, for what can go wrong with an object.
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
        """Return bytes ``start`` to ``end`` (exclusive; None: to the last) of an object.

        A range that begins at or behind the object's end is empty.

        Args:
            uri: the object.
            start: the first byte.
            end: the byte behind the last.
            version: what ``head`` said; the content must still be that.
            version_id: an older version that a versioned S3 bucket keeps; None: the newest.

        Raises:
            ObjectChangedError: ``version`` is given and is not the object's.
        """
        ...

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        """Write an object so that readers see all of it or none.

        Returns:
            False if ``if_absent`` and the object exists already; then nothing is written.
        """
        ...

    def write_file(self, uri: str, path: Path) -> None:
        """Write an object from a local file of any size, so that readers see all of it or none."""
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose uri starts with ``prefix``, in the order of their uris."""
        ...

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the uris, each with its final ``/``, of the folders right under ``prefix/``."""
        ...

    def delete(self, uri: str) -> None:
        """Delete an object; a missing one is fine."""
        ...

    def delete_folder(self, prefix: str) -> None:
        """Delete every object whose uri starts with ``prefix``, which ends in ``/``."""
        ...


SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)://")
"""What a uri that is no path begins with."""


def scheme_of(uri: str) -> str:
    """Return the scheme of a uri in lower case, ``file`` for a path."""
    named = SCHEME.match(uri)
    return named[1].lower() if named else "file"


def folder_of(uri: str) -> str:
    """Return everything up to the last ``/`` of a uri, that included; "" where there is none."""
    return uri[: uri.rfind("/") + 1]
