"""The protocol of stores of tombstones."""

from __future__ import annotations

from collections.abc import Collection as Members
from collections.abc import Mapping, Sequence
from typing import Protocol


class TombstoneRecords(Protocol):
    """The positions of deleted faces in photos; later jobs do not store these faces again."""

    def get_tombstone_key(self, collection_id: str) -> bytes | None:
        """Return the key of a collection's tombstones; None if it never had a tombstone."""
        ...

    def create_tombstone_key(self, collection_id: str, key: bytes) -> bytes:
        """Store the key of a collection's tombstones unless it has one, and return its key.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            ConflictError: There are too many concurrent changes.
        """
        ...

    def get_tombstones(
        self, collection_id: str, photos: Sequence[str]
    ) -> dict[str, frozenset[str]]:
        """Return the positions of deleted faces by photo; photos without any are omitted.

        Args:
            collection_id: The collection.
            photos: Keyed hashes of photos (see ``facerec.gallery.erasing.tombstones``).
        """
        ...

    def list_tombstones(
        self, collection_id: str, *, after: str | None = None, limit: int = 1000
    ) -> dict[str, frozenset[str]]:
        """Return the positions of deleted faces, ordered by photo, starting after ``after``.

        Args:
            collection_id: The collection.
            after: Keyed hash of a photo.
            limit: Maximum number of photos.
        """
        ...

    def put_tombstones(self, collection_id: str, places: Mapping[str, Members[str]]) -> None:
        """Add positions of deleted faces by photo, each photo atomically.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            ConflictError: There are too many concurrent changes.
        """
        ...

    def delete_tombstones(self, collection_id: str, places: Mapping[str, Members[str]]) -> None:
        """Remove positions of deleted faces by photo; unknown ones are ignored."""
        ...
