"""The protocol of stores of the history of people."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from facerec.core.history import Entry


class HistoryRecords(Protocol):
    """Records who changed people, when and why.

    The methods that change people and corrections write the steps of the history, in the
    transaction of the change, if there is a cause (see ``facerec.core.recording``). A change of
    many faces can be several steps.
    """

    def transaction(self) -> AbstractContextManager[None]:
        """Apply the changes of the block atomically; without transactions, apply them one by one.

        The block must not search, and must not continue after an error.
        """
        ...

    def list_history(
        self,
        collection_id: str,
        *,
        subject: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> list[Entry]:
        """Return entries, newest first.

        Args:
            collection_id: The collection.
            subject: Return only entries with this person, name, face or undone entry.
            before: Id of an entry; only older entries are returned.
            limit: Maximum number of entries.
        """
        ...

    def get_history(self, collection_id: str, entry_id: str) -> Entry | None:
        """Return an entry; None if it does not exist."""
        ...

    def get_history_subjects(self, collection_id: str, subjects: Collection[str]) -> frozenset[str]:
        """Return the given subjects that occur in entries of the history."""
        ...

    def put_history(self, collection_id: str, entries: Sequence[Entry]) -> None:
        """Store entries of another store; entries whose ids are known are not changed.

        Entries that an interrupted call has stored in part are completed.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            ConflictError: There are too many concurrent changes.
        """
        ...

    def erase_history(
        self, collection_id: str, *, people: Collection[str], face_ids: Collection[str]
    ) -> tuple[int, frozenset[str]]:
        """Remove people and faces from all entries; see ``core.erased_history``.

        Returns:
            The number of changed entries, and the ids and names of everybody who is removed,
            including ``people``.
        """
        ...

    def expire_history(self, collection_id: str, before: float) -> int:
        """Delete the entries of changes before a time, and return their number.

        Args:
            collection_id: The collection.
            before: Seconds since 1970, UTC.
        """
        ...
