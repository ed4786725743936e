"""The protocol of stores of collections and their tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from facerec.core.records import Collection


class CollectionRecords(Protocol):
    """Collections with their thresholds and tags."""

    def create_collection(
        self, collection: Collection, *, tags: Mapping[str, str] | None = None
    ) -> None:
        """Create a collection with its tags in one step; the number of tags is not checked.

        Raises:
            CollectionExistsError: The collection exists; exactly one of two concurrent callers gets
                this error.
        """
        ...

    def get_collection(self, collection_id: str) -> Collection:
        """Return a collection.

        Raises:
            CollectionNotFoundError: The collection does not exist.
        """
        ...

    def list_collections(self, *, after: str | None = None, limit: int = 1000) -> list[Collection]:
        """Return collections ordered by id, starting after the id ``after``."""
        ...

    def delete_collection(self, collection_id: str, created_at: float | None = None) -> None:
        """Delete the record of a collection, and the stored answers that name its people.

        Args:
            collection_id: Id of the collection.
            created_at: When it was created, in seconds since 1970: a later collection of the same
                id is kept, whenever it is created. None for any collection.

        Raises:
            CollectionNotFoundError: The collection does not exist; perhaps a later one does.
        """
        ...

    def delete_unowned(self, *, stop: Callable[[], bool] = lambda: False) -> dict[str, int]:
        """Delete records that belong to no collection or person.

        Interrupted deletions, mostly those of earlier releases, have left them.

        Args:
            stop: Called between requests; once it returns true, the rest is left to the next call,
                which continues from there.

        Returns:
            Numbers of deleted records by the id of their collection; empty if nothing was found.

        Raises:
            FacerecError: Records of a collection cannot be deleted, such as because of too many
                concurrent changes; raised after the other collections.
        """
        ...

    def set_threshold(self, collection_id: str, threshold: float | None) -> None:
        """Set the threshold of a collection, or remove it.

        Raises:
            CollectionNotFoundError: The collection does not exist.
        """
        ...

    def get_tags(self, collection_id: str) -> dict[str, str]:
        """Return a collection's tags.

        Raises:
            CollectionNotFoundError: The collection does not exist.
        """
        ...

    def change_tags(
        self,
        collection_id: str,
        *,
        put: Mapping[str, str] | None = None,
        remove: Sequence[str] = (),
        limit: int = 200,
    ) -> None:
        """Set and remove tags atomically.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            QuotaExceededError: There would be more than ``limit`` tags, not counting those with
                keys that begin with ``facerec:``; nothing was changed.
            ConflictError: There are too many concurrent changes.
        """
        ...
