"""The protocol of stores of corrections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from facerec.core.records import Correction


class CorrectionRecords(Protocol):
    """Statements that faces do not show people."""

    def add_corrections(self, collection_id: str, corrected: Sequence[Correction]) -> None:
        """Store corrections; storing one again changes nothing.

        A store stores all or none, except DynamoDB: more than 33 take several transactions, and a
        later one can fail. The same call then stores the rest, also after an interruption.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            ConflictError: There are too many concurrent changes.
        """
        ...

    def remove_corrections(self, collection_id: str, corrected: Sequence[Correction]) -> int:
        """Erase corrections, and return how many of them were stored.

        Raises:
            ConflictError: There are too many concurrent changes.
        """
        ...

    def corrections_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[Correction]:
        """Return the corrections of faces, ordered by face, then by person."""
        ...

    def corrections_of_people(self, collection_id: str, people: Sequence[str]) -> list[Correction]:
        """Return the corrections about people, ordered by face, then by person."""
        ...

    def list_corrections(
        self, collection_id: str, *, after: Correction | None = None, limit: int = 1000
    ) -> list[Correction]:
        """Return corrections ordered by face, then by person, starting after ``after``."""
        ...
