"""Objects: photos, manifests and job folders, on local disk or in S3, behind one protocol."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
    ) -> bytes:
        """Return bytes ``start`` to ``end`` (exclusive; None: to the last) of an object.

        A range that begins at or behind the object's end is empty.

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

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose uri starts with ``prefix``, in the order of their uris."""
        ...

    def delete(self, uri: str) -> None:
        """Delete an object; a missing one is fine."""
        ...
